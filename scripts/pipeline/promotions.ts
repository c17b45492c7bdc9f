import { registryPrefix } from '../catalog/fields.ts';
import { selectModels } from '../catalog/select.ts';
import { ModelcarsError } from '../errors.ts';
import type { Catalog, CatalogEntry } from '../model/types.ts';
import { examineReference, isDigest, isTag, parseReference } from '../registry/reference.ts';
import { isVersionTag } from '../registry/tag-policy.ts';
import { plain } from '../text/format.ts';
import { remoteTag } from './image-names.ts';

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
  const { catalog, images, only, version } = request;
  if (version !== undefined && !isVersionTag(version))
    throw usage(`read --version: ${plain(version)} is not a version`, 'write a version such as v1.2.3');
  if (images.length > 0 && only.length > 0)
    throw usage(
      'promote images: --only selects among all models, so name no image',
      'leave one of the two out',
    );
  const promotions =
    images.length > 0
      ? images.map((word) => read(word, to, request))
      : selectModels(catalog ?? noCatalog('every model'), [], only).map((model) =>
          ofModel(model, undefined, to, request),
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

function read(word: string, to: string, request: PromotionRequest): Promotion {
  if (word.includes('/')) return ofReference(word, to, request);
  const [, name = '', reference] = /^([^@:]*)(?:[@:](.*))?$/s.exec(word) ?? [];
  const { catalog } = request;
  const [model] = selectModels(catalog ?? noCatalog(plain(word)), [name], []);
  if (reference !== undefined && !isTag(reference) && !isDigest(reference))
    throw usage(
      `promote ${plain(word)}: the part after \`@\` is neither a version nor a digest`,
      `write \`${name}@v1.2.3\` or \`${name}@sha256:…\``,
    );
  return ofModel(model as CatalogEntry, reference, to, request);
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
    from: nameOf(`${from}/${name}`),
    to: nameOf(`${to}/${name}`),
    floatingTags: request.floatingTags ?? model.floatingTags ?? true,
  };
  if (reference !== undefined) return { ...common, ...wanted(reference), tags: request.tags ?? [] };
  const { version = model.version } = request;
  const tags = request.tags ?? model.tags;
  const tag = remoteTag({ ...(version !== undefined && { version }), tags });
  return { ...common, reference: tag, version, tags };
}

function ofReference(word: string, to: string, request: PromotionRequest): Promotion {
  const { registry, repository, tag, digest } = parseReference(word);
  const reference = digest ?? tag;
  if (reference === undefined)
    throw usage(
      `promote ${plain(word)}: it names neither a tag nor a digest`,
      `write \`${plain(word)}:v1.2.3\`, or the name of a model of models.yaml`,
    );
  const name = repository.split('/').at(-1) as string;
  return {
    name,
    from: `${registry}/${repository}`,
    to: nameOf(`${to}/${name}`),
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

/** A repository's name as references have it. */
function nameOf(text: string): string {
  const { registry, repository } = parseReference(text);
  return `${registry}/${repository}`;
}

function checkRegistry(option: string, value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  const [issue] = registryPrefix.safeParse(value).error?.issues ?? [];
  const valid = issue === undefined && examineReference(`${value}/a`).reference !== undefined;
  if (valid) return value;
  throw usage(`read ${option}: ${plain(issue?.message ?? 'it is no registry', 400)}`, `correct ${option}`);
}

function missing(problem: string, option: '--from' | '--to'): never {
  const more = option === '--from' ? ', or set `registry:` in models.yaml' : '';
  throw usage(`${problem} is given`, `pass ${option} quay.io/you${more}`);
}

function noCatalog(what: string): never {
  throw usage(
    `promote ${what}: models.yaml does not exist`,
    'name the file with -f FILE, or the image in full: quay.io/you/iris:v1.2.3',
  );
}

function usage(message: string, next: string): ModelcarsError {
  return new ModelcarsError('usage', message, { next });
}
