import { pipeline, Readable, Transform } from 'node:stream';
import type { S3 } from '@aws-sdk/client-s3';

/**
 * Limit in bytes for a response that the SDK reads as a whole; a page of 1000 objects with the longest keys has about 4
 * MB.
 */
const mostBytes = 16 * 1024 ** 2;

/** A response is longer than any legitimate one. */
export class LongAnswer extends Error {
  constructor() {
    super(`more than ${mostBytes} bytes`);
    this.name = 'LongAnswer';
  }
}

/**
 * Limits how much a server can make the SDK hold in memory: the SDK collects every body except an object's as one
 * string. Requests over the limit fail with a LongAnswer.
 */
export function limitAnswers(client: S3): void {
  client.middlewareStack.add(
    (next, { commandName }) =>
      async (args) => {
        const result = await next(args);
        const response = result.response as { statusCode?: number; body?: unknown };
        const isObject = commandName === 'GetObjectCommand' && (response.statusCode ?? 0) < 300;
        if (!isObject && response.body instanceof Readable) response.body = limited(response.body);
        return result;
      },
    // `low`: between the connection and the SDK's own parser.
    { step: 'deserialize', priority: 'low', name: 'modelcarsLimitAnswers' },
  );
}

function limited(body: Readable): Readable {
  let size = 0;
  const counter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      size += chunk.length;
      if (size > mostBytes) done(new LongAnswer());
      else done(null, chunk);
    },
  });
  // An early end reaches the stream's reader; pipeline merely requires a callback.
  return pipeline(body, counter, () => {});
}
