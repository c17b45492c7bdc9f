import type { S3 } from '@aws-sdk/client-s3';
import { duration, longestWait, parseRetryAfter } from '../../http/retry.ts';

/** The server asks for an unreasonably long wait; the SDK would retry after a few seconds. */
export class LongWait extends Error {
  constructor(milliseconds: number) {
    super(`asks to wait ${duration(milliseconds)} (Retry-After)`);
  }
}

/**
 * Makes a client's requests fail with a LongWait immediately when a response asks for a longer wait than one request
 * may take.
 */
export function refuseLongWaits(client: S3): void {
  client.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const { statusCode, headers, body } = result.response as {
        statusCode: number;
        headers: Record<string, string>;
        body?: { destroy?(): void };
      };
      const wait = statusCode >= 400 ? (parseRetryAfter(headers['retry-after']) ?? 0) : 0;
      if (wait <= longestWait) return result;
      body?.destroy?.();
      throw new LongWait(wait);
    },
    // Closest to the connection, before the response is parsed.
    { step: 'deserialize', priority: 'low', name: 'refuseLongWaits' },
  );
}
