import { createHash } from 'node:crypto';
import { isModelLayer, listedFiles } from '../../image/listed-files.ts';
import { formatPlatform } from '../../image/platform.ts';
import { parseConfig, parseIndex, parseManifest } from '../../image/schema.ts';
import { type Descriptor, type ImageStore, mediaTypes } from '../../image/types.ts';
import { recycle } from '../../memory/stream-buffers.ts';
import { type ContentLayer, readContent } from '../../sources/oci/layers.ts';
import { limits, stackFiles } from '../../sources/oci/listing.ts';
import { listTar, readTar, type TarLayer, type TarMember } from '../../sources/oci/tar.ts';
import { modelsRoot } from '../../verify/paths.ts';
import { isIndex } from '../platform-image.ts';

/** A file of an image's model. */
export interface ImageFile {
  path: string;
  /** Bytes. */
  size: number;
  /** Undefined where the layer does not list it, and was not read. */
  sha256?: string;
  /** Digest of the layer that it is in. */
  layer: string;
}

/** One platform's image. */
export interface PlatformFacts {
  /** Digests of the layers below the model's. */
  base: string[];
  /** The base as annotated: `registry/repository@sha256:…`; undefined for another builder's image. */
  baseName: string | undefined;
  /** What a container engine gets from the config: user, environment, entrypoint and so on, as JSON. */
  config: Record<string, string>;
}

/** What can differ between two images. */
export interface ImageFacts {
  digest: string;
  annotations: Record<string, string>;
  platforms: Map<string, PlatformFacts>;
  /** By path below /models. */
  files: Map<string, ImageFile>;
  /** Digests of the layers with model files, lowest first. */
  layers: string[];
  /** Layers whose files are not known. */
  unread: { digest: string; size: number }[];
}

export interface ReadFactsOptions {
  store: ImageStore;
  root: Descriptor;
  /** For errors. */
  name: string;
  /** Read layers to their end that do not list their files with SHA-256; those in `same` never. */
  readLayers: boolean;
  /** Digests of the layers of the other image: what is in both is the same. */
  same: ReadonlySet<string>;
  signal: AbortSignal;
}

const modelsFolder: TarMember = { path: modelsRoot, type: 'directory', mode: 0o555, size: 0, offset: -1 };
/** Fields of a config that a container gets. */
const configFields = ['User', 'Env', 'Entrypoint', 'Cmd', 'WorkingDir', 'Labels', 'Volumes', 'ExposedPorts'];

/** Digests of all layers of an image's model, from the manifest alone. */
export async function layerDigests(store: ImageStore, root: Descriptor, name: string): Promise<Set<string>> {
  const { layers } = await readContent(store, root, name);
  return new Set(layers.map(({ descriptor }) => descriptor.digest));
}

/**
 * Reads the documents of an image, and of layers that do not list their files the tar's headers: of layers that are not
 * compressed, and with `readLayers` all bytes of those that the other image does not have.
 */
export async function readFacts(options: ReadFactsOptions): Promise<ImageFacts> {
  const { store, root, name } = options;
  const bytes = await store.read(root);
  const { annotations = {} } = isIndex(root) ? parseIndex(bytes, name) : parseManifest(bytes, name);
  const content = await readContent(store, root, name);
  const first = content.layers.findIndex(({ descriptor }) => isModelLayer(descriptor));
  const layers = content.isImage ? content.layers.slice(Math.max(0, first)) : content.layers;
  return {
    digest: root.digest,
    annotations,
    platforms: await platformsOf(store, root, name),
    layers: layers.map(({ descriptor }) => descriptor.digest),
    ...(await filesOf(layers, content.isImage, options)),
  };
}

async function platformsOf(
  store: ImageStore,
  root: Descriptor,
  name: string,
): Promise<Map<string, PlatformFacts>> {
  const manifests = isIndex(root)
    ? parseIndex(await store.read(root), name).manifests.filter(({ platform }) => platform?.os !== 'unknown')
    : [root];
  const platforms = new Map<string, PlatformFacts>();
  for (const manifest of manifests) {
    const { config, layers, annotations = {} } = parseManifest(await store.read(manifest), manifest.digest);
    const isImage = config.mediaType === mediaTypes.config || config.mediaType === mediaTypes.dockerConfig;
    if (!isImage) continue;
    const own = parseConfig(await store.read(config), config.digest);
    const run: Record<string, unknown> = { ...own.config, ...labelsOf(own.config?.Labels, annotations) };
    const first = layers.findIndex(isModelLayer);
    platforms.set(formatPlatform(manifest.platform ?? own), {
      base: layers.slice(0, Math.max(0, first)).map(({ digest }) => digest),
      baseName: baseOf(annotations),
      config: Object.fromEntries(
        configFields.flatMap((field) =>
          run[field] === undefined ? [] : [[field, JSON.stringify(run[field])]],
        ),
      ),
    });
  }
  return platforms;
}

/** The labels that do not repeat an annotation, as modelcars' own do. */
function labelsOf(
  labels: unknown,
  annotations: Record<string, string>,
): { Labels?: Record<string, string> | undefined } {
  const others = Object.entries((labels ?? {}) as Record<string, string>).filter(
    ([key, value]) => annotations[key] !== value,
  );
  return { Labels: others.length === 0 ? undefined : Object.fromEntries(others) };
}

function baseOf(annotations: Record<string, string>): string | undefined {
  const [name, digest] = ['name', 'digest'].map((key) => annotations[`org.opencontainers.image.base.${key}`]);
  return name === undefined || digest === undefined ? name : `${name}@${digest}`;
}

async function filesOf(
  layers: readonly ContentLayer[],
  isImage: boolean,
  options: ReadFactsOptions,
): Promise<Pick<ImageFacts, 'files' | 'unread'>> {
  const { store, name, readLayers, same, signal } = options;
  const unread: ImageFacts['unread'] = [];
  const hashes = new Map<string, string>();
  const budget = { ...limits };
  const membersOf = async (layer: TarLayer): Promise<readonly TarMember[]> => {
    const { digest, size } = layer.descriptor;
    const listed = listedFiles(layer.descriptor);
    if (listed !== undefined)
      return listed.map((file, at) => {
        hashes.set(`${digest} ${at}`, file.sha256);
        return { path: file.path, type: 'file', mode: 0o444, size: file.size, offset: at };
      });
    if (readLayers && !same.has(digest)) {
      const members: TarMember[] = [];
      for await (const { member, content } of readTar(store, layer, budget, 0, signal)) {
        members.push(member);
        if (member.type === 'file') hashes.set(`${digest} ${member.offset}`, await sha256(content));
      }
      return members;
    }
    if (layer.compression === undefined) return await listTar(store, layer, budget, signal);
    unread.push({ digest, size });
    return [];
  };
  const content = { isImage, layers: [...layers] };
  let left = layers.length;
  const files = await stackFiles(
    content,
    async (layer) => {
      const members = await membersOf(layer);
      // Otherwise an image would seem to have no /models.
      return --left === 0 && isImage && unread.length > 0 ? [modelsFolder, ...members] : members;
    },
    name,
  );
  return {
    unread,
    files: new Map(
      files.map(({ path, layer, member, size }) => {
        const { digest } = layer.descriptor;
        const hash =
          member === undefined ? digest.slice('sha256:'.length) : hashes.get(`${digest} ${member.offset}`);
        return [path, { path, size, layer: digest, ...(hash !== undefined && { sha256: hash }) }];
      }),
    ),
  };
}

async function sha256(content: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of content) {
    hash.update(chunk);
    recycle(chunk);
  }
  return hash.digest('hex');
}
