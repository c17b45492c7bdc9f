import type { Catalog, Lock, Overrides } from '../../model/types.ts';
import type { RegistryAccess } from '../types.ts';

/** What is checked. */
export type CheckName =
  | 'modelcars'
  | 'node'
  | 'catalog'
  | 'lock'
  | 'hub'
  | 'hub-model'
  | 'registry'
  | 'store'
  | 'output'
  | 'python'
  | 'container-engine'
  | 'cluster';

/** The result of one check. */
export interface CheckResult {
  check: CheckName;
  /** What it is about when a check has several results: a registry, a model. */
  subject?: string;
  /**
   * `fail`: does not work although it is configured or always needed; `warn`: missing, and only some commands need it.
   */
  status: 'ok' | 'warn' | 'fail';
  /** What was found, for people; one line. */
  message: string;
  /** The next step, for people. */
  next?: string;
}

/** What to look at. */
export interface DoctorOptions {
  /** Path of models.yaml. */
  file: string;
  overrides: Overrides;
  /** The layout that `build` writes. */
  output: string;
  /** $MODELCARS_STORE by default. */
  store?: string;
  registry: RegistryAccess;
  kubeconfig?: string;
  context?: string;
  /** Send no request to a hub, registry or cluster. */
  offline: boolean;
  /** This program's version, and that of Node. */
  versions: { modelcars: string; node: string };
  env: NodeJS.ProcessEnv;
  /** Milliseconds per check. */
  patience: number;
  signal: AbortSignal;
}

/** The catalog and what belongs to it; without a readable models.yaml, nothing. */
export interface Found {
  catalog?: Catalog;
  lock?: Lock | undefined;
}

/** One check, with its own signal. Whatever it throws becomes a `fail`. */
export type Check = (options: DoctorOptions & { signal: AbortSignal }) => Promise<CheckResult[]>;
