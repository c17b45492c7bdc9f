import { ModelcarsError } from '../errors.ts';
import type { Descriptor, ImageStore } from '../image/types.ts';
import { nameOf } from '../layout/entries.ts';
import { openLayout } from '../layout/open.ts';
import type { CatalogEntry } from '../model/types.ts';
import { RegistryClient } from '../registry/client.ts';
import { parseReference } from '../registry/reference.ts';
import { SignatureCheck } from './check-signatures.ts';
import { entryName, remoteTag, repositoryName } from './image-names.ts';
import { listTags } from './plan-tags.ts';
import type { ImageLocation, RegistryAccess, RunOptions } from './types.ts';

/** The location of one image, which may not exist. */
export interface ImageAddress {
  store: ImageStore;
  /** Its name in the store: `iris:v1.0.0` in a layout, a tag or digest in a registry. */
  reference: string;
  /** Its name in messages and reports: `iris:v1.0.0`, `quay.io/me/iris`. */
  name: string;
}

/** Images of models in one location. Dispose of it at the end. */
export interface OpenedImages extends AsyncDisposable {
  /** Fails with code `usage` for a model without a registry when images are in registries. */
  address(model: CatalogEntry): ImageAddress;
  /** The descriptor of a model's image; undefined when the location has no such image. */
  find(model: CatalogEntry): Promise<Descriptor | undefined>;
  /** The tags of a model's images; none where a registry does not list them. */
  tags(model: CatalogEntry): Promise<string[]>;
}

/**
 * Opens a location. Fails with code `layout` for an unreadable layout; makes no registry request yet. With
 * `signedBy`, images of registries are found only if one of these signed them: otherwise `find` fails with code `trust`.
 */
export async function openImages(
  client: Pick<RegistryClient, 'repository'>,
  location: ImageLocation,
  { signedBy, signal = new AbortController().signal }: Partial<Pick<RunOptions, 'signedBy' | 'signal'>> = {},
): Promise<OpenedImages> {
  const layout = 'layout' in location ? await openLayout(location.layout) : undefined;
  let checking: Promise<SignatureCheck> | undefined;
  const address = (model: CatalogEntry): ImageAddress => {
    const name = layout === undefined ? repositoryName(model) : entryName(model);
    return layout === undefined
      ? { store: client.repository(name), reference: remoteTag(model), name }
      : { store: layout, reference: name, name };
  };
  return {
    address,
    async find(model) {
      const { store, reference, name } = address(model);
      const root = await store.resolve(reference);
      if (root === undefined || signedBy === undefined || layout !== undefined) return root;
      checking ??= SignatureCheck.open(signedBy, signal);
      await (await checking).check(client.repository(name), root);
      return root;
    },
    async tags(model) {
      if (layout === undefined) return (await listTags(client.repository(repositoryName(model)))).tags;
      const prefix = `${model.name}:`;
      const names = layout.entries.map(nameOf).filter((name) => name.startsWith(prefix));
      return names.map((name) => name.slice(prefix.length));
    },
    async [Symbol.asyncDispose]() {
      await layout?.[Symbol.asyncDispose]();
    },
  };
}

/** An image that exists. */
export interface FoundImage {
  store: ImageStore;
  root: Descriptor;
  /** Its name in the store. */
  entry: string;
  /** `quay.io/me/iris@sha256:…`, for an image in a registry. */
  pushed?: string;
}

/** Images that exist, by model. */
export interface FoundImages {
  of(model: CatalogEntry): FoundImage;
}

/** Finds the images of all these models. Fails with code `layout` or `registry` and names all that are missing. */
export async function requireImages(
  images: OpenedImages,
  models: readonly CatalogEntry[],
  location: ImageLocation,
): Promise<FoundImages> {
  const inLayout = 'layout' in location;
  const found = new Map<string, FoundImage>();
  const missing: string[] = [];
  for (const model of models) {
    const { store, reference, name } = images.address(model);
    const root = await images.find(model);
    if (root === undefined) missing.push(inLayout ? name : `${name}:${reference}`);
    else
      found.set(model.name, {
        store,
        root,
        entry: reference,
        ...(!inLayout && { pushed: `${name}@${root.digest}` }),
      });
  }
  if (missing.length === 0) return { of: (model) => imageOf(found, model) };
  const where = inLayout ? location.layout : 'the registry';
  throw new ModelcarsError(
    inLayout ? 'layout' : 'registry',
    `find images: ${where} has no ${missing.join(', no ')}`,
    { next: inLayout ? 'build them first: `modelcars build`' : 'push them first: `modelcars push`' },
  );
}

function imageOf(found: ReadonlyMap<string, FoundImage>, { name }: CatalogEntry): FoundImage {
  const image = found.get(name);
  if (image === undefined) throw new ModelcarsError('bug', `the image of ${name} was not looked for`);
  return image;
}

/**
 * Opens one image by a user's name for it: an entry of the layout at `layout` (`iris:v1.0.0`) or, with a slash, a
 * registry reference. `where` is the layout or registry, for messages. Dispose of it at the end.
 */
export async function openNamedImage(
  name: string,
  options: { layout: string; registry: RegistryAccess; signal?: AbortSignal },
): Promise<ImageAddress & { where: string } & AsyncDisposable> {
  if (!name.includes('/')) {
    const layout = await openLayout(options.layout);
    const close = () => layout[Symbol.asyncDispose]();
    return { store: layout, reference: name, name, where: options.layout, [Symbol.asyncDispose]: close };
  }
  const reference = parseReference(name);
  const { insecure, caFile } = options.registry;
  const over = new AbortController();
  const client = new RegistryClient({
    own: [reference.registry],
    ...(insecure && { insecure }),
    ...(caFile !== undefined && { caFile }),
    signal: AbortSignal.any([over.signal, ...(options.signal ? [options.signal] : [])]),
  });
  return {
    store: client.repository(reference),
    reference: reference.digest ?? reference.tag ?? 'latest',
    name,
    where: reference.registry,
    async [Symbol.asyncDispose]() {
      // After a failure, requests in progress are no longer needed.
      over.abort();
      await client.close();
    },
  };
}
