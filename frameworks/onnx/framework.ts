import {
  chooseGraph,
  examineGraphs,
  severalGraphs,
  withOpenvinoWarning,
} from '../../scripts/artifacts/onnx-layout.ts';
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
  // A graph in any folder: optimum and sentence-transformers have it in onnx/. Weights beyond protobuf's 2 GB lie beside the
  // graph, which names them; those that the exporters of PyTorch (*.onnx.data) and Optimum (*.onnx_data) write at the top
  // are known by name.
  include: ['*.onnx', '**/*.onnx', '*.onnx.data', '*.onnx_data*', '1/*', 'README.md', 'LICENSE*', 'NOTICE*'],
  exclude: [],
  choose: chooseGraph,
  refuse: severalGraphs,
  examine: async (files, chosen) => withOpenvinoWarning(await examineGraphs(files, chosen, '1/')),
  requires: [
    {
      anyOf: ['*.onnx', '1/*.onnx', '**/*.onnx'],
      why: 'one model, which becomes 1/model.onnx; choose it with `include` where a repository has several',
      served: ['1/model.onnx', '[1-9]*/*.onnx'],
    },
  ],
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
