import { registryPrefix } from '../catalog/fields.ts';
import { selectModels } from '../catalog/select.ts';
import { ModelcarsError } from '../errors.ts';
import type { Catalog, CatalogEntry } from '../model/types.ts';
import { examineReference, isDigest, isTag, parseReference } from '../registry/reference.ts';
import { plain } from '../text/format.ts';

/** The images that a command line names, and how. */
export interface ImageWords {
  /** The command, for messages: `promote`. */
  verb: string;
  /** Undefined without a models.yaml. */
  catalog: Catalog | undefined;
  /** `iris`, `iris@v1.2.3`, `iris@sha256:…` or `quay.io/dev/iris:v1.2.3`; every model when empty. */
  images: readonly string[];
  /** Filters of `selectModels`, for command lines without names. */
  only: readonly string[];
}

/** A model of the catalog, or an image that is named in full. */
export type NamedImage =
  | {
      model: CatalogEntry;
      /** Tag or digest; undefined for a name alone. */
      reference: string | undefined;
    }
  | {
      model: undefined;
      /** `quay.io/dev/iris` */
      repository: string;
      /** The last part of the repository. */
      name: string;
      tag: string | undefined;
      /** Takes precedence over the tag. */
      digest: string | undefined;
    };

/** Fails with code `usage` on an unknown model and on an incomplete reference. */
export function readImageWords(words: ImageWords): NamedImage[] {
  const { verb, images, only } = words;
  if (images.length > 0 && only.length > 0)
    throw usage(
      `${verb} images: --only selects among all models, so name no image`,
      'leave one of the two out',
    );
  if (images.length > 0) return images.map((word) => readWord(word, words));
  const catalog = words.catalog ?? noCatalog(verb, 'every model');
  return selectModels(catalog, [], only).map((model) => ({ model, reference: undefined }));
}

function readWord(word: string, { verb, catalog }: ImageWords): NamedImage {
  if (word.includes('/')) return readReference(word, verb);
  const [, name = '', reference] = /^([^@:]*)(?:[@:](.*))?$/s.exec(word) ?? [];
  const [model] = selectModels(catalog ?? noCatalog(verb, plain(word)), [name], []);
  if (reference !== undefined && !isTag(reference) && !isDigest(reference))
    throw usage(
      `${verb} ${plain(word)}: the part after \`@\` is neither a version nor a digest`,
      `write \`${name}@v1.2.3\` or \`${name}@sha256:…\``,
    );
  return { model: model as CatalogEntry, reference };
}

function readReference(word: string, verb: string): NamedImage {
  const { registry, repository, tag, digest } = parseReference(word);
  if (tag === undefined && digest === undefined)
    throw usage(
      `${verb} ${plain(word)}: it names neither a tag nor a digest`,
      `write \`${plain(word)}:v1.2.3\`, or the name of a model of models.yaml`,
    );
  const name = repository.split('/').at(-1) as string;
  return { model: undefined, repository: `${registry}/${repository}`, name, tag, digest };
}

/** A repository's name as references have it. */
export function canonicalName(text: string): string {
  const { registry, repository } = parseReference(text);
  return `${registry}/${repository}`;
}

/** A registry and path that an option gives. Fails with code `usage`. */
export function checkRegistry(option: string, value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  const [issue] = registryPrefix.safeParse(value).error?.issues ?? [];
  const valid = issue === undefined && examineReference(`${value}/a`).reference !== undefined;
  if (valid) return value;
  throw usage(`read ${option}: ${plain(issue?.message ?? 'it is no registry', 400)}`, `correct ${option}`);
}

export function usage(message: string, next: string): ModelcarsError {
  return new ModelcarsError('usage', message, { next });
}

function noCatalog(verb: string, what: string): never {
  throw usage(
    `${verb} ${what}: models.yaml does not exist`,
    'name the file with -f FILE, or the image in full: quay.io/you/iris:v1.2.3',
  );
}
