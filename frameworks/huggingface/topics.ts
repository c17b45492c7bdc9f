import type { SmokeTest, TensorExpectation } from '../../scripts/model/types.ts';

/** Sentences that train.py does not show to the model (each seventh), and what they are about, in no order. */
const sentences: [text: string, topic: 'kitchen' | 'railway' | 'sea'][] = [
  ['The diver rows the ferry in the morning.', 'sea'],
  ['The cook stirs the soup today.', 'kitchen'],
  ['The traveller leaves the carriage today.', 'railway'],
  ['The guard awaits the platform in the morning.', 'railway'],
  ['The captain anchors the boat again.', 'sea'],
  ['The guest salts the butter today.', 'kitchen'],
];

/** The number of each topic: `label2id` of the model's config.json. */
const numbers = { kitchen: 0, railway: 1, sea: 2 };

/** The smoke test of the sample. */
export const topicsSmoke: SmokeTest<TensorExpectation> = {
  path: '/v2/models/{name}/infer',
  body: {
    inputs: [
      {
        name: 'input-0',
        shape: [sentences.length],
        datatype: 'BYTES',
        data: sentences.map(([text]) => text),
      },
    ],
  },
  // KServe's server calls its only output so (python/kserve/kserve/utils/utils.py, `get_predict_response`).
  expect: { output: 'output-0', classes: sentences.map(([, topic]) => numbers[topic]), read: 'labels' },
};
