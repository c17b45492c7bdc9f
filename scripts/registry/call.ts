import type { Readable } from 'node:stream';
import type { WireRequest } from '../http/redirects.ts';
import type { Access } from './auth/auth.ts';

/** One exchange with a registry. */
export interface Call {
  /** "push sha256:… to quay.io/me/iris": how an error begins. */
  what: string;
  method: WireRequest['method'];
  /** A path below the registry (`/v2/me/iris/…`), or an upload location as `Host.locate` gives it. */
  target: string | URL;
  access: Access;
  /** Statuses to return; any other is thrown as a RequestFailure. */
  expect: number[];
  headers?: Record<string, string>;
  body?: Uint8Array;
  /** A body that can be sent once: no retries, and after a 401 the next call has a new token. */
  stream?: () => Readable;
  /** One try only. */
  once?: boolean;
  /** Before every further try; its failure ends them. */
  beforeRetry?: (() => Promise<void>) | undefined;
  signal?: AbortSignal | undefined;
  /** Milliseconds until the answer's head; 60 s by default. */
  headersTimeout?: number;
}
