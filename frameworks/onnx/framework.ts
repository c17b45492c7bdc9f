import type { Framework } from '../../scripts/model/types.ts';
import { irisSmoke } from '../iris.ts';
import { openvinoLibraries } from '../runtime-libraries.ts';

/**
 * ONNX by OpenVINO Model Server, which wants a folder a version: `1/` with one *.onnx of any name (OpenVINO's
 * documentation, "Prepare a Model Repository"). Both runtimes start it with `--model_path=/mnt/models` and the
 * InferenceService's name: KServe's kserve-openvino (config/runtimes/kserve-openvino.yaml, from 0.17 on) and OpenShift AI's
 * template `kserve-ovms` (odh-model-controller config/runtimes/ovms-kserve-template.yaml). For Triton: ../onnx-triton.
 */
export default {
  name: 'onnx',
  // Version "1" in both, and the only one; naming none takes it.
  modelFormat: { name: 'onnx' },
  runtime: 'kserve-openvino',
  protocolVersion: 'v2',
  // Weights beyond protobuf's 2 GB lie beside the graph, which knows them by name: the exporters of PyTorch (*.onnx.data)
  // and Optimum (*.onnx_data) call them so.
  include: ['*.onnx', '*.onnx.data', '*.onnx_data*', '1/*', 'README.md', 'LICENSE*', 'NOTICE*'],
  exclude: [],
  requires: [
    {
      anyOf: ['*.onnx', '1/*.onnx'],
      why: 'one model, which becomes 1/model.onnx; choose it with `include` where a repository has several',
    },
  ],
  // A second *.onnx would come to lie on the same path, and that is an error.
  place: (path) => {
    if (path.includes('/')) return path;
    if (path.endsWith('.onnx')) return '1/model.onnx';
    return /\.onnx[._]data/.test(path) ? `1/${path}` : path;
  },
  smoke: irisSmoke('labels', {
    '1/model.onnx': 'cf94e107b47ab7635c79e21e5c1f00139eab744fa64ce303cc6f489d0d50587b',
  }),
  smokeFrom: async (files) => (await import('../../scripts/artifacts/smoke/onnx.ts')).smokeFromOnnx(files),
  libraries: async (files) =>
    (await import('../../scripts/artifacts/libraries/read.ts')).librariesOfOnnx(files),
  runtimeLibraries: openvinoLibraries,
} satisfies Framework;
