import type { LayerLimit } from '../image/plan.ts';
import { isModel } from '../model/catalog-entry.ts';
import type { CatalogEntry } from '../model/types.ts';
import { maxBlobSize } from '../registry/limits.ts';
import { registryOf } from './image-names.ts';

/**
 * Layer size in bytes for registries with an unknown limit: GHCR's limit (registry/limits.ts), the smallest common one.
 */
const defaultLimit = 10e9;

/**
 * The largest layer a model may have: its `maxLayerSize`, falling back to the known limit of its registry, then to 10
 * GB. Applies to `build` as well, because layouts are built to be pushed.
 */
export function layerLimit(model: CatalogEntry): LayerLimit {
  if (isModel(model) && model.maxLayerSize !== undefined)
    return { bytes: model.maxLayerSize, of: 'maxLayerSize' };
  const registry = model.registry === undefined ? undefined : registryOf(model);
  const known = registry === undefined ? undefined : maxBlobSize(registry);
  if (registry === undefined || known === undefined) return { bytes: defaultLimit, of: 'default' };
  return { bytes: known, of: 'registry', registry };
}
