import { isDeepStrictEqual } from 'node:util';
import { chooseFiles } from '../catalog/choose-files.ts';
import { lockProblems } from '../catalog/lock-check.ts';
import { resolveModel } from '../catalog/resolve.ts';
import { ModelcarsError } from '../errors.ts';
import { layerPredictor } from '../image/predict-layer.ts';
import type { CatalogEntry, Lock, LockedBase, LockedModel, Model } from '../model/types.ts';
import { isLocal, kindOf } from '../sources/index.ts';
import type { FileTap } from '../sources/types.ts';
import { wantedFiles } from './local-files.ts';
import { logFindings } from './lock-policy.ts';
import type { Session } from './session.ts';

/** A model's entry in the lock. */
export function entryOf(lock: Lock | undefined, model: string): LockedModel | undefined {
  return lock !== undefined && Object.hasOwn(lock.models, model) ? lock.models[model] : undefined;
}

/** The locked digests of a model's base, of the model's platforms only. */
export function pinsOf(lock: Lock | undefined, { base, platforms }: CatalogEntry): LockedBase {
  const pins = lock !== undefined && Object.hasOwn(lock.bases, base) ? lock.bases[base] : undefined;
  return Object.fromEntries(Object.entries(pins ?? {}).filter(([platform]) => platforms.includes(platform)));
}

/** Whether an entry fits its model in the catalog. Reads no source. */
export function fitsCatalog({ lock, frameworks }: Session, model: Model): boolean {
  return lockProblems([model], lock, frameworks).every((problem) => problem.startsWith('base '));
}

/**
 * Whether `lock` keeps an entry: it fits the catalog, local files have the locked content, and none was added. Makes no
 * request: remote content is pinned by SHA-256.
 */
export async function holds(session: Session, model: Model, locked: LockedModel): Promise<boolean> {
  if (!fitsCatalog(session, model)) return false;
  try {
    await session.local.prove(wantedFiles(locked));
    return !isLocal(model.source) || (await hasSamePaths(session, model, locked));
  } catch (error) {
    if (error instanceof ModelcarsError && error.code !== 'cancelled') return false;
    throw error;
  }
}

async function hasSamePaths(session: Session, model: Model, locked: LockedModel): Promise<boolean> {
  const { take } = await chooseFiles(
    model,
    session.framework(model),
    session.sources,
    session.options.signal,
  );
  const before = locked.files.filter(({ source }) => source === undefined).map(({ path }) => path);
  return isDeepStrictEqual(take.toSorted(), before.toSorted());
}

/** Whether the source itself names the locked revision, so that no upgrade moves it. */
export function isFixed({ source }: Model, { revision }: LockedModel): boolean {
  return kindOf(source)?.at?.(source, revision) === source;
}

/**
 * Resolves a model's sources. An entry that no longer fits the catalog keeps its revision where the source has
 * revisions: another `exclude` chooses other files of the same commit. Without an entry, of a new `source` and with
 * `upgrade`, the newest revision counts.
 */
export async function resolveEntry(session: Session, model: Model, upgrade: boolean): Promise<LockedModel> {
  const { sources, options } = session;
  const before = entryOf(session.lock, model.name);
  const stays = !upgrade && before?.source === model.source;
  const source = (stays && kindOf(model.source)?.at?.(model.source, before.revision)) || model.source;
  const { leftOut, unknown, warnings, rename, ...resolved } = await resolveModel(
    { ...model, source },
    session.framework(model),
    sources,
    options.signal,
    tapFor(session, model),
    upgrade ? {} : pinsOfFiles(model, before),
  );
  logFindings(options.progress, model, { leftOut, unknown, warnings, rename });
  return { ...resolved, source: model.source };
}

/** The locked revisions of files in `files:` whose URI is still the same, by path. */
function pinsOfFiles({ files }: Model, locked: LockedModel | undefined): Record<string, string> {
  const pinned = (locked?.files ?? []).flatMap(({ path, source, revision }) =>
    source !== undefined && revision !== undefined && files[path] === source ? [[path, revision]] : [],
  );
  return Object.fromEntries(pinned);
}

/** Records the layers of large files while the files are hashed, so that the first push knows their digests. */
function tapFor(session: Session, model: Model): FileTap | undefined {
  if (model.compression !== 'none' || session.options.dryRun) return undefined;
  return ({ path, size }) => {
    const predictor = layerPredictor(path, size, session.epoch);
    if (predictor === undefined) return undefined;
    return {
      update: predictor.update,
      async end(sha256) {
        const { key, ...layer } = predictor.end(sha256);
        await session.store.rememberLayer(key, layer);
      },
    };
  };
}

/** Pins a model's base: its unlocked platforms or, with `upgrade`, all of the model's platforms. */
export async function resolveBase(
  session: Session,
  model: CatalogEntry,
  upgrade: boolean,
): Promise<LockedBase> {
  const pins = pinsOf(session.lock, model);
  const wanted = model.platforms.filter((platform) => upgrade || !Object.hasOwn(pins, platform));
  return wanted.length === 0 ? pins : { ...pins, ...(await session.bases.resolve(model.base, wanted)) };
}
