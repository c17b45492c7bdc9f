import { createHash } from 'node:crypto';
import type { Mode, ModelcarConfig, Security, SmokeCase } from '../types.ts';

/** What a cluster can do, as far as it decides which cases run. */
export interface Abilities {
  /** Whether the ConfigMap may be changed between cases: it is a cluster of our own. */
  own: boolean;
  modelcars: ModelcarConfig;
  /** Whether an SCC of OpenShift chooses the user. */
  openshift: boolean;
  /** Whether the images are in a registry that pods, not only nodes, can reach. */
  pushed: boolean;
}

/** A case to run with `user` as `uidModelcar` (own cluster only), or the reason why not. */
export interface PlannedCase extends SmokeCase {
  mode: Mode;
  /** Of the InferenceService. */
  name: string;
  user?: number;
  skip?: string;
}

/** KServe's own `uidModelcar`. */
export const modelcarUser = 1010;

/** Every model in every mode as every user, each with what its cluster has to say to it. */
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
    return 'oci+fetch:// downloads within the pod, which reaches a registry only: push the image and say --remote';
  if (security === 'modelcar' && mode !== 'oci') return 'uidModelcar is for the sidecar of oci:// only';
  if (own) return undefined;
  if (security === 'modelcar' && modelcars.user === undefined)
    return 'inferenceservice-config of this cluster sets no uidModelcar';
  if (security === 'openshift' && mode === 'oci' && modelcars.user !== undefined && !openshift)
    return `inferenceservice-config of this cluster sets uidModelcar to ${modelcars.user}, which takes the place of every other user`;
  return undefined;
}

/** A name that KServe takes (a letter first, room for `-predictor`), and that tells the cases of a model apart. */
export function serviceName(model: string, mode: Mode, security: Security): string {
  const short = `${mode.replace('oci+', '').slice(0, 1)}${security.slice(0, 1)}`;
  const start = /^[a-z]/.test(model) ? model : `m-${model}`;
  if (start.length <= 36) return `${start}-${short}`;
  const hash = createHash('sha256').update(model).digest('hex').slice(0, 6);
  return `${start.slice(0, 29).replace(/-+$/, '')}-${hash}-${short}`;
}
