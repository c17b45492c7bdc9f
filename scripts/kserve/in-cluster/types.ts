import type { Descriptor, ImageStore } from '../../image/types.ts';
import type { Framework, Model, SentTest } from '../../model/types.ts';
import type { Amount } from '../cluster/capacity.ts';
import type { ClusterFacts } from '../cluster/facts.ts';
import type { PlannedCase } from '../smoke/cases.ts';
import type { ClusterSettings, SmokeResult } from '../types.ts';

export interface OpenClusterOptions extends ClusterSettings {
  /** Folder for the records of clusters, kept between runs. */
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
  smoke: SentTest;
  planned: PlannedCase;
  image: { root: Descriptor; pushed?: string };
  timeout: number;
  note(text: string): void;
}

/** A cluster ready for cases. Disposing of it deletes everything created for them. */
export interface SmokeCluster extends AsyncDisposable {
  /** Created by modelcars, which may therefore change its configuration. */
  own: boolean;
  facts: ClusterFacts;
  namespace: string;
  /** Applies the runtimes that are missing. Returns the largest request of their servers. */
  prepareRuntimes(names: readonly string[]): Promise<Amount>;
  setModelcarUser(user: number | undefined): Promise<void>;
  /** How many servers with this request fit at once. */
  room(need: Amount): Promise<number>;
  smoke(options: CaseOptions): Promise<SmokeResult>;
}
