import { ModelcarsError } from '../errors.ts';
import { isModel } from '../model/catalog-entry.ts';
import type { CatalogEntry, Lock, LockedModel, Model } from '../model/types.ts';
import { isLocal, kindOf, openSource } from '../sources/index.ts';
import { forEachModel } from './for-each-model.ts';
import { type BaseChange, compareLocks, type FileChange, type ModelChange } from './lock-changes.ts';
import { entryOf, holds, isFixed, pinsOf, resolveEntry } from './lock-entry.ts';
import { Session } from './session.ts';
import type { RunOptions } from './types.ts';

/** A model's locked revision and files, compared with the newest of its source and base. */
export interface Comparison {
  model: string;
  status: 'up to date' | 'outdated' | 'not locked' | 'failed';
  /** Revisions; absent for a loader, which has only a base. */
  locked?: string;
  newest?: string;
  /** Whether models.yaml names the commit, so that only a change of models.yaml moves the model. */
  fixed?: true;
  /** Files that differ, sorted by path. */
  files: FileChange[];
  /** Other fields of the lock's entry that differ. */
  fields: string[];
  /** Bytes of the files that `lock --upgrade` adds or changes. */
  size: number;
  bases: BaseChange[];
  error?: ModelcarsError;
}

/**
 * Compares the models' entries in the lock with the newest revision of their sources and bases. Writes nothing, and
 * reads files only where the source does not state their SHA-256. A model that fails stops no other one.
 */
export async function compareWithNewest(options: RunOptions): Promise<Comparison[]> {
  const running = { ...options, frozen: false, dryRun: true };
  await using session = await Session.open(running);
  const compared = new Map<string, Comparison>();
  const outcomes = await forEachModel(running, async (model) => {
    const comparison = await compare(session, model);
    compared.set(model.name, comparison);
    return { model: model.name, status: comparison.status === 'outdated' ? 'planned' : 'unchanged' };
  });
  if (options.signal.aborted) throw new ModelcarsError('cancelled', 'outdated: stopped');
  return outcomes.map(({ model, error }) => {
    const locked = entryOf(session.lock, model)?.revision;
    const failed: Comparison = { ...nothing(model, 'failed'), ...(locked !== undefined && { locked }) };
    return compared.get(model) ?? { ...failed, ...(error && { error }) };
  });
}

async function compare(session: Session, model: CatalogEntry): Promise<Comparison> {
  const pins = pinsOf(session.lock, model);
  const entry = entryOf(session.lock, model.name);
  if (isModel(model) ? entry === undefined : Object.keys(pins).length === 0)
    return nothing(model.name, 'not locked');
  const [newest, newestPins] = await Promise.all([
    isModel(model) && entry !== undefined ? newestEntry(session, model, entry) : undefined,
    session.bases.current(model.base, model.platforms),
  ]);
  const { models, bases } = compareLocks(lockOf(model, entry, pins), lockOf(model, newest, newestPins));
  const [change] = models;
  return {
    model: model.name,
    status: change === undefined && bases.length === 0 ? 'up to date' : 'outdated',
    ...(entry && newest && { locked: entry.revision, newest: newest.revision }),
    ...(isModel(model) && newest && isFixed(model, newest) && { fixed: true }),
    files: change?.files ?? [],
    fields: change?.fields ?? [],
    size: change === undefined ? 0 : sizeOf(change),
    bases,
  };
}

/** The entry that `lock --upgrade` would write, without its layers. */
async function newestEntry(session: Session, model: Model, entry: LockedModel): Promise<LockedModel> {
  return (await isNewest(session, model, entry)) ? entry : await resolveEntry(session, model, true);
}

/** Whether an entry is the newest, as far as its revision alone shows: the same commit has the same files. */
async function isNewest(session: Session, model: Model, entry: LockedModel): Promise<boolean> {
  const { sources, options } = session;
  const kind = kindOf(model.source);
  const remote = entry.files.some(({ source }) => source !== undefined && !isLocal(source));
  if (kind?.at === undefined || remote || !(await holds(session, model, entry))) return false;
  if (isFixed(model, entry)) return true;
  const source = openSource(model.source, sources);
  const revision =
    (await source.revision?.(model.source, options.signal)) ??
    (await source.resolve(model.source, () => false, options.signal)).revision;
  return revision === entry.revision;
}

function lockOf(model: CatalogEntry, entry: LockedModel | undefined, pins: Record<string, string>): Lock {
  // Layers follow from the files, and are known to the machine that read them.
  const { layers: _, ...files } = entry ?? {};
  return {
    lockVersion: 1,
    bases: { [model.base]: pins },
    models: entry === undefined ? {} : { [model.name]: files as LockedModel },
  };
}

function sizeOf({ files }: ModelChange): number {
  return files.reduce((sum, { from, to }) => sum + (to && to.sha256 !== from?.sha256 ? to.size : 0), 0);
}

function nothing(model: string, status: Comparison['status']): Comparison {
  return { model, status, files: [], fields: [], size: 0, bases: [] };
}
