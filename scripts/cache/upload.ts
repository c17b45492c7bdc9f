import type { CompletedPart, S3 } from '@aws-sdk/client-s3';
import { RequestFailure } from '../http/failure.ts';
import type { LockedFile } from '../model/types.ts';
import type { Bucket, ObjectInfo } from '../sources/s3/bucket.ts';
import { inParts, type Part } from './parts.ts';

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
 * object appears only when complete; a failed upload is aborted and leaves no parts. Each part waits for memory from
 * `partMemory`.
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

/** What every request about one object has in common. */
interface Target {
  Bucket: string;
  Key: string;
}

/** Reads the file and sends it, in parts if large. A failure ends all requests, and then the upload. */
async function send(bucket: Bucket, options: ObjectUploadOptions): Promise<void> {
  const { key, file, open, signal, onBytes } = options;
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const target = { Bucket: bucket.name, Key: key };
  // AWS_REQUEST_CHECKSUM_CALCULATION=when_required is for servers without checksum support.
  const mayChecksum = (await bucket.client.config.requestChecksumCalculation()) === 'WHEN_SUPPORTED';
  const more = {
    Metadata: { sha256: file.sha256 },
    ...(mayChecksum && { ChecksumAlgorithm: 'SHA256' as const }),
  };
  let sent = 0;
  const count = (bytes: number) => {
    sent += bytes;
    onBytes(bytes);
  };
  const partSize = partSizeOf(file.size);
  const parts = inParts(open, file.size, partSize, either, count);
  try {
    if (file.size > partSize)
      await sendParts(bucket.client, target, more, parts, options.parts, stop, either);
    else
      for await (const part of parts)
        await part.use((Body) =>
          bucket.client.putObject({ ...target, ...more, Body }, { abortSignal: either }),
        );
  } catch (error) {
    onBytes(-sent);
    throw await bucket.failure(`write ${bucket.uri(key)}`, error, signal);
  }
}

/** Sends parts, `most` at the same time, and makes an object of them. */
async function sendParts(
  client: S3,
  target: Target,
  more: { Metadata: Record<string, string>; ChecksumAlgorithm?: 'SHA256' },
  parts: AsyncIterable<Part>,
  most: number,
  stop: AbortController,
  abortSignal: AbortSignal,
): Promise<void> {
  const { UploadId } = await client.createMultipartUpload({ ...target, ...more }, { abortSignal });
  const upload = { ...target, UploadId };
  const { ChecksumAlgorithm } = more;
  const checksum = ChecksumAlgorithm === undefined ? {} : { ChecksumAlgorithm };
  const done: CompletedPart[] = [];
  const sending = new Set<Promise<void>>();
  try {
    for await (const part of parts) {
      const PartNumber = part.number;
      const one = part
        .use((Body) => client.uploadPart({ ...upload, ...checksum, PartNumber, Body }, { abortSignal }))
        .then(({ ETag, ChecksumSHA256 }) => {
          done.push({ PartNumber, ETag, ...(ChecksumSHA256 !== undefined && { ChecksumSHA256 }) });
          sending.delete(one);
        });
      sending.add(one);
      // Ends the reading too; thrown below.
      one.catch((error: unknown) => stop.abort(error));
      if (sending.size >= most) await Promise.race(sending);
    }
    await Promise.all(sending);
    const MultipartUpload = { Parts: done.sort((a, b) => (a.PartNumber ?? 0) - (b.PartNumber ?? 0)) };
    await client.completeMultipartUpload({ ...upload, MultipartUpload }, { abortSignal });
  } catch (error) {
    stop.abort(error);
    await Promise.allSettled(sending);
    // Best effort, and also after a cancellation: the next run sweeps what is left.
    await client.abortMultipartUpload(upload).catch(() => {});
    throw error;
  }
}
