import { chooseTriton, examineTriton, refuseTriton, tritonModels } from '../../scripts/artifacts/triton.ts';
import type { Framework } from '../../scripts/model/types.ts';
import { irisSmoke } from '../iris.ts';

/**
 * Models by NVIDIA Triton, which serves a repository of them: `NAME/VERSION/model.*`, and beside the version a config.pbtxt
 * (Triton's documentation, "Model Repository"; for ONNX it finds out the configuration by itself). A source with that
 * layout is kept as it is, whatever its backends; of any other one ONNX graph is taken. The folder's name is what requests
 * name, not the InferenceService's, which an image cannot know: that of a single graph is `model`, or what its
 * config.pbtxt says.
 */
export default {
  name: 'onnx-triton',
  // config/runtimes/kserve-tritonserver.yaml: version "1" is the only one; naming none takes it.
  modelFormat: { name: 'onnx' },
  runtime: 'kserve-tritonserver',
  protocolVersion: 'v2',
  // A model repository as it is, of every backend (../../scripts/artifacts/triton.ts); otherwise one graph in any folder.
  include: ['**'],
  exclude: [],
  choose: chooseTriton,
  refuse: refuseTriton,
  examine: examineTriton,
  requires: [
    {
      anyOf: ['*.onnx', 'model/1/*.onnx', '**/*.onnx', '*/config.pbtxt', '*/[1-9]*/model.plan'],
      why: 'one graph, which becomes model/1/model.onnx, or a model repository (NAME/config.pbtxt, NAME/1/model.*)',
      served: ['*/[1-9]*/**'],
    },
  ],
  place: (path) => {
    if (path.includes('/')) return path;
    if (path.endsWith('.onnx')) return 'model/1/model.onnx';
    if (/\.onnx[._]data/.test(path)) return `model/1/${path}`;
    return path === 'config.pbtxt' ? `model/${path}` : path;
  },
  servedName: (paths) => {
    const [name, ...others] = tritonModels(paths);
    return others.length === 0 ? name : undefined;
  },
  smoke: irisSmoke(
    'labels',
    { 'model/1/model.onnx': 'cf94e107b47ab7635c79e21e5c1f00139eab744fa64ce303cc6f489d0d50587b' },
    // Triton takes batches of 4 rows at most where no config.pbtxt says otherwise (tritonserver's `default-max-batch-size`).
    { path: '/v2/models/model/infer', count: 4 },
  ),
  smokeFrom: async (files) => (await import('../../scripts/artifacts/smoke/onnx.ts')).smokeFromTriton(files),
  libraries: async (files) =>
    (await import('../../scripts/artifacts/libraries/read.ts')).librariesOfOnnx(files),
} satisfies Framework;
