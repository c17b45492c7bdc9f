import type { Parsed } from '../types.ts';

/** A parsed `s3://` URI. */
export interface S3Location {
  bucket: string;
  /** An object key or a prefix, as written: S3 URIs have no percent-encoding. Empty: the whole bucket. */
  key: string;
}

/** Amazon S3 user guide, "Bucket naming rules"; MinIO and Ceph have the same rules. */
const bucketForm = /^(?!\d+\.\d+\.\d+\.\d+$)(?!.*(?:\.\.|\.-|-\.))[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

/** The rule for bucket names, for "expected …". */
export const bucketRule = 'a bucket of 3 to 63 lower-case letters, digits, `.` and `-`';

/** Whether a bucket name is valid. */
export function isBucketName(name: string): boolean {
  return bucketForm.test(name);
}

/** `s3://bucket`, `s3://bucket/prefix` or `s3://bucket/prefix/`. Examines only the text. */
export function parseS3Uri(uri: string): Parsed<S3Location> {
  const bad = (expected: string) => ({ ok: false as const, problem: { expected } });
  const match = /^s3:\/\/([^/]*)(?:\/(.*))?$/su.exec(uri);
  if (match === null) return bad('`s3://bucket/prefix`');
  const [, bucket = '', key = ''] = match;
  if (!isBucketName(bucket)) return bad(`\`s3://bucket/prefix\` with ${bucketRule}`);
  const problem = keyProblem(key);
  return problem === undefined ? { ok: true, value: { bucket, key } } : bad(problem);
}

/** The rule that a prefix breaks (at most 1024 bytes, no empty, `.` or `..` parts); undefined for a valid one. */
export function keyProblem(key: string): string | undefined {
  if (/[\p{Cc}\s?#\\]/u.test(key) || !key.isWellFormed())
    return 'a prefix without spaces, control characters, `?`, `#` and backslashes';
  if (Buffer.byteLength(key) > 1024) return 'a prefix of at most 1024 bytes';
  if (key === '') return undefined;
  const parts = key.replace(/\/$/, '').split('/');
  return parts.some((part) => part === '' || part === '.' || part === '..')
    ? 'a prefix without empty, `.` and `..` parts'
    : undefined;
}

/** A prefix that ends with `/`, like a folder; the whole bucket stays empty. */
export function asFolder(key: string): string {
  return key === '' || key.endsWith('/') ? key : `${key}/`;
}
