import type { Readable } from 'node:stream';
import type { BulkRequest } from '../http/bulk/connection.ts';
import type { WireRequest } from '../http/redirects.ts';
import type { HttpResponse } from '../http/transport.ts';
import type { Access } from './auth/auth.ts';

/** One request to a registry. */
export interface Call {
  /** Start of error messages: "push sha256:… to quay.io/me/iris". */
  what: string;
  method: WireRequest['method'];
  /** A path at the registry (`/v2/me/iris/…`), or an upload location as `RegistryHttp.locate` returns it. */
  target: string | URL;
  access: Access;
  /** Statuses to return; any other is thrown as a RequestFailure. */
  expect: number[];
  headers?: Record<string, string>;
  body?: Uint8Array;
  /** A body that can be sent only once: no retries, and after a 401 the next call has a new token. */
  stream?: () => Readable;
  /** One try only. */
  once?: boolean;
  /** Called before each retry; its failure ends the retries. */
  beforeRetry?: (() => Promise<void>) | undefined;
  signal?: AbortSignal | undefined;
  /** Milliseconds until the head of the response; 60 s by default. */
  headersTimeout?: number;
}

/** A response, and its URL after redirects. */
export interface Answered {
  answer: HttpResponse;
  url: URL;
}

/** A GET of a large body, and what reads it. */
export interface BulkCall extends BulkRequest {
  access: Access;
}
