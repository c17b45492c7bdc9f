/** The kinds of failure a caller may want to tell apart; the text is for people, the code for programs. */
export type ErrorCode =
  | 'usage' // a flag or argument is wrong
  | 'catalog' // models.yaml or a framework is wrong
  | 'lock' // the lock is missing, stale or unreadable
  | 'source' // a model's files cannot be resolved or read
  | 'integrity' // bytes are not what the lock, a digest or the image contract says
  | 'limit' // a file, layer or count is beyond what a registry or overlayfs takes
  | 'layout' // an OCI image layout on disk is broken or cannot be written
  | 'disk' // no space, no permission
  | 'registry' // a registry refused or broke the protocol
  | 'auth' // a registry or hub wants other credentials
  | 'network' // no answer
  | 'trust' // a signature cannot be made, is missing or not of a trusted signer; a file can run code
  | 'tag' // a version tag would move
  | 'scan' // a vulnerability scanner is missing or fails, or found what blocks
  | 'cluster' // a Kubernetes cluster is out of reach, refuses, or lacks what is needed
  | 'cancelled' // Ctrl-C or SIGTERM
  | 'bug'; // in modelcars

export interface ErrorOptions {
  /** The next step for the reader, an imperative sentence: "run `modelcars lock`". */
  next?: string;
  cause?: unknown;
}

/**
 * The one error type that reaches a user. `message` says what failed, where and why, in the form
 * "verb object: cause"; `next` says what to do about it. Neither may hold a secret.
 */
export class ModelcarsError extends Error {
  readonly code: ErrorCode;
  readonly next: string | undefined;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ModelcarsError';
    this.code = code;
    this.next = options.next;
  }

  /** Process exit code: 2 for wrong usage or catalog, 1 for everything else. */
  get exitCode(): 1 | 2 {
    return this.code === 'usage' || this.code === 'catalog' ? 2 : 1;
  }
}

/** Ends the work with what the signal was given, or `cancelled`. */
export function stopIfAborted(signal?: AbortSignal): void {
  if (!signal?.aborted) return;
  if (signal.reason instanceof ModelcarsError) throw signal.reason;
  throw new ModelcarsError('cancelled', 'stopped', { cause: signal.reason });
}

/** The error of work that a signal ended. */
export function cancelled(cause?: unknown): ModelcarsError {
  return new ModelcarsError('cancelled', 'stopped before it was done', { cause });
}
