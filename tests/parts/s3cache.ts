/** Invariants of a cache in S3, checkable from outside at any moment. */
import { createHash } from 'node:crypto';
import type { S3Server } from './s3.ts';

interface Manifest {
  complete: boolean;
  revision: string;
  files: { path: string; size: number; sha256: string }[];
}

/** The bytes of an object; undefined if it does not exist. */
export async function objectBytes(
  s3: S3Server,
  key: string,
  bucket = 'models',
): Promise<Uint8Array | undefined> {
  try {
    const { Body } = await s3.client.getObject({ Bucket: bucket, Key: key });
    return await Body?.transformToByteArray();
  } catch (error) {
    if (error instanceof Error && error.name === 'NoSuchKey') return undefined;
    throw error;
  }
}

/** The manifest of a model's folder, read as JSON; undefined if it does not exist. */
export async function manifestAt(s3: S3Server, folder: string): Promise<Manifest | undefined> {
  const bytes = await objectBytes(s3, `${folder}.modelcars.json`);
  return bytes && JSON.parse(new TextDecoder().decode(bytes));
}

/**
 * The violations in a folder: each file of a complete manifest that is missing or differs from the manifest and `files`
 * (path → content). A folder without a complete manifest promises nothing.
 */
export async function violationsIn(
  s3: S3Server,
  folder: string,
  files: Record<string, Uint8Array | string>,
): Promise<string[]> {
  const manifest = await manifestAt(s3, folder);
  if (!manifest?.complete) return [];
  const lies: string[] = [];
  const paths = manifest.files.map(({ path }) => path).sort();
  if (paths.join() !== Object.keys(files).sort().join()) lies.push(`it lists ${paths.join()}`);
  for (const { path, size, sha256 } of manifest.files) {
    const bytes = await objectBytes(s3, folder + path);
    const actual = bytes && createHash('sha256').update(bytes).digest('hex');
    const wanted = createHash('sha256')
      .update(files[path] ?? '')
      .digest('hex');
    if (bytes?.length !== size || actual !== sha256 || actual !== wanted) lies.push(`${path} is wrong`);
  }
  return lies;
}

/** Uploads that were started and neither completed nor aborted, as keys. */
export async function openUploads(s3: S3Server): Promise<string[]> {
  const { Uploads = [] } = await s3.client.listMultipartUploads({ Bucket: 'models' });
  return Uploads.map(({ Key = '' }) => Key);
}
