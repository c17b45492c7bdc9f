import { createHash } from 'node:crypto';
import type { Mode, ModelcarConfig, Security, SmokeCase } from '../types.ts';

/** The properties of a cluster that decide which cases run. */
export interface Abilities {
  /** Whether modelcars created the cluster, and may change its ConfigMap between cases. */
  own: boolean;
  modelcars: ModelcarConfig;
  /** Whether OpenShift's SCC chooses the user. */
  openshift: boolean;
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

/** Plans every combination of model, mode and security; marks those that the cluster does not support as skipped. */
export function planCases(
  models: readonly string[],
  modes: readonly Mode[],
  securities: readonly Security[],
  abilities: Abilities,
): PlannedCase[] {
  return models.flatMap((model) =>
    modes.flatMap((mode) =>
      securities.map((security): PlannedCase => {
        const skip = reasonAgainst(mode, security, abilities);
        const user = userFor(security, abilities);
        return {
          model,
          mode,
          security,
          name: serviceName(model, mode, security),
          ...(user !== undefined && { user }),
          ...(skip !== undefined && { skip }),
        };
      }),
    ),
  );
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
 * A name that KServe accepts (starts with a letter, short enough for `-predictor`), different for each case of a model.
 */
export function serviceName(model: string, mode: Mode, security: Security): string {
  const short = `${mode.replace('oci+', '').slice(0, 1)}${security.slice(0, 1)}`;
  const start = /^[a-z]/.test(model) ? model : `m-${model}`;
  if (start.length <= 36) return `${start}-${short}`;
  const hash = createHash('sha256').update(model).digest('hex').slice(0, 6);
  return `${start.slice(0, 29).replace(/-+$/, '')}-${hash}-${short}`;
}
