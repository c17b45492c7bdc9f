import type { Framework } from '../../scripts/model/types.ts';
import { irisSmoke } from '../iris.ts';

/**
 * ONNX by NVIDIA Triton, which serves a repository of models: `NAME/VERSION/model.onnx`, and beside the version an optional
 * config.pbtxt (Triton's documentation, "Model Repository"; for ONNX it finds out the configuration by itself). The folder's
 * name is what requests name, not the InferenceService's, which an image cannot know: here it is always `model`.
 */
export default {
  name: 'onnx-triton',
  // config/runtimes/kserve-tritonserver.yaml: version "1" is the only one; naming none takes it.
  modelFormat: { name: 'onnx' },
  runtime: 'kserve-tritonserver',
  protocolVersion: 'v2',
  include: [
    '*.onnx',
    '*.onnx.data',
    '*.onnx_data*',
    'config.pbtxt',
    'model/1/*',
    'model/config.pbtxt',
    'README.md',
    'LICENSE*',
    'NOTICE*',
  ],
  exclude: [],
  requires: [
    {
      anyOf: ['*.onnx', 'model/1/*.onnx'],
      why: 'one model, which becomes model/1/model.onnx; choose it with `include` where a repository has several',
    },
  ],
  place: (path) => {
    if (path.includes('/')) return path;
    if (path.endsWith('.onnx')) return 'model/1/model.onnx';
    if (/\.onnx[._]data/.test(path)) return `model/1/${path}`;
    return path === 'config.pbtxt' ? `model/${path}` : path;
  },
  smoke: irisSmoke(
    'labels',
    { 'model/1/model.onnx': 'cf94e107b47ab7635c79e21e5c1f00139eab744fa64ce303cc6f489d0d50587b' },
    '/v2/models/model/infer',
  ),
  smokeFrom: async (files) => (await import('../../scripts/artifacts/smoke/onnx.ts')).smokeFromTriton(files),
  libraries: async (files) =>
    (await import('../../scripts/artifacts/libraries/read.ts')).librariesOfOnnx(files),
} satisfies Framework;
