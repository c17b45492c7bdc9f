import type { ModelcarsError } from '../errors.ts';
import type { Catalog, Model } from '../model/types.ts';
import type { Refusal } from '../registry/refusal.ts';
import type { Progress } from '../terminal/types.ts';
import type { Check } from '../verify/verify.ts';

/** How to reach registries, beyond what the catalog says. */
export interface RegistryAccess {
  /** Hosts to speak plain http to; loopback hosts need no mention. */
  insecure?: string[];
  /** PEM file of certificate authorities to trust besides the system's. */
  caFile?: string;
}

/** What every pipeline function needs; made once by a command. */
export interface RunOptions {
  catalog: Catalog;
  /** The models to work on: a selection of `catalog.models`, overrides applied. */
  models: Model[];
  /** Whether a missing or stale lock fails the run (the default when CI=true). */
  frozen: boolean;
  /** Say what would be done; write nothing, anywhere. */
  dryRun: boolean;
  /** Models worked on at the same time; default 4. */
  concurrency?: number;
  /** The store's folder; default $MODELCARS_STORE, else ~/.cache/modelcars. */
  store?: string;
  /** Whether model files that come from afar go into the store on their way. */
  keep?: boolean;
  /** Ask no registry for a base: what the store lacks fails with code `registry`. */
  offline?: boolean;
  registry: RegistryAccess;
  signal: AbortSignal;
  progress: Progress;
}

/** What came of one tag of a push, or, planned, what would. */
export interface TagOutcome {
  tag: string;
  /** Whether it points at this image now. */
  current: boolean;
  /** Whether this run set it. */
  moved: boolean;
  /** Why it does or does not. */
  why?: string;
  /** The registry's rule that keeps a floating tag from moving; `other`: it does not say. */
  refused?: Refusal | 'other';
}

/** What came of one model. */
export interface Outcome {
  model: string;
  status: 'done' | 'unchanged' | 'planned' | 'failed';
  /** `mlserver-sklearn:v0.1.0` in a layout, `quay.io/me/mlserver-sklearn` in a registry. */
  name?: string;
  /** Of the image index. */
  digest?: string;
  /** Bytes of all distinct layers of all platforms, as stored. */
  size?: number;
  /** Layers of one platform's image, base included. */
  layers?: number;
  platforms?: string[];
  tags?: TagOutcome[];
  /** Bytes of blobs and manifests newly written to the sink. */
  sent?: number;
  checks?: Check[];
  error?: ModelcarsError;
}
