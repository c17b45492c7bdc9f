import { pipeline, Readable, Transform } from 'node:stream';
import type { S3 } from '@aws-sdk/client-s3';

/** Bytes of an answer that the SDK reads as a whole; a page of 1000 objects with the longest keys has some 4 MB. */
const mostBytes = 16 * 1024 ** 2;

/** An answer is longer than any that we know of. */
export class LongAnswer extends Error {
  constructor() {
    super(`more than ${mostBytes} bytes`);
    this.name = 'LongAnswer';
  }
}

/**
 * Bounds what a server may make the SDK hold in memory: it collects every body as one text but that of an object. Fails with a
 * LongAnswer.
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
  // An early end reaches the reader of the stream; the callback is only there because pipeline wants one.
  return pipeline(body, counter, () => {});
}
