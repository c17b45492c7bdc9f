import type { Catalog, CatalogEntry } from '../model/types.ts';
import { isVersionTag } from '../registry/tag-policy.ts';
import { plain } from '../text/format.ts';
import { remoteTag } from './image-names.ts';
import { canonicalName, checkRegistry, type NamedImage, readImageWords, usage } from './image-words.ts';

/** One image to promote. */
export interface Promotion {
  /** Of the catalog's model; the last part of the repository for an image that is named in full. */
  name: string;
  /** Repository, such as `quay.io/dev/iris`. */
  from: string;
  /** Tag or digest there. */
  reference: string;
  /** Repository. */
  to: string;
  /** The version to publish; undefined: what the image's annotations name. */
  version: string | undefined;
  /** Additional tags. */
  tags: string[];
  floatingTags: boolean;
}

export interface PromotionRequest {
  /** Undefined without a models.yaml. */
  catalog: Catalog | undefined;
  /** `iris`, `iris@v1.2.3`, `iris@sha256:…` or `quay.io/dev/iris:v1.2.3`; every model when empty. */
  images: readonly string[];
  /** Filters of `selectModels`, for promotions without names. */
  only: readonly string[];
  /** Registry and path of models; the catalog's when undefined. */
  from: string | undefined;
  /** Registry and path. */
  to: string | undefined;
  /** The version of the models that are named without one, in place of the catalog's. */
  version: string | undefined;
  /** Additional tags, in place of the catalog's. */
  tags: string[] | undefined;
  floatingTags: boolean | undefined;
}

/**
 * The images that the words of a command line name. Fails with code `usage` on an unknown model, an incomplete
 * reference, a missing registry, and when source and destination are one repository.
 */
export function readPromotions(request: PromotionRequest): Promotion[] {
  const to = checkRegistry('--to', request.to) ?? missing('promote images: no registry to copy to', '--to');
  checkRegistry('--from', request.from);
  const { version } = request;
  if (version !== undefined && !isVersionTag(version))
    throw usage(`read --version: ${plain(version)} is not a version`, 'write a version such as v1.2.3');
  const promotions = readImageWords({ ...request, verb: 'promote' }).map((named) =>
    named.model === undefined
      ? ofReference(named, to, request)
      : ofModel(named.model, named.reference, to, request),
  );
  const seen = new Set<string>();
  for (const { from, to: target, reference, name } of promotions) {
    if (from === target)
      throw usage(
        `promote ${name}: ${from} would be copied to itself`,
        'pass another registry or path with --to, or --from',
      );
    const key = `${from} ${reference} ${target}`;
    if (seen.has(key)) throw usage(`promote ${name}: ${reference} is given twice`, 'name it once');
    seen.add(key);
  }
  return promotions;
}

function ofModel(
  model: CatalogEntry,
  reference: string | undefined,
  to: string,
  request: PromotionRequest,
): Promotion {
  const { name, registry } = model;
  const from = request.from ?? registry ?? missing(`promote ${name}: no registry to copy from`, '--from');
  const common = {
    name,
    from: canonicalName(`${from}/${name}`),
    to: canonicalName(`${to}/${name}`),
    floatingTags: request.floatingTags ?? model.floatingTags ?? true,
  };
  if (reference !== undefined) return { ...common, ...wanted(reference), tags: request.tags ?? [] };
  const { version = model.version } = request;
  const tags = request.tags ?? model.tags;
  const tag = remoteTag({ ...(version !== undefined && { version }), tags });
  return { ...common, reference: tag, version, tags };
}

function ofReference(
  { name, repository, tag, digest }: NamedImage & { model: undefined },
  to: string,
  request: PromotionRequest,
): Promotion {
  const reference = digest ?? (tag as string);
  return {
    name,
    from: repository,
    to: canonicalName(`${to}/${name}`),
    // A digest settles the image, a tag beside it the version.
    ...wanted(tag !== undefined && isVersionTag(tag) ? tag : reference),
    reference,
    tags: request.tags ?? [],
    floatingTags: request.floatingTags ?? true,
  };
}

function wanted(reference: string): Pick<Promotion, 'reference' | 'version'> {
  return { reference, version: isVersionTag(reference) ? reference : undefined };
}

function missing(problem: string, option: '--from' | '--to'): never {
  const more = option === '--from' ? ', or set `registry:` in models.yaml' : '';
  throw usage(`${problem} is given`, `pass ${option} quay.io/you${more}`);
}
