import { z } from 'zod';
import { ModelcarsError } from '../errors.ts';
import { type LayerOptions, layerKey } from '../image/layer.ts';
import type { FinishedLayer } from '../image/manifest.ts';
import { type ImageFile, tarSize } from '../image/plan.ts';
import { formatPlatform } from '../image/platform.ts';
import { isDigest, type Manifest, parseConfig, parseIndex, parseManifest } from '../image/schema.ts';
import { type Descriptor, type Digest, type ImageStore, mediaTypes, type Platform } from '../image/types.ts';
import { plain } from '../text/format.ts';
import { keys } from './annotations.ts';

/** An image of a model that modelcars made, taken apart. */
export interface OwnImage {
  root: Descriptor;
  /** RFC 3339: the time of every file in its layers. */
  created: string;
  /** Those of the index. */
  annotations: Record<string, string>;
  /** The name of its base, as in the catalog that it was made from. */
  base: string;
  platforms: OwnPlatform[];
  /** The model's layers, the same on every platform. */
  layers: OwnLayer[];
}

export interface OwnPlatform {
  platform: Platform;
  /** Manifest digest of its base. */
  base: Digest;
  /** Digests of the base's layers. */
  baseLayers: Digest[];
}

export interface OwnLayer extends FinishedLayer {
  /** See image/layer.ts. */
  key: string;
}

const prefix = 'org.opencontainers.image';
const compressions = new Map<string, LayerOptions['compression']>([
  [mediaTypes.layer, 'none'],
  [mediaTypes.layerGzip, 'gzip'],
  [mediaTypes.layerZstd, 'zstd'],
]);
const listed = z
  .array(
    z.object({ path: z.string(), size: z.int().nonnegative(), sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
  )
  .min(1);

/**
 * Takes an image apart into the layers of its base and those of its model: modelcars writes a key on each of the latter,
 * puts them last, and lists them in the history. What the image claims of its layers has to agree: keys, lists of files,
 * sizes, diff_ids, history, on every platform. Reads index, manifests and configs. `name` is for messages. Fails with
 * code `integrity` for an image that modelcars did not make or that was changed since, and with `usage` for a loader.
 */
export async function readOwnImage(store: ImageStore, root: Descriptor, name: string): Promise<OwnImage> {
  const fail = (problem: string) => refused(name, problem);
  if (root.mediaType !== mediaTypes.index) throw fail('modelcars did not make it: it is no index');
  const { manifests, annotations = {} } = parseIndex(await store.read(root), name);
  const framework = annotations[keys.framework];
  if (framework === undefined)
    throw fail(`modelcars did not make it: it has no annotation ${keys.framework}`);
  if (framework === 'loader')
    throw new ModelcarsError('usage', `rebase ${name}: it is a loader, which contains no model`, {
      next: 'push the loader on the other base: `modelcars push`',
    });
  const created = annotations[`${prefix}.created`] ?? '';
  const base = annotations[`${prefix}.base.name`] ?? '';
  const platforms: OwnPlatform[] = [];
  let layers: OwnLayer[] | undefined;
  for (const entry of manifests) {
    if (entry.platform === undefined) throw fail('an entry of its index names no platform');
    const where = formatPlatform(entry.platform);
    const manifest = parseManifest(await store.read(entry), `${name} (${where})`);
    const config = parseConfig(await store.read(manifest.config), `config of ${name} (${where})`);
    const split = splitLayers(manifest, config, created);
    if (typeof split === 'string') throw fail(`${where}: ${split}`);
    layers ??= split.layers;
    if (JSON.stringify(layers) !== JSON.stringify(split.layers))
      throw fail(`${where}: its model layers are not those of the other platforms`);
    const pinned = manifest.annotations?.[`${prefix}.base.digest`] ?? '';
    if (!isDigest(pinned)) throw fail(`${where}: its annotation ${prefix}.base.digest is no digest`);
    platforms.push({ platform: entry.platform, base: pinned, baseLayers: split.baseLayers });
  }
  if (layers === undefined) throw fail('its index lists no image');
  return { root, created, annotations, base, platforms, layers };
}

/** The layers of base and model, or why they cannot be told apart. */
function splitLayers(
  { layers }: Manifest,
  { rootfs, history = [] }: ReturnType<typeof parseConfig>,
  created: string,
): { baseLayers: Digest[]; layers: OwnLayer[] } | string {
  const at = layers.findIndex(({ annotations }) => annotations?.[keys.layerKey] !== undefined);
  if (at === -1)
    return `no layer has the annotation ${keys.layerKey}, which modelcars writes on a model's layers`;
  if (at === 0) return 'all its layers claim to be the model, and none is of a base';
  const told = history.filter((entry) => entry.empty_layer !== true);
  // The base's history may have empty layers, and comes first.
  const own = history.slice(history.length - (layers.length - at));
  if (rootfs.diff_ids.length !== layers.length || told.length !== layers.length)
    return `it has ${layers.length} layers, ${rootfs.diff_ids.length} diff_ids and a history of ${told.length}`;
  const model: OwnLayer[] = [];
  for (const [index, { mediaType, digest, size, annotations = {} }] of layers.slice(at).entries()) {
    const key = annotations[keys.layerKey];
    const line = own[index];
    const diffId = rootfs.diff_ids[at + index] as Digest;
    const say = (problem: string) => `layer ${at + index + 1} (${digest}): ${problem}`;
    if (key === undefined || !/^[0-9a-f]{64}$/.test(key))
      return say(`it is above the model's layers, and has no valid annotation ${keys.layerKey}`);
    if (line?.created_by !== 'modelcars' || line.empty_layer === true || line.created !== created)
      return say('the history says that modelcars did not add it, or at another time');
    const layer = { mediaType, digest, size, diffId, annotations };
    const problem = contradiction(layer, key, created);
    if (problem !== undefined) return say(problem);
    const comment = String(line.comment ?? '');
    model.push({ descriptor: { mediaType, digest, size, annotations }, diffId, comment, key });
  }
  return { baseLayers: layers.slice(0, at).map(({ digest }) => digest), layers: model };
}

/** How the claims about a model layer contradict each other. */
function contradiction(
  layer: Descriptor & { diffId: Digest },
  key: string,
  created: string,
): string | undefined {
  const compression = compressions.get(layer.mediaType);
  if (compression === undefined) return `its type is ${plain(layer.mediaType)}`;
  if (compression === 'none' && layer.diffId !== layer.digest)
    return 'it is not compressed, and its diff_id is not its digest';
  const text = layer.annotations?.[keys.layerFiles];
  if (text === undefined) return undefined;
  const files = parseFiles(text);
  if (files === undefined) return `its annotation ${keys.layerFiles} is no list of files below models/`;
  const mtime = Math.floor(Date.parse(created) / 1000);
  if (layerKey({ files }, { mtime, compression }) !== key)
    return 'its key is not that of the files that it lists';
  if (compression === 'none' && tarSize(files) !== layer.size)
    return 'its size is not that of the files that it lists';
  return undefined;
}

function parseFiles(text: string): ImageFile[] | undefined {
  try {
    const files = listed.parse(JSON.parse(text));
    if (!files.every(({ path }) => path.startsWith('models/'))) return undefined;
    return files.map(({ path, size, sha256 }) => ({ path: path.slice('models/'.length), size, sha256 }));
  } catch {
    return undefined;
  }
}

function refused(name: string, problem: string): ModelcarsError {
  return new ModelcarsError('integrity', `rebase ${name}: ${problem}`, {
    next: 'push the new version from its source instead: `modelcars push`',
  });
}
