import { ModelcarsError } from '../errors.ts';
import type { CatalogEntry } from '../model/types.ts';
import { parseReference } from '../registry/reference.ts';

/** The version of a model's image in a layout; `latest` by default. */
export function versionOf(model: CatalogEntry): string {
  return model.version ?? 'latest';
}

/** The name of a model's image in a layout: `<name>:<version>`. */
export function entryName(model: CatalogEntry): string {
  return `${model.name}:${versionOf(model)}`;
}

/** The repository of a model's image: `<registry>/<name>`. Fails with code `usage` when no registry is given. */
export function repositoryName(model: CatalogEntry): string {
  if (model.registry !== undefined) return `${model.registry}/${model.name}`;
  throw new ModelcarsError('usage', `push ${model.name}: no registry is given`, {
    next: 'pass --registry quay.io/you, or set `registry:` in models.yaml',
  });
}

/** The host of a model's registry, as in image references. */
export function registryOf(model: CatalogEntry): string {
  return parseReference(repositoryName(model)).registry;
}

/**
 * Tags in addition to those of the version: from the catalog or --tag; `latest` for a model with neither version nor
 * tags.
 */
export function extraTags(model: Pick<CatalogEntry, 'version' | 'tags'>): string[] {
  return model.version === undefined && model.tags.length === 0 ? ['latest'] : model.tags;
}

/** A tag that points at a model's image after a push. */
export function remoteTag(model: Pick<CatalogEntry, 'version' | 'tags'>): string {
  return model.version ?? extraTags(model)[0] ?? 'latest';
}
