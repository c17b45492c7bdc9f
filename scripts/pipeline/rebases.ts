import { ModelcarsError } from '../errors.ts';
import { isModel } from '../model/catalog-entry.ts';
import type { Catalog, Model } from '../model/types.ts';
import { examineReference, parseReference } from '../registry/reference.ts';
import { isVersionTag } from '../registry/tag-policy.ts';
import { plain } from '../text/format.ts';
import { canonicalName, checkRegistry, type NamedImage, readImageWords, usage } from './image-words.ts';

/** One image to put on another base. */
export interface Rebase {
  /** Of the catalog's model; the last part of the repository for an image that is named in full. */
  name: string;
  /** Repository of the earlier image, such as `quay.io/me/iris`. */
  from: string;
  /** Tag or digest there; undefined: the newest release before `version`. */
  reference: string | undefined;
  /** Repository of the new image. */
  to: string;
  version: string;
  /** The model with the new base, version and tags; the platforms are those of the image. */
  model: Model;
  /** Whether `model` is an entry of the catalog, as far as the lock describes it. */
  isListed: boolean;
}

export interface RebaseRequest {
  /** Undefined without a models.yaml. */
  catalog: Catalog | undefined;
  /** As those of `readImageWords`; every model, without loaders, when empty. */
  images: readonly string[];
  only: readonly string[];
  /** Registry and path of the images; the catalog's when undefined. */
  registry: string | undefined;
  /** Registry and path for the new images; undefined: the same repositories. */
  to: string | undefined;
  /** `embedded` or an image reference; the catalog's when undefined. */
  base: string | undefined;
  /** The catalog's when undefined. */
  version: string | undefined;
  /** Additional tags, in place of the catalog's. */
  tags: string[] | undefined;
  floatingTags: boolean | undefined;
}

/**
 * The images that the words of a command line name, and what becomes of them. Fails with code `usage` on an unknown
 * model, an incomplete reference, a missing registry, base or version, and a loader.
 */
export function readRebases(request: RebaseRequest): Rebase[] {
  const { base, version } = request;
  for (const side of ['registry', 'to'] as const) checkRegistry(`--${side}`, request[side]);
  if (version !== undefined && !isVersionTag(version))
    throw usage(`read --version: ${plain(version)} is not a version`, 'write a version such as v1.2.4');
  if (base !== undefined && base !== 'embedded' && examineReference(base).reference === undefined)
    throw usage(
      `read --base: ${plain(base)} is no image reference`,
      'write `embedded`, or a reference such as registry.access.redhat.com/ubi10/ubi-micro:latest',
    );
  const named = readImageWords({ ...request, verb: 'rebase' });
  // A loader is built from the running program: pushing it costs no model.
  const chosen = request.images.length > 0 ? named : named.filter(({ model }) => !model || isModel(model));
  const rebases = chosen.map((one) =>
    one.model === undefined ? ofReference(one, request) : ofModel(one, request),
  );
  const seen = new Set<string>();
  for (const { to, version: own, name } of rebases) {
    const key = `${to}:${own}`;
    if (seen.has(key)) throw usage(`rebase ${name}: ${key} would be made twice`, 'name each image once');
    seen.add(key);
  }
  return rebases;
}

function ofModel({ model, reference }: NamedImage & { model: object }, request: RebaseRequest): Rebase {
  const { name } = model;
  if (!isModel(model))
    throw usage(
      `rebase ${name}: it is a loader, which contains no model`,
      `push it on the other base: \`modelcars push ${name}\``,
    );
  const registry =
    request.registry ??
    model.registry ??
    missing(name, 'registry', '--registry quay.io/you', 'set `registry:` in models.yaml');
  const from = canonicalName(`${registry}/${name}`);
  const base = request.base ?? model.base;
  return completed({ ...model, registry }, { from, reference, base, isListed: true }, request);
}

function ofReference(
  { name, repository, tag, digest }: NamedImage & { model: undefined },
  request: RebaseRequest,
): Rebase {
  const base = request.base ?? missing(name, 'base', '--base REFERENCE', 'name a model of models.yaml');
  const model: Model = {
    name,
    framework: '',
    source: '',
    files: {},
    include: [],
    exclude: [],
    tags: [],
    base,
    platforms: [],
    compression: 'none',
    registry: repository.slice(0, -name.length - 1),
    annotations: {},
  };
  return completed(model, { from: repository, reference: digest ?? tag, base, isListed: false }, request);
}

function completed(
  model: Model,
  known: Pick<Rebase, 'from' | 'reference' | 'isListed'> & { base: string },
  request: RebaseRequest,
): Rebase {
  const { name } = model;
  const { base, ...rest } = known;
  const version =
    request.version ??
    model.version ??
    missing(name, 'version', '--version v1.2.4', 'set `version:` in models.yaml');
  const floatingTags = request.floatingTags ?? model.floatingTags ?? true;
  const tags = request.tags ?? model.tags;
  const to = request.to === undefined ? known.from : canonicalName(`${request.to}/${name}`);
  if (parseReference(to).registry !== parseReference(known.from).registry)
    throw usage(
      `rebase ${name}: ${known.from} and ${to} are in two registries, so every layer would be sent`,
      'leave out --to, and copy the new image with `modelcars promote`',
    );
  return { ...rest, name, to, version, model: { ...model, base, version, tags, floatingTags } };
}

function missing(name: string, what: string, option: string, other: string): never {
  throw new ModelcarsError('usage', `rebase ${name}: no ${what} is given`, {
    next: `pass ${option}, or ${other}`,
  });
}
