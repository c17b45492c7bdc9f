import type { Base } from '../bases/base-image.ts';
import { targetPath } from '../catalog/target-path.ts';
import { ModelcarsError } from '../errors.ts';
import { type Layer, layerOf } from '../image/layer.ts';
import type { ImageDescription } from '../image/manifest.ts';
import { checkLayerSizes, type ImageFile, planLayers } from '../image/plan.ts';
import { loaderExecutable, loaderProcess, loaderRoot, nodeBase } from '../loader/files.ts';
import { isModel } from '../model/catalog-entry.ts';
import type { CatalogEntry, Loader, LockedModel } from '../model/types.ts';
import type { WantedFile } from '../store/file-cache.ts';
import { annotationsOf } from './annotations.ts';
import { layerLimit } from './layer-limit.ts';
import { checkLicences } from './licences.ts';
import { wantedFiles } from './local-files.ts';
import type { Session } from './session.ts';

/** Everything known about an image before any model byte is read. */
export interface ImagePlan {
  model: CatalogEntry;
  layers: Layer[];
  /** The files of all layers, by path below /models. */
  files: ReadonlyMap<string, WantedFile>;
  bases: Base[];
  description: ImageDescription;
}

/**
 * Plans an image from the lock (a loader's from the installed program): layers, base images, annotations. Fails with
 * code `limit` when a layer is too large, and with `integrity` when a local file's size or remembered hash differs from
 * the lock.
 */
export async function planImage(session: Session, model: CatalogEntry): Promise<ImagePlan> {
  const locked = await session.locked.model(model);
  if (isModel(model)) await checkLicences(model, locked.metadata, session.options.catalog);
  const { layers, files, loader } = planModel(session, model, locked);
  const plans = layers.map(({ plan }) => plan);
  checkLayerSizes(plans, layerLimit(model));
  await session.local.compare([...files.values()]);
  const bases = await Promise.all(model.platforms.map((platform) => session.base(model, platform)));
  checkLayerCount(model, layers.length, bases);
  return { model, layers, files, bases, description: describe(session, model, locked, loader) };
}

/** Fails with code `limit` beyond the 127 layers that container engines mount with overlayfs. */
export function checkLayerCount(
  model: Pick<CatalogEntry, 'name'>,
  own: number,
  bases: readonly Base[],
): void {
  const most = Math.max(...bases.map((base) => base.layers.length));
  if (own + most <= 127) return;
  throw new ModelcarsError(
    'limit',
    `plan ${model.name}: ${own} layers on a base of ${most} are more than the 127 that overlayfs mounts`,
    { next: 'choose a base with fewer layers' },
  );
}

/** Creation time, annotations and process of an image. */
export function describe(
  session: Session,
  model: CatalogEntry,
  locked: LockedModel,
  loader?: { process: typeof loaderProcess },
): ImageDescription {
  const created = new Date(session.epoch * 1000).toISOString().replace('.000Z', 'Z');
  const annotations = annotationsOf(model, locked, created);
  return { created, annotations, ...(loader && { process: loader.process }) };
}

/** The layers of a model's files, without the base image; reads nothing. */
export function planModel(
  session: Session,
  model: CatalogEntry,
  locked: LockedModel,
): Pick<ImagePlan, 'layers' | 'files'> & { loader: ReturnType<typeof checkedLoader> | undefined } {
  const loader = isModel(model) ? undefined : checkedLoader(model);
  const framework = isModel(model) ? session.framework(model) : undefined;
  const wanted = new Map<string, WantedFile>();
  const files = wantedFiles(locked).map((file): ImageFile => {
    const path = framework === undefined ? file.path : targetPath(framework, file);
    wanted.set(path, file);
    const executable = loader !== undefined && path === loaderExecutable;
    return { path, size: file.size, sha256: file.sha256, ...(executable && { executable }) };
  });
  const plans = planLayers(files, loader?.root);
  const open = (file: ImageFile, offset: number, signal?: AbortSignal) => {
    const found = wanted.get(file.path);
    if (found === undefined) throw new ModelcarsError('bug', `open ${file.path}: it is not in the plan`);
    const bytes = session.files.open(file, found, offset, signal);
    return isModel(model) ? session.unsafeFiles.watch(file, offset, bytes) : bytes;
  };
  const layers = plans.map((plan) =>
    layerOf(plan, open, { mtime: session.epoch, compression: model.compression }),
  );
  return { layers, files: wanted, loader };
}

/** Root folder and process of a loader's image. Fails with code `catalog` for the base `embedded`, which lacks Node. */
function checkedLoader(model: Loader): { root: string; process: typeof loaderProcess } {
  if (model.base !== 'embedded') return { root: loaderRoot, process: loaderProcess };
  throw new ModelcarsError('catalog', `plan ${model.name}: the base \`embedded\` has no Node to run it`, {
    next: nodeBase,
  });
}
