import type { Framework } from '../../scripts/model/types.ts';
import { irisSmoke } from '../iris.ts';
import { examineMlserver } from '../mlserver.ts';

/**
 * CatBoost by MLServer, whose image has the runtime for it. KServe's kserve-mlserver lists no such format and knows no
 * implementation of it (pkg/apis/serving/v1beta1/inference_service_defaults.go, SetMlServerDefaults), so modelcars brings
 * a ServingRuntime of its own, which starts the same image with it. It loads a CatBoostClassifier, whatever was saved
 * (mlserver_catboost/catboost.py): a regressor loads, and then has no class to answer with.
 */
export default {
  name: 'catboost',
  modelFormat: { name: 'catboost' },
  runtime: 'modelcars-catboost',
  protocolVersion: 'v2',
  // MLServer looks for model.bin too (mlserver_catboost/catboost.py), which can be anything: in `files:`, call it model.cbm.
  // Why not settings.json and environment.tar.gz: see ../sklearn/framework.ts.
  include: ['model.cbm', 'model-settings.json', 'README.md', 'LICENSE*', 'NOTICE*'],
  exclude: [],
  requires: [{ anyOf: ['model.cbm'], why: "`save_model` with CatBoost's own format, not JSON or ONNX" }],
  examineImage: examineMlserver('catboost'),
  smoke: irisSmoke('labels', {
    'model.cbm': '2645d32aabc0b89801525f8b0319fcd181771470934af63611ed5cb5a1ce38b8',
  }),
  smokeFrom: async (files) =>
    (await import('../../scripts/artifacts/smoke/catboost.ts')).smokeFromCatboost(files),
  libraries: async (files) =>
    (await import('../../scripts/artifacts/smoke/catboost.ts')).catboostLibraries(files),
} satisfies Framework;
