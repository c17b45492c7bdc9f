import type { Framework, Model } from '../../../model/types.ts';
import { serviceName } from '../../manifests/inference-service.ts';
import { servedBy, serverArguments } from '../../manifests/served-by.ts';
import { servingRuntime } from '../../manifests/serving-runtimes/index.ts';
import { knownVariables } from '../../manifests/variables.ts';
import { mlserverImplementations } from '../server/mlserver.ts';

/** How a server's container is started: the entrypoint that replaces the image's, if any; arguments; environment. */
export interface ServerContainer {
  command: string[];
  args: string[];
  env: Record<string, string>;
}

/**
 * The container that KServe creates from a ServingRuntime for one model: templates filled in
 * (pkg/controller/v1beta1/inferenceservice/utils, ReplacePlaceholders), MLServer's variables set
 * (inference_service_defaults.go, SetMlServerDefaults), and the additions of `serving:`.
 */
export function serverContainer(model: Model, framework: Framework, image: string): ServerContainer {
  const { runtime, modelFormat } = servedBy(model, framework);
  const name = serviceName(model);
  const { spec } = servingRuntime(runtime, { image });
  const [container] = spec.containers;
  const modelClass = mlserverImplementations[modelFormat.name] ?? '';
  const filled = (text: string) =>
    text.replaceAll('{{.Name}}', name).replaceAll('{{.Labels.modelClass}}', modelClass);
  const env = Object.fromEntries((container?.env ?? []).map(({ name, value }) => [name, filled(value)]));
  const mlserver = modelClass === '' ? {} : { MLSERVER_MODEL_NAME: name, MLSERVER_MODEL_URI: '/mnt/models' };
  return {
    command: (container?.command ?? []).map(filled),
    args: [...(container?.args ?? []).map(filled), ...serverArguments(model, framework)],
    env: { ...env, ...mlserver, ...knownVariables(model.serving).known },
  };
}
