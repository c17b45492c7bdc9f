/**
 * The package's main entry: the commands as functions, for programs. Every function takes a catalog from `loadCatalog`
 * and returns one result per model; a model that fails is a result with `error`, not an exception. What stops the run
 * as a whole (a wrong catalog, a lock that is out of date in a frozen run) is thrown as a `ModelcarsError`.
 */

import { loadCatalog as load } from './catalog/load.ts';
import { selectModels } from './catalog/select.ts';
import type { SmokeResult } from './kserve/types.ts';
import type { Catalog, Overrides } from './model/types.ts';
import { buildModels as build } from './pipeline/build.ts';
import { type Locking, type LockOptions, lockModels as lock } from './pipeline/lock.ts';
import { type PushOptions, pushModels as push } from './pipeline/push.ts';
import { type SignOptions, signModels as sign } from './pipeline/sign.ts';
import { smokeModels as smoke } from './pipeline/smoke.ts';
import { type SmokeOptions, smokeDefaults } from './pipeline/smoke-options.ts';
import type { ImageLocation, Outcome, RunOptions } from './pipeline/types.ts';
import { verifyModels as verify } from './pipeline/verify.ts';
import { isCI, silent } from './terminal/progress.ts';
import type { Progress } from './terminal/types.ts';

export { type ErrorCode, ModelcarsError } from './errors.ts';
export type { Diagnosis, SmokeResult } from './kserve/types.ts';
export type { Catalog, CatalogEntry, Loader, Model, Overrides, Serving } from './model/types.ts';
export type { Locking } from './pipeline/lock.ts';
export type { ImageLocation, Outcome, TagOutcome } from './pipeline/types.ts';
export type { Progress, Task, TaskPart } from './terminal/types.ts';
export type { SigningOptions } from './trust/signing/options.ts';
export type { Check } from './verify/check.ts';

/** The options of every function; only the catalog is required. */
export interface LibraryOptions extends Partial<Omit<RunOptions, 'catalog' | 'models'>> {
  /** From `loadCatalog`. */
  catalog: Catalog;
  /** Names of the models to work on; all by default. */
  models?: string[];
}

/** Where the smoke test runs and what it covers; every setting has the default of `modelcars smoke`. */
export type SmokeSettings = Partial<SmokeOptions['wishes']>;

/**
 * Reads and checks a models.yaml; `overrides` take precedence over it. Throws a ModelcarsError with code `catalog` and
 * all mistakes, one line `file:line:column: …` each.
 */
export function loadCatalog(file: string, overrides: Overrides = {}): Promise<Catalog> {
  return load(file, overrides);
}

/** Brings the catalog's lock up to date, as `modelcars lock`; with `upgrade`, moves models to their newest revision. */
export function lockModels(
  options: LibraryOptions & Pick<LockOptions, 'layers' | 'upgrade'>,
): Promise<Locking> {
  const { layers = false, upgrade = false, frozen = false } = options;
  return lock({ ...complete(options), frozen, layers, upgrade });
}

/** Builds images into the OCI image layout `output` (a folder, or a path that ends in `.tar`), as `modelcars build`. */
export function buildModels(
  options: LibraryOptions & { output: string; verify?: boolean },
): Promise<Outcome[]> {
  return build({ ...complete(options), output: options.output, verify: options.verify === true });
}

/** Pushes images and their tags to the catalog's registry, as `modelcars push`; with `signing`, signs them first. */
export function pushModels(
  options: LibraryOptions & Pick<PushOptions, 'createRepository' | 'signing' | 'attest'>,
): Promise<Outcome[]> {
  const { signing, attest = false, createRepository = false } = options;
  return push({ ...complete(options), createRepository, attest, ...(signing && { signing }) });
}

/** Verifies pushed images and signs them, as `modelcars sign`. */
export function signModels(
  options: LibraryOptions & Pick<SignOptions, 'signing'> & Partial<Pick<SignOptions, 'attest'>>,
): Promise<Outcome[]> {
  return sign({ ...complete(options), signing: options.signing, attest: options.attest ?? false });
}

/** Checks built or pushed images against the image contract and the lock, as `modelcars verify`. */
export function verifyImages(options: LibraryOptions & { from: ImageLocation }): Promise<Outcome[]> {
  return verify({ ...complete(options), from: options.from });
}

/** Serves images with KServe and compares a real prediction of each, as `modelcars smoke`. */
export function smokeModels(
  options: LibraryOptions & { from: ImageLocation; settings?: SmokeSettings },
): Promise<SmokeResult[]> {
  const { from, settings } = options;
  return smoke({ ...complete(options), from, wishes: { ...smokeDefaults, ...settings } });
}

function complete(options: LibraryOptions): RunOptions {
  return {
    ...options,
    models: selectModels(options.catalog, options.models ?? [], []),
    frozen: options.frozen ?? isCI(),
    dryRun: options.dryRun ?? false,
    registry: options.registry ?? {},
    signal: options.signal ?? new AbortController().signal,
    progress: options.progress ?? quiet,
  };
}

const quiet: Progress = { task: () => silent, log() {}, warn() {}, stop() {} };
