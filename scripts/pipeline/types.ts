import type { ModelcarsError } from '../errors.ts';
import type { Trust } from '../model/trust.ts';
import type { Catalog, CatalogEntry } from '../model/types.ts';
import type { Refusal } from '../registry/refusal.ts';
import type { Progress } from '../terminal/types.ts';
import type { UnsafeFilesMode } from '../trust/unsafe-files/mode.ts';
import type {
  FailOn,
  ScannerName,
  ScanOptions,
  Severity,
  Vulnerability,
} from '../trust/vulnerabilities/types.ts';
import type { Check } from '../verify/check.ts';

/** How to reach registries, in addition to the catalog. */
export interface RegistryAccess {
  /** Hosts reached by plain http; loopback hosts always are. */
  insecure?: string[];
  /** PEM file of certificate authorities to trust in addition to the system's. */
  caFile?: string;
}

/** The options of every pipeline function; a command creates them once. */
export interface RunOptions {
  catalog: Catalog;
  /** The models to work on: a selection of `catalog.models`, overrides applied. */
  models: CatalogEntry[];
  /** Whether a missing or stale lock fails the run (the default when CI=true). */
  frozen: boolean;
  /** Report the planned actions; write nothing, anywhere. */
  dryRun: boolean;
  /** Models worked on at the same time; default 4. */
  concurrency?: number;
  /** The store's folder; $MODELCARS_STORE by default, falling back to ~/.cache/modelcars. */
  store?: string;
  /** Whether model files from the network are also written to the store. */
  keep?: boolean;
  /** Ask no registry for a base image: one that the store lacks fails with code `registry`. */
  offline?: boolean;
  /** Whose signature images of registries must have, for `manifest` and `smoke`. */
  signedBy?: Trust;
  /** Scan base images and loaders for vulnerabilities before anything is built or pushed. */
  scan?: ScanOptions;
  /** What happens to files that can run code; by default `warn` for local ones and `refuse` for all others. */
  unsafeFiles?: UnsafeFilesMode;
  registry: RegistryAccess;
  signal: AbortSignal;
  progress: Progress;
}

/** The result of one tag of a push; for a planned push, the expected one. */
export interface TagOutcome {
  tag: string;
  /** Whether it points at this image now. */
  current: boolean;
  /** Whether this run set it. */
  moved: boolean;
  /** Why it moved or stayed. */
  why?: string;
  /** The registry's rule that keeps a floating tag from moving; `other` when the registry gives no reason. */
  refused?: Refusal | 'other';
}

/** What a scanner found in one image. */
export interface ImageScan {
  /** A base as written in the catalog, or the name of a loader. */
  image: string;
  /** Manifest digest. */
  digest: string;
  platform: string;
  /** Vulnerabilities by severity. */
  counts: Partial<Record<Severity, number>>;
  /** Those that block, worst first; at most 1000. */
  vulnerabilities: Vulnerability[];
}

/** The scans of one model's images. */
export interface ScanOutcome {
  /** `database`: when it was built, in RFC 3339. */
  scanner: { name: ScannerName; version: string; database: string };
  failOn: FailOn;
  images: ImageScan[];
}

/** A version in a model registry; of a dry run, with the ids of what exists. */
export interface RegisteredOutcome {
  version: string;
  /** The registered one, `oci://quay.io/me/iris@sha256:…`: of the same digest, possibly in another repository. */
  uri: string;
  modelId?: string;
  versionId?: string;
  artifactId?: string;
}

/** The result for one model. */
export interface Outcome {
  model: string;
  status: 'done' | 'unchanged' | 'planned' | 'failed';
  /** `mlserver-sklearn:v0.1.0` in a layout, `quay.io/me/mlserver-sklearn` in a registry. */
  name?: string;
  /** Digest of the image index. */
  digest?: string;
  /** Bytes of all distinct layers of all platforms, as stored. */
  size?: number;
  /** Layers of one platform's image, base included. */
  layers?: number;
  platforms?: string[];
  tags?: TagOutcome[];
  /** Whether this run created the repository; for a planned push, whether it would. */
  createdRepository?: boolean;
  /** Bytes of blobs and manifests newly written to the sink. */
  sent?: number;
  /** Signatures of the index and of every platform's manifest, in two layouts each. */
  signatures?: { made: number; existing: number };
  /** Signed statements about the index: provenance and bill of materials. */
  attestations?: { made: number; existing: number };
  checks?: Check[];
  /** With a scan. */
  scan?: ScanOutcome;
  /** Of a promotion or a rebase: the image that it was made from, `quay.io/dev/iris@sha256:…`. */
  from?: string;
  /** Of a rebase: its base now, as written in the catalog or on the command line. */
  base?: string;
  /** Of a promotion: signatures and attestations of the image and its platforms, in both layouts. */
  referrers?: number;
  /** Of `register`. */
  registered?: RegisteredOutcome;
  error?: ModelcarsError;
}

/** The location of images: an OCI image layout (a folder or a tar), or each model's registry. */
export type ImageLocation = { layout: string } | { registry: true };
