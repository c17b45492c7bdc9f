import type { Framework } from '../../scripts/model/types.ts';
import { irisSmoke } from '../iris.ts';
import { examineMlserver } from '../mlserver.ts';
import { mlserverLibraries } from '../runtime-libraries.ts';

/**
 * XGBoost by MLServer, which looks for model.bst, model.json and model.ubj (mlserver_xgboost/xgboost.py). In the image
 * there is only model.bst: with `oci://`, KServe lets /mnt/models point to /proc/<pid>/root/models of a sidecar, and
 * XGBoost 2 makes the path of *.json and *.ubj canonical before it opens it. That reads the link /proc/<pid>/root as
 * `/`, looks for /models/model.json in its own container and fails with "cannot make canonical path". Other names it
 * opens as they are, and tells UBJSON, JSON and the old binary format apart by their first bytes, so a file keeps its
 * format and only changes its name. Tried with both kinds of path: so it is in 2.1.2 (MLServer 1.7.1's image; no newer
 * MLServer is on PyPI), 2.1.4 and 3.0.5. From 3.1 on (3.1.3, 3.2.0) XGBoost fails so with every name, and knows the old
 * binary format no more: a runtime with it serves these images through `oci+native://` and `oci+fetch://` only.
 * tests/judges/mlserver.test.ts repeats what holds for MLServer's.
 */
export default {
  name: 'xgboost',
  // config/runtimes/kserve-mlserver.yaml lists versions "1" and "2"; naming none takes either.
  modelFormat: { name: 'xgboost' },
  runtime: 'kserve-mlserver',
  protocolVersion: 'v2',
  // Why not settings.json and environment.tar.gz: see ../sklearn/framework.ts.
  include: [
    'model.bst',
    'model.json',
    'model.ubj',
    'model-settings.json',
    'README.md',
    'LICENSE*',
    'NOTICE*',
  ],
  exclude: [],
  requires: [
    {
      anyOf: ['model.bst', 'model.json', 'model.ubj'],
      why: 'in the image it has to be model.bst, which the other two become; in `files:`, call it model.bst',
    },
  ],
  place: (path) => (path === 'model.json' || path === 'model.ubj' ? 'model.bst' : path),
  // Labels, because XGBClassifier.save_model notes its kind and MLServer loads it as one. A Booster saved by
  // xgboost.train becomes an XGBRegressor there and answers with a row of scores.
  examineImage: examineMlserver('xgboost'),
  smoke: irisSmoke('labels', {
    'model.bst': 'ee4a1be2ac46fe184659244fd468d07648ca47983e0e34bcf6f2b17e03d289ad',
  }),
  smokeFrom: async (files) => (await import('../../scripts/artifacts/smoke/rows.ts')).smokeFromXgboost(files),
  libraries: async (files) =>
    (await import('../../scripts/artifacts/libraries/read.ts')).librariesOfXgboost(files),
  runtimeLibraries: mlserverLibraries,
} satisfies Framework;
