import { createHash } from 'node:crypto';
import { longestServiceNameIn } from '../../admission/names.ts';
import type { Model } from '../../model/types.ts';
import { serviceName } from '../manifests/inference-service.ts';
import type { Mode, ModelcarConfig, Security, SmokeCase } from '../types.ts';

/** The properties of a cluster that decide which cases run. */
export interface Abilities {
  /** Whether modelcars created the cluster, and may change its ConfigMap between cases. */
  own: boolean;
  modelcars: ModelcarConfig;
  /** Whether OpenShift's SCC chooses the user. */
  openshift: boolean;
  /** Where the InferenceServices will be. */
  namespace: string;
  /** Whether the images are in a registry that pods, not only nodes, can reach. */
  pushed: boolean;
}

/** A case to run with `user` as `uidModelcar` (new clusters only), or the reason to skip it. */
export interface PlannedCase extends SmokeCase {
  mode: Mode;
  /** Of the InferenceService. */
  name: string;
  user?: number;
  skip?: string;
}

/** KServe's own `uidModelcar`. */
export const modelcarUser = 1010;

/**
 * Plans every combination of model, mode and security, by default with the mode of `serving.storage`; marks those that the cluster
 * does not support as skipped.
 */
export function planCases(
  models: readonly Model[],
  modes: readonly Mode[],
  securities: readonly Security[],
  abilities: Abilities,
): PlannedCase[] {
  return models.flatMap((model) =>
    (modes.length > 0 ? modes : [ownMode(model, abilities)]).flatMap((mode) =>
      securities.map((security): PlannedCase => {
        const skip = reasonAgainst(mode, security, abilities);
        const user = userFor(security, abilities);
        return {
          model: model.name,
          mode,
          security,
          name: caseName(serviceName(model), { mode, security }, abilities.namespace),
          ...(user !== undefined && { user }),
          ...(skip !== undefined && { skip }),
        };
      }),
    ),
  );
}

/** The mode of `serving.storage`. Only a pushed image can be fetched within a pod; its files are those of `oci`. */
function ownMode({ serving }: Model, { pushed }: Abilities): Mode {
  const { storage = 'oci' } = serving ?? {};
  return storage === 'oci+fetch' && !pushed ? 'oci' : storage;
}

function userFor(security: Security, { own, modelcars }: Abilities): number | undefined {
  if (!own || security === 'runtime') return modelcars.user;
  return security === 'modelcar' ? (modelcars.user ?? modelcarUser) : undefined;
}

function reasonAgainst(
  mode: Mode,
  security: Security,
  { own, modelcars, openshift, pushed }: Abilities,
): string | undefined {
  if (!modelcars.enabled)
    return 'modelcars are off in this cluster: set `enableModelcar` to true in `storageInitializer` of the ConfigMap inferenceservice-config';
  if (mode === 'oci+fetch' && !pushed)
    return 'oci+fetch:// downloads within the pod, which reaches registries only: push the image and pass --remote';
  if (security === 'modelcar' && mode !== 'oci') return 'uidModelcar applies to the sidecar of oci:// only';
  if (own) return undefined;
  if (security === 'modelcar' && modelcars.user === undefined)
    return 'inferenceservice-config of this cluster does not set uidModelcar';
  if (security === 'openshift' && mode === 'oci' && modelcars.user !== undefined && !openshift)
    return `inferenceservice-config of this cluster sets uidModelcar to ${modelcars.user}, which overrides every other user`;
  return undefined;
}

/**
 * The name of a case's InferenceService: the model's own and what differs between its cases, which run at the same
 * time; shortened where KServe's host name would get too long in the namespace.
 */
export function caseName(service: string, of: { mode: Mode; security: Security }, namespace: string): string {
  const longest = Math.max(1, longestServiceNameIn(namespace));
  const suffix = `${of.mode.replace('oci+', '').slice(0, 1)}${of.security.slice(0, 1)}`;
  const name = `${service}-${suffix}`;
  if (name.length <= longest) return name;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 8);
  const start = service.slice(0, Math.max(0, longest - hash.length - 1)).replace(/-+$/, '');
  return start === '' ? `c${hash}`.slice(0, longest) : `${start}-${hash}`;
}
