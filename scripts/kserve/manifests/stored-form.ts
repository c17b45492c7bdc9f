/**
 * Fields in the form in which a cluster stores them. KServe's webhook reads an InferenceService into Go's types and
 * writes it anew: quantities become canonical, and values that are the defaults disappear. A tool that compares a cluster
 * with git, such as Argo CD, reports any other form as changed, forever.
 */
import { canonicalQuantity } from '../../admission/quantity.ts';
import type { Volume, VolumeMount } from '../../model/types.ts';

type Amounts = Record<string, string>;

/** Resources with canonical quantities. */
export function storedResources({ requests, limits }: { requests?: Amounts; limits?: Amounts }): {
  requests?: Amounts;
  limits?: Amounts;
} {
  return { ...(requests && { requests: amounts(requests) }), ...(limits && { limits: amounts(limits) }) };
}

/** Volumes with canonical sizes, without `readOnly: false`. */
export function storedVolumes(volumes: readonly Volume[]): Volume[] {
  return volumes.map((volume) => {
    const { emptyDir, persistentVolumeClaim: claim } = volume;
    const size = emptyDir?.sizeLimit;
    return {
      ...volume,
      ...(size !== undefined && { emptyDir: { ...emptyDir, sizeLimit: canonicalQuantity(size) } }),
      ...(claim && { persistentVolumeClaim: withoutFalse(claim) }),
    };
  });
}

/** Mounts without `readOnly: false`. */
export function storedMounts(mounts: readonly VolumeMount[]): VolumeMount[] {
  return mounts.map(withoutFalse);
}

function amounts(given: Amounts): Amounts {
  return Object.fromEntries(Object.entries(given).map(([name, amount]) => [name, canonicalQuantity(amount)]));
}

function withoutFalse<T extends { readOnly?: boolean }>(value: T): T {
  if (value.readOnly !== false) return value;
  const copy = { ...value };
  delete copy.readOnly;
  return copy;
}
