import { checkOwnLock } from '../catalog/lock-path.ts';
import { formatLock, writeLock } from '../catalog/lockfile.ts';
import { resolveModel } from '../catalog/resolve.ts';
import { ModelcarsError } from '../errors.ts';
import { layerPredictor } from '../image/predict-layer.ts';
import { isModel } from '../model/catalog-entry.ts';
import type { Loader, Lock, Model } from '../model/types.ts';
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

/** The effect of `lock` on the lock file; with `dryRun`, the planned effect. */
export type LockChange = 'created' | 'changed' | 'unchanged';

/** The result of `lock`. */
export interface Locking {
  outcomes: Outcome[];
  change: LockChange;
  /** Differences from the previous lock; not written when a model failed. */
  changes: LockChanges;
}

/**
 * Resolves the models' sources and base images and writes the catalog's lock. Unselected models, and base images that
 * other models use, keep their entries; entries of models that left the catalog are removed. Writes nothing when a
 * model fails, or with `dryRun`. A frozen run only checks, and fails with code `lock` when the lock is out of date.
 * With `layers`, models on a hub are read as well, so that every layer's digest is locked.
 */
export async function lockModels(options: RunOptions & { layers?: boolean }): Promise<Locking> {
  await using session = await Session.open(options);
  if (options.frozen) {
    const outcomes = await forEachModel(options, async (model): Promise<Outcome> => {
      if (isModel(model)) await session.local.prove(wantedFiles(await session.locked.model(model)));
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
    if (!isModel(model)) return lockLoader(session, model, lock);
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
    throw new ModelcarsError('cancelled', `lock: stopped; ${displayPath(catalog.lockFile)} is unchanged`);
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

/** Records the layers of large files while the files are hashed, so that the first push knows their digests. */
function tapFor(session: Session, model: Model): FileTap | undefined {
  if (model.compression !== 'none' || session.options.dryRun) return undefined;
  const { place } = session.framework(model);
  return ({ path, size }) => {
    const predictor = layerPredictor(place?.(path) ?? path, size, session.epoch);
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

/** Locks a loader's base image; its other content is the running program itself. */
async function lockLoader(session: Session, model: Loader, lock: Lock): Promise<Outcome> {
  const before = JSON.stringify(lock.bases[model.base]);
  const pins = await session.bases.resolve(model.base, model.platforms);
  await checkLoaderBase(session, model, pins, 'lock');
  const after = { ...lock.bases[model.base], ...pins };
  lock.bases[model.base] = after;
  const same = before === JSON.stringify(after);
  const status = same ? 'unchanged' : session.options.dryRun ? 'planned' : 'done';
  return { model: model.name, status, platforms: model.platforms };
}
