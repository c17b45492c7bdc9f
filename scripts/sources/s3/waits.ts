import type { S3 } from '@aws-sdk/client-s3';
import { duration, longestWait, parseRetryAfter } from '../../http/retry.ts';

/** The server asks to wait longer than anybody should; the SDK itself would ask again in some seconds. */
export class LongWait extends Error {
  constructor(milliseconds: number) {
    super(`asks to wait ${duration(milliseconds)} (Retry-After)`);
  }
}

/** Makes a client's requests fail with a LongWait, at once, when the answer asks to wait longer than one request may. */
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
    // Nearest to the connection, before the answer is taken apart.
    { step: 'deserialize', priority: 'low', name: 'refuseLongWaits' },
  );
}
