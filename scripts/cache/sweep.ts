import { RequestFailure } from '../http/failure.ts';
import type { Bucket } from '../sources/s3/bucket.ts';
import { type CachedFile, type CacheManifest, manifestName } from '../sources/s3/manifest.ts';

/**
 * Before the manifest is written: removes earlier runs' leftovers from a model's folder, namely files that the previous
 * manifest lists and this one does not, and unfinished uploads of this cache's files. Nothing else is touched. Objects
 * that cannot be deleted are reported and left.
 */
export async function sweepFolder(
  bucket: Bucket,
  folder: string,
  manifest: CacheManifest,
  before: readonly CachedFile[],
  warn: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const kept = new Set(manifest.files.map(({ path }) => path));
  const ours = new Set(
    [manifestName, ...before.map(({ path }) => path), ...kept].map((path) => folder + path),
  );
  try {
    for (const { path } of before) {
      if (kept.has(path)) continue;
      await bucket.send(`delete ${bucket.uri(folder + path)}`, signal, (client, options) =>
        client.deleteObject({ Bucket: bucket.name, Key: folder + path }, options),
      );
    }
    for await (const { key, id } of openUploads(bucket, folder, signal)) {
      if (!ours.has(key)) continue;
      await bucket
        .send(`abort the upload of ${bucket.uri(key)}`, signal, (client, options) =>
          client.abortMultipartUpload({ Bucket: bucket.name, Key: key, UploadId: id }, options),
        )
        .catch(unlessEnded);
    }
  } catch (error) {
    // The model's files are complete without it.
    if (signal.aborted || !(error instanceof RequestFailure)) throw error;
    warn(`${error.message}; what earlier runs left there stays`);
  }
}

/** Ignores an upload that another run has ended meanwhile. */
function unlessEnded(error: unknown): void {
  if (!(error instanceof RequestFailure) || !error.codes.includes('NoSuchUpload')) throw error;
}

async function* openUploads(
  bucket: Bucket,
  folder: string,
  signal: AbortSignal,
): AsyncGenerator<{ key: string; id: string }> {
  let marker: { KeyMarker?: string; UploadIdMarker?: string } = {};
  for (let page = 0; page < 100; page++) {
    const {
      Uploads = [],
      IsTruncated,
      NextKeyMarker,
      NextUploadIdMarker,
    } = await bucket.send(`list uploads to ${bucket.uri(folder)}`, signal, (client, options) =>
      client.listMultipartUploads({ Bucket: bucket.name, Prefix: folder, ...marker }, options),
    );
    for (const { Key = '', UploadId = '' } of Uploads) yield { key: Key, id: UploadId };
    if (!IsTruncated || NextKeyMarker === undefined) return;
    marker = { KeyMarker: NextKeyMarker, ...(NextUploadIdMarker && { UploadIdMarker: NextUploadIdMarker }) };
  }
}
