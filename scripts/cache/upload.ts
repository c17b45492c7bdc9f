import { Readable } from 'node:stream';
import { RequestFailure } from '../http/failure.ts';
import type { LockedFile } from '../model/types.ts';
import type { Bucket, ObjectInfo } from '../sources/s3/bucket.ts';

/** S3 accepts at most 10,000 parts of at least 5 MiB (user guide, "Amazon S3 multipart upload limits"). */
const mostParts = 10_000;
const smallestPart = 8 * 1024 ** 2;
const mebibyte = 1024 ** 2;
/** Maximum attempts for a file whose upload another process ended. */
const mostStarts = 3;

/** Part size in bytes for an object of this size; equal sizes always have equal parts, and so equal ETags. */
export function partSizeOf(size: number): number {
  return Math.max(smallestPart, Math.ceil(size / mostParts / mebibyte) * mebibyte);
}

export interface ObjectUploadOptions {
  key: string;
  file: LockedFile;
  /** The file's bytes from its start; fails before its last chunk when they do not match. */
  open(): AsyncIterable<Uint8Array>;
  /** Parts uploaded in parallel. */
  parts: number;
  signal: AbortSignal;
  /** Called with the number of bytes read; negative when the upload starts over. */
  onBytes(count: number): void;
}

/**
 * Uploads a file, in parts if large, each with its checksum, and the file's SHA-256 as the object's metadata. The
 * object appears only when complete; a failed upload is aborted and leaves no parts. Memory: `parts` parts and one
 * more.
 */
export async function uploadFile(bucket: Bucket, options: ObjectUploadOptions): Promise<ObjectInfo> {
  const { key, file, signal } = options;
  for (let start = 1; ; start++) {
    try {
      await send(bucket, options);
    } catch (error) {
      if (error instanceof RequestFailure && bucket.connection.dropsChecksums(error.cause)) continue;
      // Another run may have completed the same file and aborted the uploads that it found unfinished.
      const found = await matching(bucket, key, file, signal).catch(() => undefined);
      if (found !== undefined) return found;
      const ended = error instanceof RequestFailure && error.codes.includes('NoSuchUpload');
      if (!ended || start === mostStarts) throw error;
      continue;
    }
    const found = await matching(bucket, key, file, signal);
    if (found !== undefined) return found;
    throw new RequestFailure(`write ${bucket.uri(key)}: it is not there as it was sent`, {
      code: 'integrity',
      next: 'check that nothing else writes there, then run it again',
    });
  }
}

/** The object of a key if it has the file's size and declares its SHA-256, as only modelcars' completed uploads do. */
export async function matching(
  bucket: Bucket,
  key: string,
  file: LockedFile,
  signal: AbortSignal,
): Promise<ObjectInfo | undefined> {
  const info = await bucket.head(key, signal);
  return info?.size === file.size && info.claimed === file.sha256 ? info : undefined;
}

async function send(
  bucket: Bucket,
  { key, file, open, parts, signal, onBytes }: ObjectUploadOptions,
): Promise<void> {
  const { Upload } = await import('@aws-sdk/lib-storage');
  const { client } = bucket;
  // AWS_REQUEST_CHECKSUM_CALCULATION=when_required is for servers without checksum support.
  const mayChecksum = (await client.config.requestChecksumCalculation()) === 'WHEN_SUPPORTED';
  let sent = 0;
  // A failure of the body becomes the upload's, which then aborts: the upload's own abort does not wait.
  let failure: unknown;
  const body = Readable.from(
    (async function* () {
      try {
        for await (const chunk of open()) {
          signal.throwIfAborted();
          sent += chunk.length;
          onBytes(chunk.length);
          yield Buffer.from(chunk); // a copy: it is held until its part is complete
        }
      } catch (error) {
        failure = error;
        throw error;
      }
    })(),
    { objectMode: false, highWaterMark: mebibyte },
  );
  const upload = new Upload({
    client,
    partSize: partSizeOf(file.size),
    queueSize: parts,
    params: {
      Bucket: bucket.name,
      Key: key,
      Body: body,
      ContentLength: file.size,
      Metadata: { sha256: file.sha256 },
      ...(mayChecksum && { ChecksumAlgorithm: 'SHA256' }),
    },
  });
  try {
    await upload.done();
  } catch (error) {
    body.destroy();
    onBytes(-sent);
    throw await bucket.failure(`write ${bucket.uri(key)}`, failure ?? error, signal);
  }
}
