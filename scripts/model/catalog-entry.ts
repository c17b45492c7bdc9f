import type { CatalogEntry, Model } from './types.ts';

/** Whether an entry is a model. */
export function isModel(entry: CatalogEntry): entry is Model {
  return entry.image === undefined;
}

/** An entry's framework in lists, `--only framework=` and annotations: a folder of frameworks/, or `loader`. */
export function frameworkName(entry: CatalogEntry): string {
  return isModel(entry) ? entry.framework : entry.image;
}

/** An entry's source in lists and annotations: a URI, or `modelcars:loader` for modelcars itself. */
export function sourceName(entry: CatalogEntry): string {
  return isModel(entry) ? entry.source : `modelcars:${entry.image}`;
}
