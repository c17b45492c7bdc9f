import { sizeBytes } from './fields.ts';
import type { CatalogInput, ModelInput } from './schema.ts';
import type { Compression, Model } from './types.ts';

/** What the command line says in place of models.yaml; wins over defaults and models alike. */
export interface Overrides {
  registry?: string;
  version?: string;
  tags?: string[];
  base?: string;
  platforms?: string[];
  compression?: Compression;
  /** Added to those of the catalog; wins where both name a prefix. */
  mirrors?: Record<string, string>;
}

/** The base of a catalog that names none. */
const defaultBase = 'registry.access.redhat.com/ubi10/ubi-micro:latest';
const defaultPlatforms = ['linux/amd64', 'linux/arm64'];

/**
 * A checked entry with everything applied: overrides before the model's own words, these before `defaults:`, these before
 * the catalog's and ours. Lists replace each other; annotations add up.
 */
export function toModel(entry: ModelInput, catalog: CatalogInput, overrides: Overrides): Model {
  const { defaults = {} } = catalog;
  const own = { ...defaults, ...entry, ...overrides };
  const version = own.version ?? catalog.version;
  const registry = own.registry ?? catalog.registry;
  const maxLayerSize = own.maxLayerSize === undefined ? undefined : sizeBytes(own.maxLayerSize);
  return {
    name: entry.name,
    framework: entry.framework,
    source: entry.source,
    files: { ...entry.files },
    include: own.include ?? [],
    exclude: own.exclude ?? [],
    tags: [...new Set(own.tags ?? [])],
    base: own.base ?? defaultBase,
    platforms: [...new Set(own.platforms ?? defaultPlatforms)].sort(),
    compression: own.compression ?? 'none',
    annotations: { ...defaults.annotations, ...entry.annotations },
    ...(version !== undefined && { version: version.startsWith('v') ? version : `v${version}` }),
    ...(registry !== undefined && { registry }),
    ...(maxLayerSize !== undefined && { maxLayerSize }),
    ...(own.title !== undefined && { title: own.title }),
    ...(own.description !== undefined && { description: own.description }),
    ...(own.licenses !== undefined && { licenses: own.licenses }),
  };
}
