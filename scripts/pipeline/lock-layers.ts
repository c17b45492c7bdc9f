import { ModelcarsError } from '../errors.ts';
import type { Layer } from '../image/layer.ts';
import type { ImageFile } from '../image/plan.ts';
import type { Digest } from '../image/types.ts';
import type { Compression, LockedBase, LockedLayer, LockedModel, Model } from '../model/types.ts';
import { isLocal } from '../sources/index.ts';
import type { KnownLayer } from '../store/store.ts';
import type { Task } from '../terminal/types.ts';
import { walkerVersion } from '../trust/unsafe-files/version.ts';
import { predictFrom } from './assemble.ts';
import type { BaseImages } from './base-images.ts';
import { hashLayers, unknownLayers } from './hash-layers.ts';
import { describe, planModel } from './plan-image.ts';
import type { Session } from './session.ts';

const compressions: Compression[] = ['none', 'gzip', 'zstd'];

export interface LockLayersOptions {
  /** The model's current entry in the lock: digests of unchanged layers are kept. */
  before: LockedModel | undefined;
  /** Whether to read layers from the source when their digest is unknown. */
  readAll: boolean;
  task: Task;
}

/**
 * The layers of a locked model whose digests are known: from local files, the store, or the current lock. Keeps digests
 * of the other compressions. Reads uncompressed layers of local files here: `lock` has just read these files, so they
 * are mostly in the page cache.
 */
export async function lockLayers(
  session: Session,
  model: Model,
  locked: LockedModel,
  { before, readAll, task }: LockLayersOptions,
): Promise<LockedLayer[]> {
  const { layers, files } = planModel(session, model, locked);
  if (!session.options.dryRun) {
    const unknown = await unknownLayers(session, layers);
    const isHere = ({ path }: ImageFile) => isLocal(files.get(path)?.uri ?? '');
    const local = ({ plan }: Layer) => model.compression === 'none' && plan.files.every(isHere);
    const toRead = readAll ? await notWalked(session, layers, unknown, isHere) : unknown.filter(local);
    if (toRead.length > 0) await hashLayers(session, toRead, task);
  }
  const entries: LockedLayer[] = [];
  for (const layer of layers) {
    const known = (await session.layers.get(layer)) ?? session.layers.locked(layer);
    if (known === undefined) continue;
    // Of local files, an unsafe one is a warning: nothing is read for it.
    const isFar = layer.plan.files.some(({ path }) => !isLocal(files.get(path)?.uri ?? ''));
    const walked = isFar && (await session.unsafeFiles.passes(layer, model.framework));
    entries.push({ ...entryOf(layer, known), ...(walked && { walked: walkerVersion }) });
  }
  const others = compressions.filter((compression) => compression !== model.compression);
  for (const compression of others) {
    const keys = new Set(planModel(session, { ...model, compression }, locked).layers.map(({ key }) => key));
    entries.push(...(before?.layers ?? []).filter(({ key }) => keys.has(key)));
  }
  return entries;
}

/** The layers to read for `--layers`: of unknown digest, or never walked for unsafe files. */
async function notWalked(
  session: Session,
  layers: readonly Layer[],
  unknown: readonly Layer[],
  isHere: (file: ImageFile) => boolean,
): Promise<Layer[]> {
  const facts = await Promise.all(layers.map((layer) => session.unsafeFiles.facts(layer)));
  const isNew = (layer: Layer, at: number) => facts[at] === undefined && !layer.plan.files.every(isHere);
  return layers.filter((layer, at) => unknown.includes(layer) || isNew(layer, at));
}

/**
 * The digest of a model's image from its locked files and pinned base images; undefined unless every layer's digest is
 * known. Reads the manifests of the bases.
 */
export async function lockedDigest(
  session: Session,
  model: Model,
  locked: LockedModel,
  pins: LockedBase,
  baseImages: BaseImages = session.bases,
  known: (layer: Layer) => Promise<KnownLayer | undefined> = (layer) => session.layers.get(layer),
): Promise<Digest | undefined> {
  const { layers } = planModel(session, model, locked);
  const digests = await Promise.all(layers.map(known));
  if (digests.includes(undefined)) return undefined;
  const bases = await Promise.all(
    model.platforms.map((platform) => baseImages.open(model.base, platform, pins[platform] as Digest)),
  );
  const plan = { model, layers, bases, description: describe(session, model, locked) };
  return predictFrom(
    plan,
    digests.flatMap((one) => one ?? []),
  ).index.digest;
}

/**
 * The same without a request: also undefined when the store lacks the manifest of a base. Takes a layer's digest from the
 * lock where it has one, without reading the store's record for each of thousands of models.
 */
export async function storedDigest(
  session: Session,
  model: Model,
  locked: LockedModel,
  pins: LockedBase,
): Promise<Digest | undefined> {
  try {
    const known = async (layer: Layer) => session.layers.locked(layer) ?? (await session.layers.get(layer));
    return await lockedDigest(session, model, locked, pins, session.storedBases, known);
  } catch (error) {
    if (error instanceof ModelcarsError && error.code === 'registry') return undefined;
    throw error;
  }
}

function entryOf({ key, plan }: Layer, { digest, size, diffId }: KnownLayer): LockedLayer {
  const files = plan.files.map(({ path }) => path);
  return { files, digest, size, ...(diffId !== digest && { diffId }), key };
}
