import type { Variable, Volume } from '../../model/types.ts';
import type { InferenceService, Predictor } from '../manifests/inference-service.ts';
import type { EnvVar } from '../manifests/variables.ts';

/** CPU request of a server in a new cluster: a test may be slow, but should not wait for a whole free CPU. */
export const ownCpu = '100m';

/** Lowers the CPU request of the runtime, unless models.yaml sets it, and takes any node: a new cluster has one. */
export function forOwnCluster(service: InferenceService): InferenceService {
  const { nodeSelector: _, ...predictor } = service.spec.predictor;
  const { model } = predictor;
  const { resources } = model;
  const requests = { cpu: ownCpu, ...resources?.requests };
  const lowered = { ...model, resources: { ...resources, requests } };
  return { ...service, spec: { predictor: { ...predictor, model: lowered } } };
}

/**
 * The service without the objects that a new namespace lacks: Secrets and ConfigMaps are optional, claims are empty
 * folders, the ServiceAccount is the default one. `without` lists them, for people.
 */
export function forNewNamespace(service: InferenceService): { service: InferenceService; without: string[] } {
  const without = new Set<string>();
  const { serviceAccountName, ...predictor } = service.spec.predictor;
  if (serviceAccountName !== undefined) without.add(`ServiceAccount ${serviceAccountName}`);
  const env = predictor.model.env?.map((one) => optionalVariable(one, without));
  const volumes = predictor.volumes?.map((one) => optionalVolume(one, without));
  const changed: Predictor = {
    ...predictor,
    ...(volumes && { volumes }),
    model: { ...predictor.model, ...(env && { env }) },
  };
  return { service: { ...service, spec: { predictor: changed } }, without: [...without] };
}

function optionalVariable(variable: EnvVar, without: Set<string>): EnvVar {
  if (!('valueFrom' in variable)) return variable;
  const { secretKeyRef, configMapKeyRef } = variable.valueFrom;
  if (secretKeyRef !== undefined) without.add(`Secret ${secretKeyRef.name}`);
  if (configMapKeyRef !== undefined) without.add(`ConfigMap ${configMapKeyRef.name}`);
  const valueFrom: Exclude<Variable, string>['valueFrom'] = {
    ...variable.valueFrom,
    ...(secretKeyRef && { secretKeyRef: { ...secretKeyRef, optional: true } }),
    ...(configMapKeyRef && { configMapKeyRef: { ...configMapKeyRef, optional: true } }),
  };
  return { ...variable, valueFrom };
}

function optionalVolume(volume: Volume, without: Set<string>): Volume {
  const { name, persistentVolumeClaim: claim, configMap, secret } = volume;
  if (claim !== undefined) without.add(`PersistentVolumeClaim ${claim.claimName}`);
  if (configMap !== undefined) without.add(`ConfigMap ${configMap.name}`);
  if (secret !== undefined) without.add(`Secret ${secret.secretName}`);
  if (claim !== undefined) return { name, emptyDir: {} };
  return {
    ...volume,
    ...(configMap && { configMap: { ...configMap, optional: true } }),
    ...(secret && { secret: { ...secret, optional: true } }),
  };
}
