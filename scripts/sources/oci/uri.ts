import { examineReference, formatReference, type Reference } from '../../registry/reference.ts';
import { checkPath } from '../../text/paths.ts';
import type { Parsed } from '../types.ts';

/** A parsed `oci://` URI. */
export interface OciLocation {
  reference: Reference;
  /** The one file that `#path` names; undefined for all files. */
  path?: string;
}

/** The form of a URI, for "expected …". */
export const ociForm = '`oci://registry/repository[:tag|@digest]`';

/** `oci://registry/repository[:tag][@digest][#path]`, as KServe's `storageUri` has it. Examines only the text. */
export function parseOciUri(uri: string): Parsed<OciLocation> {
  const bad = (problem: string, hint?: string) => ({
    ok: false as const,
    problem: { expected: `${ociForm}: ${problem}`, ...(hint !== undefined && { hint }) },
  });
  if (!uri.startsWith('oci://')) return { ok: false, problem: { expected: ociForm } };
  const { name, path } = splitOciUri(uri);
  // A user and password would be taken for a digest.
  if (/^[^/]*@/.test(name)) return bad('nothing secret belongs in models.yaml');
  const { reference, problem, suggestion } = examineReference(name);
  if (reference === undefined)
    return bad(problem, suggestion === undefined ? undefined : `; did you mean \`oci://${suggestion}\`?`);
  if (path === undefined) return { ok: true, value: { reference } };
  const wrong = checkPath(path);
  return wrong === undefined ? { ok: true, value: { reference, path } } : bad(`its \`#path\` ${wrong}`);
}

/** The reference of a URI, and the path of its file if it names one; both unchecked. */
export function splitOciUri(uri: string): { name: string; path?: string } {
  const rest = uri.slice('oci://'.length);
  const at = rest.indexOf('#');
  return at === -1 ? { name: rest } : { name: rest.slice(0, at), path: rest.slice(at + 1) };
}

/** A checked URI at another digest; its tag stays, for people. */
export function ociUriAt(uri: string, digest: string): string {
  const { name, path } = splitOciUri(uri);
  return `oci://${name.replace(/@.*$/s, '')}@${digest}${path === undefined ? '' : `#${path}`}`;
}

/**
 * The URI that is meant by an image reference with a tag or digest, or by one with the scheme of another tool or of another
 * of KServe's modes: `quay.io/me/iris:v1`, `docker://…`, `oci+native://…`. Undefined for any other text.
 */
export function pastedReference(text: string): string | undefined {
  const rest = /^(?:docker|oci\+native|oci\+fetch|oci-native):\/\/(.+)$/is.exec(text)?.[1];
  // A host, and a tag or digest: less could be a path or a name of the hub.
  const isReference =
    rest !== undefined || /^(?:[\w-]+(?:\.[\w-]+)+(?::\d+)?|localhost:\d+)\/[^\s:@]+[:@][^\s/]+$/.test(text);
  const { reference } = isReference ? examineReference(rest ?? text) : {};
  return reference && `oci://${formatReference(reference)}`;
}
