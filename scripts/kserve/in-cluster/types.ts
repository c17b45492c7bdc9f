import type { Descriptor, ImageStore } from '../../image/types.ts';
import type { Framework, Model } from '../../model/types.ts';
import type { Amount } from '../cluster/capacity.ts';
import type { ClusterFacts } from '../cluster/facts.ts';
import type { PlannedCase } from '../smoke/cases.ts';
import type { SmokeResult } from '../types.ts';

/** Which cluster, and how it is to serve; as the command line says it. */
export interface ClusterSettings {
  context?: string;
  kubeconfig?: string;
  namespace?: string;
  kind: string;
  nodeImage?: string;
  kindConfig?: string;
  apiPort?: number;
  clusterName: string;
  keepCluster: boolean;
  kserveVersion?: string;
  kserveManifests: string[];
  loadImages: string[];
  cacheImages: boolean;
  withRuntime: boolean;
  serverImage?: string;
  pullSecrets: string[];
}

export interface OpenClusterOptions extends ClusterSettings {
  /** Folder for what is remembered from run to run. */
  folder: string;
  images: { name: string; store: ImageStore; root: Descriptor; pushed?: string }[];
  signal: AbortSignal;
  say(line: string): void;
  log(line: string): void;
  warn(line: string): void;
}

/** One case for a cluster. */
export interface CaseOptions {
  model: Model;
  framework: Framework;
  planned: PlannedCase;
  image: { root: Descriptor; pushed?: string };
  timeout: number;
  note(text: string): void;
}

/** A cluster ready for cases. Disposing of it takes away all that was made for them. */
export interface SmokeCluster extends AsyncDisposable {
  /** Made by us, and so ours to change. */
  own: boolean;
  facts: ClusterFacts;
  /** Brings the runtimes along that are wanted and lacking; what a server asks for at most. */
  prepareRuntimes(names: readonly string[]): Promise<Amount>;
  setModelcarUser(user: number | undefined): Promise<void>;
  /** How many servers have room at once. */
  room(need: Amount): Promise<number>;
  smoke(options: CaseOptions): Promise<SmokeResult>;
}
