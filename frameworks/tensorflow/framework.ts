import type { Framework } from '../../scripts/model/types.ts';
import { irisRows, irisScores } from '../iris.ts';

/** The files of a SavedModel, as `tf.saved_model.save` and Keras' `model.export` write it. */
const own =
  /^(saved_model\.pb|saved_model\.pbtxt|fingerprint\.pb|keras_metadata\.pb|(variables|assets|assets\.extra)\/.*)$/;

/**
 * A SavedModel by TensorFlow Serving, which wants a folder for every version: `1/saved_model.pb` (its documentation,
 * "Serving a TensorFlow Model"). One at the top becomes `1/`. KServe's kserve-openvino and kserve-tritonserver list the
 * format `tensorflow` too: OpenVINO reads the same folders, Triton wants others.
 */
export default {
  name: 'tensorflow',
  // config/runtimes/kserve-tensorflow-serving.yaml lists versions "1" and "2"; naming none takes either.
  modelFormat: { name: 'tensorflow' },
  runtime: 'kserve-tensorflow-serving',
  protocolVersion: 'v1',
  include: [
    'saved_model.pb',
    'saved_model.pbtxt',
    'fingerprint.pb',
    'keras_metadata.pb',
    'variables/*',
    'assets/**',
    'assets.extra/**',
    '[0-9]*/**',
    'README.md',
    'LICENSE*',
    'NOTICE*',
  ],
  exclude: [],
  refuse: (paths) => {
    const folder = paths.map((path) => /^(.*variables\/variables)\.(index|data-\d+-of-\d+)$/.exec(path));
    const has = (kind: string) =>
      new Set(folder.filter((one) => one?.[2]?.startsWith(kind)).map((one) => one?.[1]));
    const [index, data] = [has('index'), has('data')];
    const lost = [...index, ...data].find((one) => !index.has(one) || !data.has(one));
    if (lost === undefined) return undefined;
    const lacks = index.has(lost) ? `${lost}.data-00000-of-00001` : `${lost}.index`;
    return {
      problem: `lacks ${lacks}: the variables of a SavedModel are an index and its data`,
      next: 'export the model again, or add the whole folder `variables/`',
      choices: [],
    };
  },
  requires: [
    {
      anyOf: ['saved_model.pb', 'saved_model.pbtxt', '[0-9]*/saved_model.pb', '[0-9]*/saved_model.pbtxt'],
      why: "a SavedModel, which becomes 1/; a .keras or .h5 file is exported with Keras' `model.export(DIR)`",
    },
  ],
  place: (path) => (own.test(path) ? `1/${path}` : path),
  smoke: {
    path: '/v1/models/{name}:predict',
    body: { instances: irisRows },
    expect: irisScores,
    sample: { '1/saved_model.pb': 'd90ae5f483a2824c4f551b846e34c0657904e7382f3a64f22c26806ca14cec3c' },
  },
  smokeFrom: async (files) =>
    (await import('../../scripts/artifacts/smoke/saved-model.ts')).smokeFromSavedModel(files),
  libraries: async (files) =>
    (await import('../../scripts/artifacts/smoke/saved-model.ts')).savedModelLibraries(files),
} satisfies Framework;
