import { keyProblem } from '../s3/uri.ts';
import type { Parsed } from '../types.ts';

/** A parsed `gs://` URI. */
export interface GsLocation {
  bucket: string;
  /** An object's name or a prefix, as written: without percent-encoding. Empty: the whole bucket. */
  key: string;
}

/** Cloud Storage documentation, "Bucket names": 3 to 63 characters, up to 222 with dots, each part up to 63. */
const bucketForm =
  /^(?=.{3,222}$)(?!goog)(?!.*google)(?!\d+\.\d+\.\d+\.\d+$)[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?)*$/;

/** `gs://bucket`, `gs://bucket/prefix` or `gs://bucket/prefix/`. Examines only the text. */
export function parseGsUri(uri: string): Parsed<GsLocation> {
  const bad = (expected: string) => ({ ok: false as const, problem: { expected } });
  const match = /^gs:\/\/([^/]*)(?:\/(.*))?$/su.exec(uri);
  if (match === null) return bad('`gs://bucket/prefix`');
  const [, bucket = '', key = ''] = match;
  if (!bucketForm.test(bucket))
    return bad('`gs://bucket/prefix` with a bucket of 3 to 63 lower-case letters, digits, `-`, `_` and `.`');
  const problem = keyProblem(key);
  return problem === undefined ? { ok: true, value: { bucket, key } } : bad(problem);
}

/** The URI that is meant by a page of Google's console or its download address for a logged-in browser. */
export function pastedGsPage(text: string): string | undefined {
  const path =
    /^https:\/\/(?:console\.cloud\.google\.com\/storage\/browser\/(?:_details\/)?|storage\.cloud\.google\.com\/)([^?#;]+)/.exec(
      text,
    )?.[1];
  if (path === undefined) return undefined;
  try {
    const uri = `gs://${decodeURIComponent(path)}`;
    return parseGsUri(uri).ok ? uri : undefined;
  } catch {
    return undefined;
  }
}
