import type { CatalogEntry, Loader, Overrides } from '../model/types.ts';
import { mergeAllow } from './allow.ts';
import { sizeBytes } from './fields.ts';
import type { CatalogInput, ModelInput } from './schema.ts';
import { mergeServing } from './serving.ts';

/** The default base of a model. */
const defaultBase = 'registry.access.redhat.com/ubi10/ubi-micro:latest';
/** The default base of a loader, which needs Node 24. */
const loaderBase = 'docker.io/library/node:24-slim';
const defaultPlatforms = ['linux/amd64', 'linux/arm64'];

/**
 * A checked entry with everything applied. Overrides take precedence over the model, the model over `defaults:`, and
 * those over the catalog's top level and built-in defaults. Lists replace each other; annotations are merged.
 */
export function toModel(entry: ModelInput, catalog: CatalogInput, overrides: Overrides): CatalogEntry {
  const { defaults = {} } = catalog;
  if (entry.image === 'loader') return toLoader(entry, catalog, overrides);
  const own = { ...defaults, ...entry, ...overrides };
  const maxLayerSize = own.maxLayerSize === undefined ? undefined : sizeBytes(own.maxLayerSize);
  const allow = mergeAllow(defaults.allow, entry.allow);
  const serving = mergeServing(defaults.serving, entry.serving);
  return {
    ...common(entry, catalog, own),
    // `loadCatalog` has checked that there is one.
    framework: entry.framework ?? defaults.framework ?? '',
    source: entry.source,
    files: { ...entry.files },
    include: own.include ?? [],
    exclude: own.exclude ?? [],
    base: own.base ?? defaultBase,
    ...(maxLayerSize !== undefined && { maxLayerSize }),
    ...(own.licenses !== undefined && { licenses: own.licenses }),
    ...(own.licenses !== undefined && entry.licenses === undefined && { licensesByDefault: true }),
    ...(serving !== undefined && { serving }),
    ...(own.smoke !== undefined && { smoke: own.smoke }),
    ...(allow !== undefined && { allow }),
  };
}

/** `defaults:` for models (base, files, licence) do not apply to a loader. */
function toLoader(
  entry: Extract<ModelInput, { image: 'loader' }>,
  catalog: CatalogInput,
  overrides: Overrides,
): Loader {
  return {
    ...common(entry, catalog, { ...catalog.defaults, ...entry, ...overrides }),
    image: 'loader',
    base: overrides.base ?? entry.base ?? loaderBase,
  };
}

/** The settings of every image, whether model or loader. */
function common(
  entry: ModelInput,
  catalog: CatalogInput,
  own: Omit<ModelInput, 'image' | 'base'> & Pick<Overrides, 'tags' | 'platforms'>,
): Omit<Loader, 'image' | 'base'> {
  const version = own.version ?? catalog.version;
  const registry = own.registry ?? catalog.registry;
  return {
    name: entry.name,
    tags: [...new Set(own.tags ?? [])],
    platforms: [...new Set(own.platforms ?? defaultPlatforms)].sort(),
    compression: own.compression ?? 'none',
    annotations: { ...catalog.defaults?.annotations, ...entry.annotations },
    ...(version !== undefined && { version: version.startsWith('v') ? version : `v${version}` }),
    ...(registry !== undefined && { registry }),
    ...(own.floatingTags !== undefined && { floatingTags: own.floatingTags }),
    ...(own.title !== undefined && { title: own.title }),
    ...(own.description !== undefined && { description: own.description }),
  };
}
