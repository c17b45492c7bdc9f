import { ModelcarsError } from '../errors.ts';
import type { Model } from '../model/types.ts';
import { parseReference } from '../registry/reference.ts';

/** The version a model's image has in a layout; `latest` where no version is given. */
export function versionOf(model: Model): string {
  return model.version ?? 'latest';
}

/** The entry of a model's image in a layout: `<name>:<version>`. */
export function entryName(model: Model): string {
  return `${model.name}:${versionOf(model)}`;
}

/** Where a model's image goes in a registry: `<registry>/<name>`. Fails with code `usage` when no registry is given. */
export function repositoryName(model: Model): string {
  if (model.registry !== undefined) return `${model.registry}/${model.name}`;
  throw new ModelcarsError('usage', `push ${model.name}: no registry is given`, {
    next: 'pass --registry quay.io/you, or set `registry:` in models.yaml',
  });
}

/** The host of the registry that a model's image goes to, as references have it. */
export function registryOf(model: Model): string {
  return parseReference(repositoryName(model)).registry;
}

/** Tags to set besides those of the version: the catalog's or --tag's; `latest` where there would be none at all. */
export function extraTags(model: Model): string[] {
  return model.version === undefined && model.tags.length === 0 ? ['latest'] : model.tags;
}

/** A tag that names a model's image after a push. */
export function remoteTag(model: Model): string {
  return model.version ?? extraTags(model)[0] ?? 'latest';
}
