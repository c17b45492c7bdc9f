import { lockProblems } from '../catalog/lock-check.ts';
import { ModelcarsError } from '../errors.ts';
import { frameworkName, isModel, sourceName } from '../model/catalog-entry.ts';
import type { CatalogEntry, LockedModel, Model } from '../model/types.ts';
import { displayPath } from '../text/paths.ts';
import { licencesOf } from './licences.ts';
import { wantedFiles } from './local-files.ts';
import { storedDigest } from './lock-layers.ts';
import { libraryWarning } from './lock-libraries.ts';
import { Session } from './session.ts';
import type { RunOptions } from './types.ts';

/** A model's state in the lock. */
export interface LockState {
  state: 'locked' | 'stale' | 'missing';
  /** Why it is not `locked`. */
  reasons: string[];
  revision?: string;
  files?: number;
  /** Bytes of all files. */
  size?: number;
  /** The licence of the image, an SPDX expression: the catalog's, or that of the locked model card. */
  licenses?: string;
  /**
   * Digest of the image index that a build or push makes; absent when the lock lacks a layer or the store lacks the
   * base.
   */
  digest?: string;
  /** Versions of the libraries that made the model. */
  libraries?: Record<string, string>;
  /** Why it may not load in its runtime's image, for people. */
  warning?: string;
}

/**
 * An entry of the catalog and its state. A loader has the fields of a model too, with names in place of framework and
 * source.
 */
export type ListedModel = Omit<Model, 'image'> & { image?: 'loader'; lock: LockState };

/**
 * Compares the models and their local files with the lock; reads the local files whose hash this machine does not
 * remember. Makes no request to a hub or registry.
 */
export async function listModels(options: RunOptions): Promise<ListedModel[]> {
  await using session = await Session.open({ ...options, frozen: false, offline: true });
  return await Promise.all(
    options.models.map(async (model) => ({ ...withAllFields(model), lock: await lockState(session, model) })),
  );
}

function withAllFields(entry: CatalogEntry): Omit<ListedModel, 'lock'> {
  if (isModel(entry)) return entry;
  const none = { files: {}, include: [], exclude: [] };
  return { ...entry, ...none, framework: frameworkName(entry), source: sourceName(entry) };
}

async function lockState(session: Session, model: CatalogEntry): Promise<LockState> {
  const { lock } = session;
  const lockFile = displayPath(session.options.catalog.lockFile);
  const reasons = lockProblems([model], lock, session.frameworks, undefined, lockFile);
  // The lock has only a loader's base image.
  if (!isModel(model)) return { state: reasons.length === 0 ? 'locked' : 'missing', reasons };
  const locked = lock && Object.hasOwn(lock.models, model.name) ? lock.models[model.name] : undefined;
  if (locked === undefined) return { state: 'missing', reasons };
  const change = reasons.length === 0 ? await changeOf(session, locked) : undefined;
  if (change !== undefined) reasons.push(`model ${model.name}: ${change}`);
  const digest =
    reasons.length === 0
      ? await storedDigest(session, model, locked, lock?.bases[model.base] ?? {})
      : undefined;
  const warning = libraryWarning(session, model, locked);
  const licenses = licencesOf(model, locked.metadata);
  return {
    state: reasons.length === 0 ? 'locked' : 'stale',
    reasons,
    revision: locked.revision,
    files: locked.files.length,
    size: locked.files.reduce((sum, { size }) => sum + size, 0),
    ...(licenses !== undefined && { licenses }),
    ...(digest !== undefined && { digest }),
    ...(locked.libraries !== undefined && { libraries: locked.libraries }),
    ...(warning !== undefined && { warning }),
  };
}

/** How a local file differs from the lock. */
async function changeOf(session: Session, locked: LockedModel): Promise<string | undefined> {
  try {
    await session.local.prove(wantedFiles(locked));
    return undefined;
  } catch (error) {
    if (error instanceof ModelcarsError && error.code !== 'cancelled') return error.message;
    throw error;
  }
}
