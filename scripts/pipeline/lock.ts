import { isDeepStrictEqual } from 'node:util';
import { checkOwnLock } from '../catalog/lock-path.ts';
import { findOtherCatalogs } from '../catalog/shared-lock.ts';
import { formatLock, writeLock } from '../catalog/write-lock.ts';
import { ModelcarsError } from '../errors.ts';
import { isModel } from '../model/catalog-entry.ts';
import type { Catalog, Loader, Lock, Model } from '../model/types.ts';
import { isLocal } from '../sources/index.ts';
import type { Task } from '../terminal/types.ts';
import { displayPath } from '../text/paths.ts';
import { forEachModel } from './for-each-model.ts';
import { checkLicences } from './licences.ts';
import { wantedFiles } from './local-files.ts';
import { compareLocks, type LockChanges } from './lock-changes.ts';
import { entryOf, holds, isFixed, pinsOf, resolveBase, resolveEntry } from './lock-entry.ts';
import { lockedDigest, lockLayers, storedDigest } from './lock-layers.ts';
import { librariesOf, libraryWarning } from './lock-libraries.ts';
import { Session } from './session.ts';
import type { Outcome, RunOptions } from './types.ts';
import { checkLoaderBase } from './verify-loader.ts';

/** The effect of `lock` on the lock file; with `dryRun`, the planned effect. */
export type LockChange = 'created' | 'changed' | 'unchanged';

/** The options of `lock`. */
export interface LockOptions extends RunOptions {
  /** Whether models on a hub are read as well, so that every layer's digest is locked. */
  layers?: boolean;
  /** Whether the models move to the newest revision of their sources and bases. */
  upgrade?: boolean;
  /** Whether nothing is written when a model fails. */
  allOrNothing?: boolean;
}

/** The result of `lock`. */
export interface Locking {
  outcomes: Outcome[];
  change: LockChange;
  /** Differences from the previous lock. */
  changes: LockChanges;
  /** The failed models that still have the entry of the previous lock; the others have none. */
  kept: string[];
  /** Whether a lock existed before. */
  lockExists: boolean;
}

/**
 * Brings the catalog's lock up to date. An entry that holds stays as it is, and no request is made for it: only models
 * that the lock lacks, or whose entry no longer fits the catalog or the local files, are resolved; with `upgrade`, all
 * are. Entries of unselected models, and of models that fail, stay; those of models that left the catalog are removed.
 * Writes nothing with `dryRun`, after a cancellation, or when there is nothing to write. A frozen run only checks, and
 * fails with code `lock` when the lock is out of date.
 */
export async function lockModels(options: LockOptions): Promise<Locking> {
  await using session = await Session.open(options);
  if (options.frozen) return await checkOnly(options, session);
  const { catalog } = options;
  await checkOwnLock(catalog);
  const known = new Set(catalog.models.map((model) => model.name));
  const before = Object.entries(session.lock?.models ?? {});
  const leaving = before.map(([name]) => name).filter((name) => !known.has(name));
  const others = await findOtherCatalogs(catalog, leaving);
  const lock: Lock = {
    lockVersion: 1,
    bases: { ...session.lock?.bases },
    models: Object.fromEntries(before.filter(([name]) => known.has(name))),
  };
  const outcomes = await forEachModel(options, (model, task) =>
    isModel(model)
      ? lockModel(session, model, lock, { ...options, task })
      : lockLoader(session, model, lock, options.upgrade === true),
  );
  if (options.models.length === catalog.models.length) dropUnusedBases(lock, catalog);
  if (options.signal.aborted)
    throw new ModelcarsError('cancelled', `lock: stopped; ${displayPath(catalog.lockFile)} is unchanged`);
  const changes = compareLocks(session.lock, lock, others);
  const failed = outcomes.filter(({ status }) => status === 'failed').map(({ model }) => model);
  const kept = options.models.filter((model) => failed.includes(model.name) && hasEntry(session.lock, model));
  const empty = session.lock === undefined && changes.models.length + changes.bases.length === 0;
  const change =
    failed.length > 0 && (empty || options.allOrNothing === true)
      ? 'unchanged'
      : options.dryRun
        ? plannedChange(session.lock, lock)
        : await writeLock(catalog.lockFile, lock);
  return {
    outcomes,
    change,
    changes,
    kept: kept.map(({ name }) => name),
    lockExists: session.lock !== undefined,
  };
}

async function checkOnly(options: LockOptions, session: Session): Promise<Locking> {
  const outcomes = await forEachModel(options, async (model): Promise<Outcome> => {
    if (isModel(model)) await session.local.prove(wantedFiles(await session.locked.model(model)));
    return { model: model.name, status: 'unchanged' };
  });
  // A frozen run without an entry failed before.
  const kept = outcomes.filter(({ status }) => status === 'failed').map(({ model }) => model);
  return { outcomes, change: 'unchanged', changes: { models: [], bases: [] }, kept, lockExists: true };
}

async function lockModel(
  session: Session,
  model: Model,
  lock: Lock,
  {
    upgrade = false,
    layers: readAll = false,
    task,
  }: Pick<LockOptions, 'upgrade' | 'layers'> & { task: Task },
): Promise<Outcome> {
  const { options } = session;
  const before = entryOf(session.lock, model.name);
  const keep = !upgrade && before !== undefined && (await holds(session, model, before));
  const [{ layers: known = [], ...resolved }, pins] = await Promise.all([
    keep ? before : resolveEntry(session, model, upgrade),
    resolveBase(session, model, upgrade),
  ]);
  if (upgrade && isFixed(model, resolved))
    options.progress.log(`${model.name}: \`source\` names commit ${resolved.revision}, which does not move`);
  await checkLicences(model, resolved.metadata, options.catalog);
  // Those of local files follow from the files; others depend on what this machine happens to have read.
  const follow = readAll || !keep || wantedFiles(resolved).every(({ uri }) => isLocal(uri));
  const layers = follow ? await lockLayers(session, model, resolved, { before, readAll, task }) : known;
  const libraries = keep ? resolved.libraries : await librariesOf(session, model, resolved);
  const locked = {
    ...resolved,
    ...(libraries !== undefined && { libraries }),
    ...(layers.length > 0 && { layers }),
  };
  const warning = libraryWarning(session, model, locked);
  if (warning !== undefined) options.progress.warn(warning);
  const samePins = isDeepStrictEqual(pinsOf(session.lock, model), pins);
  const same = samePins && isDeepStrictEqual(before, locked);
  const digestOf = keep ? storedDigest : lockedDigest;
  const digest = await digestOf(session, model, locked, pins);
  // Only now: a model that fails keeps its previous entry and base.
  lock.models[model.name] = locked;
  lock.bases[model.base] = { ...lock.bases[model.base], ...pins };
  return {
    model: model.name,
    status: same ? 'unchanged' : options.dryRun ? 'planned' : 'done',
    size: locked.files.reduce((sum, file) => sum + file.size, 0),
    ...(digest !== undefined && { digest }),
    platforms: model.platforms,
  };
}

/** Locks a loader's base image; its other content is the running program itself. */
async function lockLoader(session: Session, model: Loader, lock: Lock, upgrade: boolean): Promise<Outcome> {
  const before = JSON.stringify(lock.bases[model.base]);
  const pins = await resolveBase(session, model, upgrade);
  await checkLoaderBase(session, model, pins, 'lock');
  const after = { ...lock.bases[model.base], ...pins };
  lock.bases[model.base] = after;
  const same = before === JSON.stringify(after);
  const status = same ? 'unchanged' : session.options.dryRun ? 'planned' : 'done';
  return { model: model.name, status, platforms: model.platforms };
}

function hasEntry(lock: Lock | undefined, model: Catalog['models'][number]): boolean {
  if (isModel(model)) return entryOf(lock, model.name) !== undefined;
  return Object.keys(pinsOf(lock, model)).length > 0;
}

function dropUnusedBases(lock: Lock, catalog: Catalog): void {
  const used = new Set(catalog.models.map((model) => model.base));
  lock.bases = Object.fromEntries(Object.entries(lock.bases).filter(([name]) => used.has(name)));
}

function plannedChange(before: Lock | undefined, after: Lock): LockChange {
  if (before === undefined) return 'created';
  return formatLock(before) === formatLock(after) ? 'unchanged' : 'changed';
}
