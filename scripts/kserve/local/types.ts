import type { ImageStore } from '../../image/types.ts';
import type { Framework, Model } from '../../model/types.ts';
import type { Diagnosis, Security } from '../types.ts';

/** Who serves the model; by default MLServer from PyPI, for the frameworks that it serves. */
export type LocalServer =
  /** A server image, run under podman or docker, whichever is there. */
  | { image: string; engine?: 'podman' | 'docker' }
  /** A shell command for a server that is installed here; it finds MODEL_DIR, MODEL_NAME and PORT in its environment. */
  | { command: string };

export interface LocalOptions {
  model: Model;
  framework: Framework;
  /** Where the image is read from (a layout or a registry's repository), and its name there: `iris:v1.0.0`, `v1.0.0`. */
  image: { store: ImageStore; name: string };
  /** `openshift` by default. */
  security?: Security;
  server?: LocalServer;
  /** Folder that keeps MLServer's Python environment: a folder of the store. Made when missing. */
  cache: string;
  /** Seconds that the server has to become ready; 120 by default. */
  timeout?: number;
  /** Aborts: server, sidecar and unpacked files are gone when the promise settles. */
  signal: AbortSignal;
  /** A line of progress for people, without newline: "installing mlserver: 77 Python packages, once". */
  say(line: string): void;
  /** Something that could not be checked on this machine, as a sentence; the result counts without it. */
  warn(line: string): void;
}

/** How the check of one image ended. */
export type Verdict = { diagnosis?: Diagnosis };

/** Seconds that a server has by default: a large model on a slow disk loads about 20 GB in them. */
export const defaultTimeout = 120;
