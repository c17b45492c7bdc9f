import { chooseProjector, isPart, isProjector, severalModels } from '../../scripts/catalog/gguf-models.ts';
import type { Framework } from '../../scripts/model/types.ts';

/**
 * GGUF by llama.cpp's server, which speaks OpenAI's protocol. KServe has no runtime for it, so modelcars brings one
 * (scripts/kserve/manifests/llama-cpp.ts), which looks for model.gguf, otherwise for the first of the parts. Those keep
 * their names, because llama.cpp finds the others by the name of the first (src/llama.cpp, `llama_split_path`); folders
 * are left out of all. A projector, which a model needs to read images, becomes mmproj.gguf.
 */
export default {
  name: 'gguf',
  modelFormat: { name: 'gguf' },
  runtime: 'modelcars-llamacpp',
  protocolVersion: 'openai',
  include: ['*.gguf', '*/*.gguf', 'README.md', 'LICENSE*', 'NOTICE*', 'USE_POLICY*'],
  // Calibration data of a quantisation, which no server reads.
  exclude: ['**/*imatrix*'],
  choose: (paths) => ({
    ...chooseProjector(paths),
    why: 'a server reads one projector (mmproj); choose another with `include`',
  }),
  refuse: severalModels,
  requires: [
    {
      anyOf: ['*.gguf', '*-00001-of-?????.gguf', '*/*.gguf'],
      why: 'one model in one quantisation, which becomes model.gguf, or all of its parts, which keep their names',
    },
  ],
  place: (path) => {
    if (!path.endsWith('.gguf')) return path;
    if (isProjector(path)) return 'mmproj.gguf';
    return isPart(path) ? path.slice(path.lastIndexOf('/') + 1) : 'model.gguf';
  },
  // Of random weights as of any others: that there is a text is what counts.
  smokeFrom: async (files) => (await import('../../scripts/artifacts/smoke/gguf.ts')).smokeFromGguf(files),
} satisfies Framework;
