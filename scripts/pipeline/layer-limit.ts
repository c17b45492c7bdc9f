import type { LayerLimit } from '../image/plan.ts';
import type { Model } from '../model/types.ts';
import { maxBlobSize } from '../registry/limits.ts';
import { registryOf } from './image-names.ts';

/** Bytes of a layer where no registry's own limit is known: GHCR's (see registry/limits.ts), the smallest that is common. */
const anywhere = 10e9;

/**
 * The largest layer a model may have: its `maxLayerSize`, else what its registry is known to take, else 10 GB. `build` keeps to
 * it like `push`, since a layout is made to be pushed.
 */
export function layerLimit(model: Model): LayerLimit {
  if (model.maxLayerSize !== undefined) return { bytes: model.maxLayerSize, of: 'maxLayerSize' };
  const registry = model.registry === undefined ? undefined : registryOf(model);
  const known = registry === undefined ? undefined : maxBlobSize(registry);
  if (registry === undefined || known === undefined) return { bytes: anywhere, of: 'default' };
  return { bytes: known, of: 'registry', registry };
}
