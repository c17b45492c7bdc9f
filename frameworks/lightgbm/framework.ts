import type { Framework } from '../../scripts/model/types.ts';
import { irisSmoke } from '../iris.ts';
import { examineMlserver } from '../mlserver.ts';
import { mlserverLibraries } from '../runtime-libraries.ts';

/** LightGBM by MLServer: a Booster's text file. LightGBM's own documentation calls it model.txt, MLServer model.bst. */
export default {
  name: 'lightgbm',
  // config/runtimes/kserve-mlserver.yaml lists versions "3" and "4"; naming none takes either.
  modelFormat: { name: 'lightgbm' },
  runtime: 'kserve-mlserver',
  protocolVersion: 'v2',
  // Why not settings.json and environment.tar.gz: see ../sklearn/framework.ts.
  include: ['model.bst', 'model.txt', 'model-settings.json', 'README.md', 'LICENSE*', 'NOTICE*'],
  exclude: [],
  requires: [
    {
      anyOf: ['model.bst', 'model.txt'],
      why: 'MLServer looks for model.bst, which model.txt becomes; in `files:`, call it model.bst',
    },
  ],
  place: (path) => (path === 'model.txt' ? 'model.bst' : path),
  // MLServer loads a lightgbm.Booster, which knows scores only: a probability for each class.
  examineImage: examineMlserver('lightgbm'),
  smoke: irisSmoke('scores', {
    'model.bst': 'e5ea6555ae130ef249101da53bb110d1a2139801f1f7c988258012bd4b8380ea',
  }),
  smokeFrom: async (files) =>
    (await import('../../scripts/artifacts/smoke/rows.ts')).smokeFromLightgbm(files),
  libraries: async (files) =>
    (await import('../../scripts/artifacts/libraries/read.ts')).librariesOfLightgbm(files),
  runtimeLibraries: mlserverLibraries,
} satisfies Framework;
