import type { Framework } from '../../scripts/model/types.ts';
import { irisSmoke } from '../iris.ts';
import { examineMlserver } from '../mlserver.ts';
import { mlserverLibraries } from '../runtime-libraries.ts';

/** scikit-learn by MLServer: a model dumped with joblib (or pickle, which joblib loads too). */
export default {
  name: 'sklearn',
  // config/runtimes/kserve-mlserver.yaml lists versions "0" and "1"; naming none takes either.
  modelFormat: { name: 'sklearn' },
  runtime: 'kserve-mlserver',
  protocolVersion: 'v2',
  // The names MLServer looks for, in its order (WELLKNOWN_MODEL_FILENAMES in mlserver_sklearn/sklearn.py), its
  // settings, and what people have to be told. settings.json is left out on purpose: it could move the port that
  // KServe probes. So is environment.tar.gz, which MLServer's image would unpack and run: a model asks for it by name.
  include: [
    'model.joblib',
    'model.pickle',
    'model.pkl',
    'model-settings.json',
    'README.md',
    'LICENSE*',
    'NOTICE*',
  ],
  exclude: [],
  requires: [
    {
      anyOf: ['model.joblib', 'model.pickle', 'model.pkl'],
      why: 'MLServer looks for no other name; give a file its name with `files:`',
    },
  ],
  examineImage: examineMlserver('sklearn'),
  smoke: irisSmoke('labels', {
    'model.joblib': '9b294f84ba1da1df41ae8815220ea5ed374906b275fe8c0215afe5dfce045e05',
  }),
  smokeFrom: async (files) => (await import('../../scripts/artifacts/smoke/rows.ts')).smokeFromSklearn(files),
  libraries: async (files) =>
    (await import('../../scripts/artifacts/libraries/read.ts')).librariesOfSklearn(files),
  runtimeLibraries: mlserverLibraries,
} satisfies Framework;
