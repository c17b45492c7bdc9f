import { selectModels } from '../catalog/select.ts';
import { ModelcarsError } from '../errors.ts';
import type { Descriptor, ImageStore } from '../image/types.ts';
import { nameOf } from '../layout/entries.ts';
import { openLayout } from '../layout/open.ts';
import type { Catalog, CatalogEntry } from '../model/types.ts';
import { RegistryClient } from '../registry/client.ts';
import { applyMirrors } from '../registry/mirrors.ts';
import { formatReference, isDigest, isTag, parseReference, type Reference } from '../registry/reference.ts';
import type { Repository } from '../registry/repository.ts';
import { isVersionTag } from '../registry/tag-policy.ts';
import { pastedReference } from '../sources/oci/uri.ts';
import { plain } from '../text/format.ts';
import { nearest } from '../text/suggest.ts';
import { remoteTag, repositoryName } from './image-names.ts';
import { listTags } from './plan-tags.ts';
import type { RegistryAccess } from './types.ts';

/** What a word of the command line names. */
export interface ImageName {
  /** In messages: as given, or the reference of a model of the catalog. */
  name: string;
  /** The model's name: of the catalog, of a layout's entry, or the last part of a repository. */
  model: string;
  /** An image in a registry; undefined for one in a layout. */
  reference?: Reference;
  /** The catalog's model, at the version that the catalog has. */
  current?: CatalogEntry;
}

/** An image that exists. Dispose of it at the end. */
export interface NamedImage extends AsyncDisposable {
  store: ImageStore;
  root: Descriptor;
  /** In a registry. */
  repository?: Repository;
}

export interface OpenNamedOptions {
  /** "pull" or "diff", for errors. */
  verb: string;
  layout: string;
  registry: RegistryAccess;
  mirrors: Record<string, string>;
  /** Whether MODELCARS_REGISTRY_USERNAME without _HOST is meant for the image's registry; true by default. */
  own?: boolean;
  signal: AbortSignal;
  onRetry(message: string): void;
}

/**
 * Reads a name of an image: `iris:v1.2.3` is an entry of a layout, `iris`, `iris@v1.2.3` and `iris@sha256:…` are a model
 * of the catalog in its registry, and a name with a slash is a reference (`oci://` in front is accepted). Fails with code
 * `usage`.
 */
export function readImageName(word: string, verb: string, catalog: Catalog | undefined): ImageName {
  const given = /^oci:\/\//i.test(word)
    ? word.slice('oci://'.length)
    : (pastedReference(word)?.slice(6) ?? word);
  if (given.includes('/')) {
    const reference = parseReference(given);
    const tagged = (reference.tag ?? reference.digest) ? reference : { ...reference, tag: 'latest' };
    const model = reference.repository.split('/').at(-1) as string;
    return { name: formatReference(tagged), model, reference: tagged };
  }
  const [, name = '', mark, rest = ''] = /^([^@:]*)(?:([@:])(.*))?$/s.exec(given) ?? [];
  if (mark === ':') return { name: given, model: name };
  if (mark === '@' && !isTag(rest) && !isDigest(rest))
    throw usage(
      `${verb} ${plain(word)}: the part after \`@\` is neither a version nor a digest`,
      `write \`${name}@v1.2.3\` or \`${name}@sha256:…\``,
    );
  if (catalog === undefined)
    throw usage(
      `${verb} ${plain(word)}: models.yaml does not exist`,
      `name the file with -f FILE, an image of a layout as ${name || 'iris'}:v1.2.3, or one of a registry in full: quay.io/you/${name || 'iris'}:v1.2.3`,
    );
  return ofCatalog(catalog, verb, name, mark === '@' ? rest : undefined);
}

function ofCatalog(catalog: Catalog, verb: string, name: string, given: string | undefined): ImageName {
  const [model] = selectModels(catalog, [name], []) as [CatalogEntry];
  if (model.registry === undefined)
    throw usage(
      `${verb} ${name}: models.yaml names no registry`,
      `pass --registry quay.io/you, set \`registry:\` in models.yaml, or name an image of a layout: ${name}:${model.version ?? 'latest'}`,
    );
  const own = remoteTag(model);
  const wanted = given ?? own;
  const repository = parseReference(repositoryName(model));
  const reference = { ...repository, ...(isDigest(wanted) ? { digest: wanted } : { tag: wanted }) };
  return {
    name: formatReference(reference),
    model: name,
    reference,
    ...(wanted === own && { current: model }),
  };
}

/** Opens the image of a name. Fails with code `layout` or `registry` when it does not exist. */
export async function openNamed(image: ImageName, options: OpenNamedOptions): Promise<NamedImage> {
  return image.reference === undefined
    ? await openEntry(image, options)
    : await openRemote(image, image.reference, options);
}

async function openEntry(
  { name, model }: ImageName,
  { verb, layout }: OpenNamedOptions,
): Promise<NamedImage> {
  const store = await openLayout(layout);
  const root = await store.resolve(name);
  if (root !== undefined) return { store, root, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() };
  await store[Symbol.asyncDispose]();
  const names = store.entries.map(nameOf);
  const near = nearest(name, names);
  throw new ModelcarsError('layout', `${verb} ${plain(name)}: ${layout} has no such image`, {
    next: near
      ? `did you mean ${plain(near)}?`
      : `build it, or name an image of a registry: ${plain(model)}@VERSION (a model of models.yaml), or REGISTRY/REPOSITORY:TAG`,
  });
}

async function openRemote(
  { name }: ImageName,
  reference: Reference,
  { verb, registry, mirrors, own = true, signal, onRetry }: OpenNamedOptions,
): Promise<NamedImage> {
  const mirrored = applyMirrors(reference, mirrors);
  const over = new AbortController();
  const client = new RegistryClient({
    own: own ? [mirrored.registry] : [],
    ...(registry.insecure && { insecure: registry.insecure }),
    ...(registry.caFile !== undefined && { caFile: registry.caFile }),
    signal: AbortSignal.any([over.signal, signal]),
    onRetry,
  });
  const close = async () => {
    // After a failure, requests in progress are no longer needed.
    over.abort();
    await client.close();
  };
  try {
    const repository = client.repository(mirrored);
    const wanted = reference.digest ?? reference.tag ?? 'latest';
    const root = await repository.resolve(wanted);
    if (root === undefined) throw await notFound(verb, name, repository, wanted);
    return { store: repository, repository, root, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function notFound(
  verb: string,
  name: string,
  repository: Repository,
  wanted: string,
): Promise<ModelcarsError> {
  const tags = await listTags(repository).then(
    (found) => found.tags.filter((tag) => !/^sha256-/.test(tag)),
    () => [],
  );
  const near = isDigest(wanted) ? undefined : nearest(wanted, tags);
  const other = tags.filter(isVersionTag).at(-1) ?? tags.at(-1);
  return new ModelcarsError(
    'registry',
    `${verb} ${name}: ${repository.name} has no such ${isDigest(wanted) ? 'image' : 'tag'}`,
    {
      next:
        near !== undefined
          ? `did you mean ${near}?`
          : other !== undefined
            ? `name one of its tags, such as ${other}`
            : 'check the name; for a private repository, log in with `docker login` or `podman login`',
    },
  );
}

function usage(message: string, next: string): ModelcarsError {
  return new ModelcarsError('usage', message, { next });
}
