import type { Framework } from '../../scripts/model/types.ts';
import vllm from '../vllm/framework.ts';
import { topicsSmoke } from './topics.ts';

/** Files of formats that vLLM reads and `transformers` does not. */
const ofMistral = new Set(['params.json', 'tekken.json']);

/**
 * Pipelines of `transformers` by KServe's Hugging Face server, without vLLM: text and token classification, fill-mask,
 * embeddings, and text to text. Texts come by protocols v1 and v2 (python/huggingfaceserver/huggingfaceserver/task.py and
 * encoder_model.py); models that generate text answer OpenAI's protocol. The files are those of framework vllm.
 */
export default {
  // Runtime, files and what is to be known of them.
  ...vllm,
  name: 'huggingface',
  protocolVersion: 'v2',
  // Otherwise the server takes vLLM wherever that knows the architecture, with other endpoints and answers.
  args: ['--backend=huggingface'],
  requires: vllm.requires.map(({ anyOf, why, ...more }) => ({
    ...more,
    anyOf: anyOf.filter((glob) => !ofMistral.has(glob)),
    why: anyOf.includes('params.json')
      ? 'it names the architecture, from which the server takes the task'
      : why,
  })),
  smoke: {
    ...topicsSmoke,
    sample: { 'model.safetensors': 'ee2b4036209c2951227cd65a398ae81832778884a142106a1fb5ddbc20e554f5' },
  },
  smokeFrom: async (files) =>
    (await import('../../scripts/artifacts/smoke/pipeline.ts')).smokeFromPipeline(files),
} satisfies Framework;
