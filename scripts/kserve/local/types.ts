import type { ImageStore } from '../../image/types.ts';
import type { Framework, Model, SentTest } from '../../model/types.ts';
import type { Diagnosis, Security } from '../types.ts';

/** The model server; by default MLServer from PyPI, for the frameworks that it serves. */
export type LocalServer =
  /** A server image, run in podman or docker (the first one installed). */
  | { image: string; engine?: 'podman' | 'docker' }
  /** A shell command that starts an installed server; its environment has MODEL_DIR, MODEL_NAME and PORT. */
  | { command: string };

export interface LocalOptions {
  model: Model;
  framework: Framework;
  smoke: SentTest;
  /**
   * Where the image is read from (a layout or a registry's repository), and its name in it: `iris:v1.0.0`, `v1.0.0`.
   */
  image: { store: ImageStore; name: string };
  /** `openshift` by default. */
  security?: Security;
  server?: LocalServer;
  /** Folder that keeps MLServer's Python environment: a folder of the store. Created when missing. */
  cache: string;
  /** Seconds for the server to become ready; 120 by default. */
  timeout?: number;
  /** Aborts the test; server, sidecar and unpacked files are deleted before the promise settles. */
  signal: AbortSignal;
  /** A line of progress for display, without newline: "installing mlserver: 77 Python packages, once". */
  say(line: string): void;
  /** Receives a sentence about a check that this machine does not support; the result is valid without it. */
  warn(line: string): void;
}

/** The outcome of one image's test; without a diagnosis it passed. */
export type Verdict = { diagnosis?: Diagnosis };

/** Default startup time of a server in seconds: enough for a large model on a slow disk to load about 20 GB. */
export const defaultTimeout = 120;
