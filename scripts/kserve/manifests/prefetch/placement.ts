import { createHash } from 'node:crypto';
import { parsePlatform } from '../../../image/platform.ts';
import type { Model, Toleration } from '../../../model/types.ts';

/** Where the pods that pull images run, and with which rights to pull. */
export interface Placement {
  nodeSelector: Record<string, string>;
  tolerations: Toleration[];
  /** Architectures that the images have, as Kubernetes' label `kubernetes.io/arch` names them (those of Go). */
  architectures: string[];
  /** It may have pull secrets of its own. */
  serviceAccount?: string;
}

/** Models whose images belong on the same nodes. */
export interface PlacedModels<T extends Model = Model> {
  placement: Placement;
  models: T[];
}

/**
 * The models by the nodes that serve them: those of `serving:`, unless nodes are given for all. Placements keep the order
 * of their first models, and models their own order.
 */
export function placeModels<T extends Model>(
  models: readonly T[],
  given: { nodeSelector?: Record<string, string>; tolerations?: Toleration[] },
): PlacedModels<T>[] {
  const groups = new Map<string, PlacedModels<T>>();
  for (const model of models) {
    const placement = placementOf(model, given);
    const key = placementKey(placement);
    const group = groups.get(key) ?? { placement, models: [] };
    group.models.push(model);
    groups.set(key, group);
  }
  return [...groups.values()];
}

function placementOf(
  { serving, platforms }: Model,
  { nodeSelector, tolerations }: { nodeSelector?: Record<string, string>; tolerations?: Toleration[] },
): Placement {
  const architectures = platforms.map((platform) => parsePlatform(platform).architecture);
  return {
    nodeSelector: sorted(nodeSelector ?? serving?.nodeSelector ?? {}),
    tolerations: tolerations ?? serving?.tolerations ?? [],
    architectures: [...new Set(architectures)].sort(),
    ...(serving?.serviceAccount !== undefined && { serviceAccount: serving.serviceAccount }),
  };
}

/** The same text for the same placement. */
export function placementKey(placement: Placement): string {
  const { nodeSelector, tolerations, architectures, serviceAccount } = placement;
  return JSON.stringify([nodeSelector, tolerations, architectures, serviceAccount ?? '']);
}

/** Eight hexadecimal digits that tell objects of one name apart. */
export function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}

function sorted(labels: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}
