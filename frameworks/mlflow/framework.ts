import type { Framework } from '../../scripts/model/types.ts';
import { list } from '../../scripts/text/format.ts';
import { examineMlserver } from '../mlserver.ts';
import { mlserverLibraries } from '../runtime-libraries.ts';
import { wineSmoke } from './wine.ts';

/**
 * MLflow by MLServer's MLflow runtime: the folder that `mlflow.*.save_model` writes, with MLmodel at its root. The runtime
 * loads it with mlflow.pyfunc from the folder itself (mlserver_mlflow/runtime.py), so model-settings.json is not needed, and
 * every flavor works whose libraries are in the server's image; requirements.txt, conda.yaml and python_env.yaml tell people
 * which those are, and the server installs none.
 */
export default {
  name: 'mlflow',
  // config/runtimes/kserve-mlserver.yaml lists versions "1" and "2"; naming none takes either.
  modelFormat: { name: 'mlflow' },
  runtime: 'kserve-mlserver',
  protocolVersion: 'v2',
  // Everything, since each flavor lays out its files as it likes: MLmodel names some of them, and the flavor's code others.
  include: ['**'],
  // MLServer's settings.json and environment.tar.gz: see ../sklearn/framework.ts. The others are no part of a model.
  exclude: ['settings.json', 'environment.tar.gz', '.*', '.*/**', '**/__pycache__/**', '**/.DS_Store'],
  requires: [
    {
      anyOf: ['MLmodel'],
      why: 'the folder that MLflow saved a model in has it at its root: `mlflow artifacts download --artifact-uri models:/NAME/VERSION --dst-path DIR` fetches one from a tracking server',
    },
  ],
  refuse: (paths) => {
    const nested = paths.filter((path) => path.endsWith('/MLmodel'));
    if (nested.length === 0 || paths.includes('MLmodel')) return undefined;
    const folders = nested.map((path) => path.slice(0, -'/MLmodel'.length));
    return {
      problem: `has MLmodel in ${list(folders, 'and', 5)}, and not at its root`,
      next: 'let `source` end in one of these folders: a model is one folder that MLflow saved',
      choices: nested,
    };
  },
  examineImage: async (files, name) => {
    const { refusal, warnings = [] } = await examineMlserver('mlflow')(files, name);
    if (refusal !== undefined) return { refusal };
    const { codeWarnings } = await import('../../scripts/artifacts/mlflow/code.ts');
    return { warnings: [...warnings, ...(await codeWarnings(files))] };
  },
  smoke: {
    ...wineSmoke,
    sample: { 'model.pkl': 'e51fef3388568e1379c04b9f12aff4bf27e60be2fe53de88f9e43c1f2d40343c' },
  },
  smokeFrom: async (files) =>
    (await import('../../scripts/artifacts/mlflow/request.ts')).mlflowRequest(files),
  libraries: async (files) =>
    (await import('../../scripts/artifacts/mlflow/libraries.ts')).librariesOfMlflow(files),
  runtimeLibraries: mlserverLibraries,
} satisfies Framework;
