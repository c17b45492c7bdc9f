import { packageFile } from '../../../package.ts';
import type { EnvironmentSettings } from './python.ts';
import type { ServerCommand } from './server-command.ts';

/** KServe pkg/constants/constants.go, `MLServerModelClass…`: the model format → MLSERVER_MODEL_IMPLEMENTATION. */
export const mlserverImplementations: Readonly<Record<string, string>> = {
  sklearn: 'mlserver_sklearn.SKLearnModel',
  xgboost: 'mlserver_xgboost.XGBoostModel',
  lightgbm: 'mlserver_lightgbm.LightGBMModel',
  mlflow: 'mlserver_mlflow.MLflowRuntime',
  // Not KServe's: its runtime is our own.
  catboost: 'mlserver_catboost.CatboostModel',
};

/** The ServingRuntimes that start MLServer. */
export const mlserverRuntimes: readonly string[] = ['kserve-mlserver', 'modelcars-catboost'];

/** MLServer 1.7.1 with the package versions of its image. */
export const mlserverEnvironment: EnvironmentSettings = {
  name: 'mlserver',
  requirements: packageFile('scripts/kserve/local/server/mlserver.requirements.txt'),
  interpreters: ['python3.11', 'python3.12'],
};

/** The environment for a model format: that of MLServer, and with its runtime where that is large. */
export function mlserverEnvironmentOf(format: string): EnvironmentSettings {
  if (format !== 'catboost') return mlserverEnvironment;
  const more = packageFile('scripts/kserve/local/server/mlserver-catboost.requirements.txt');
  return { ...mlserverEnvironment, name: 'mlserver-catboost', more: [more] };
}

/**
 * How KServe's runtime kserve-mlserver starts it. Environment: KServe config/runtimes/kserve-mlserver.yaml and
 * inference_service_defaults.go `SetMlServerDefaults`; command: the last line of MLServer's Dockerfile.
 */
export function mlserverCommand(
  python: string,
  format: string,
  { models, name, ports }: { models: string; name: string; ports: readonly [number, number, number] },
): ServerCommand {
  const [http, grpc, metrics] = ports;
  return {
    // Not bin/mlserver: its first line names the folder in which the environment was created.
    argv: [python, '-c', 'from mlserver.cli import main; main()', 'start', models],
    env: {
      MLSERVER_MODELS_DIR: models,
      MLSERVER_MODEL_IMPLEMENTATION: mlserverImplementations[format] ?? '',
      MLSERVER_MODEL_NAME: name,
      MLSERVER_MODEL_URI: models,
      MLSERVER_HOST: '127.0.0.1',
      MLSERVER_HTTP_PORT: `${http}`,
      MLSERVER_GRPC_PORT: `${grpc}`,
      MLSERVER_METRICS_PORT: `${metrics}`,
      // KServe's runtime has one CPU.
      OMP_NUM_THREADS: '1',
      PYTHONDONTWRITEBYTECODE: '1',
    },
  };
}
