import { checkOwnLock } from '../catalog/lock-path.ts';
import { formatLock, writeLock } from '../catalog/lockfile.ts';
import { resolveModel } from '../catalog/resolve.ts';
import { ModelcarsError } from '../errors.ts';
import { layerPredictor } from '../image/predict-layer.ts';
import type { Lock, Model } from '../model/types.ts';
import type { FileTap } from '../sources/types.ts';
import { displayPath } from '../text/paths.ts';
import { forEachModel } from './for-each-model.ts';
import { checkLicences } from './licences.ts';
import { wantedFiles } from './local-files.ts';
import { compareLocks, type LockChanges } from './lock-changes.ts';
import { lockedDigest, lockLayers } from './lock-layers.ts';
import { leftOutLine } from './lock-policy.ts';
import { Session } from './session.ts';
import type { Outcome, RunOptions } from './types.ts';
import { checkLoaderBase } from './verify-loader.ts';

/** What `lock` did to the catalog's lock; with `dryRun` what it would do. */
export type LockChange = 'created' | 'changed' | 'unchanged';

/** What came of `lock`. */
export interface Locking {
  outcomes: Outcome[];
  change: LockChange;
  /** What is otherwise now than the lock says; not written when a model failed. */
  changes: LockChanges;
}

/**
 * Resolves the models' sources and bases as they are now and writes the catalog's lock. Models that were not asked for, and other bases
 * that models still use, keep their entries; entries of models that left the catalog go. Nothing is written when any
 * model fails, or with `dryRun`; a frozen run only checks, and fails with code `lock` when the lock is out of date. With `layers`,
 * models on a hub are read too, so that the digest of every layer is locked.
 */
export async function lockModels(options: RunOptions & { layers?: boolean }): Promise<Locking> {
  await using session = await Session.open(options);
  if (options.frozen) {
    const outcomes = await forEachModel(options, async (model): Promise<Outcome> => {
      if (model.image !== 'loader') await session.local.prove(wantedFiles(await session.locked.model(model)));
      return { model: model.name, status: 'unchanged' };
    });
    return { outcomes, change: 'unchanged', changes: { models: [], bases: [] } };
  }
  const { catalog, models } = options;
  await checkOwnLock(catalog);
  const known = new Set(catalog.models.map((model) => model.name));
  const lock: Lock = {
    lockVersion: 1,
    bases: { ...session.lock?.bases },
    models: Object.fromEntries(
      Object.entries(session.lock?.models ?? {}).filter(([name]) => known.has(name)),
    ),
  };
  const outcomes = await forEachModel(options, async (model, task): Promise<Outcome> => {
    if (model.image === 'loader') return lockLoader(session, model, lock);
    const [{ leftOut, ...resolved }, pins] = await Promise.all([
      resolveModel(
        model,
        session.framework(model),
        session.sources,
        session.options.signal,
        tapFor(session, model),
      ),
      session.bases.resolve(model.base, model.platforms),
    ]);
    if (leftOut) options.progress.log(leftOutLine(model, leftOut));
    checkLicences(model, resolved.metadata);
    const before = session.lock?.models[model.name];
    const layers = await lockLayers(session, model, resolved, {
      before,
      readAll: options.layers === true,
      task,
    });
    const locked = { ...resolved, ...(layers.length > 0 && { layers }) };
    lock.models[model.name] = locked;
    lock.bases[model.base] = { ...lock.bases[model.base], ...pins };
    const digest = await lockedDigest(session, model, locked, pins);
    const size = locked.files.reduce((sum, file) => sum + file.size, 0);
    const same = JSON.stringify(before) === JSON.stringify(locked);
    return {
      model: model.name,
      status: same ? 'unchanged' : options.dryRun ? 'planned' : 'done',
      size,
      ...(digest !== undefined && { digest }),
      platforms: model.platforms,
    };
  });
  if (models.length === catalog.models.length) {
    const used = new Set(catalog.models.map((model) => model.base));
    lock.bases = Object.fromEntries(Object.entries(lock.bases).filter(([name]) => used.has(name)));
  }
  if (options.signal.aborted)
    throw new ModelcarsError('cancelled', `lock: stopped; ${displayPath(catalog.lockFile)} is as it was`);
  const changes = compareLocks(session.lock, lock);
  if (outcomes.some((outcome) => outcome.status === 'failed'))
    return { outcomes, change: 'unchanged', changes };
  if (options.dryRun) return { outcomes, change: plannedChange(session.lock, lock), changes };
  return { outcomes, change: await writeLock(catalog.lockFile, lock), changes };
}

function plannedChange(before: Lock | undefined, after: Lock): LockChange {
  if (before === undefined) return 'created';
  return formatLock(before) === formatLock(after) ? 'unchanged' : 'changed';
}

/** Remembers the layers of large files while these are hashed, so that the first push knows them beforehand. */
function tapFor(session: Session, model: Model): FileTap | undefined {
  if (model.compression !== 'none' || session.options.dryRun) return undefined;
  const { place } = session.framework(model);
  return ({ path, size }) => {
    const solo = layerPredictor(place?.(path) ?? path, size, session.epoch);
    if (solo === undefined) return undefined;
    return {
      update: solo.update,
      async end(sha256) {
        const { key, ...layer } = solo.end(sha256);
        await session.store.rememberLayer(key, layer);
      },
    };
  };
}

/** Only a loader's base is locked: the rest of it is the program that runs. */
async function lockLoader(session: Session, model: Model, lock: Lock): Promise<Outcome> {
  const before = JSON.stringify(lock.bases[model.base]);
  const pins = await session.bases.resolve(model.base, model.platforms);
  await checkLoaderBase(session, model, pins, 'lock');
  const after = { ...lock.bases[model.base], ...pins };
  lock.bases[model.base] = after;
  const same = before === JSON.stringify(after);
  const status = same ? 'unchanged' : session.options.dryRun ? 'planned' : 'done';
  return { model: model.name, status, platforms: model.platforms };
}
