import { ModelcarsError } from '../errors.ts';
import { list, plain } from '../text/format.ts';
import { nearest } from '../text/suggest.ts';
import { sourceKinds } from './kinds.ts';
import type { Parsed, Problem, Source, SourceKind, SourceOptions } from './types.ts';

/** An example of each kind, for "expected …": `` `file:path`, … or `s3://bucket/prefix` ``. */
export const uriExamples = list(
  sourceKinds.map(({ example }) => `\`${example}\``),
  'or',
);

/** A regular expression for the beginnings of all source URIs; each kind's `check` is stricter. */
export const uriPattern = `^(${sourceKinds.map(beginning).join('|')})`;

/** The kind of a source URI, by scheme; undefined if no kind reads it. */
export function kindOf(uri: string): SourceKind | undefined {
  const kind = findKind(uri);
  return kind.ok ? kind.value : undefined;
}

/** Whether the files of a source URI are local: read in place, and able to change after `lock`. */
export function isLocal(uri: string): boolean {
  return kindOf(uri)?.local !== undefined;
}

/** The problem with a source URI, or undefined. Examines only the text, never a disk or a network. */
export function checkUri(uri: string): Problem | undefined {
  if (/\p{Cc}/u.test(uri) || !uri.isWellFormed())
    return { expected: `${uriExamples} without control characters` };
  const meant = pastedUri(uri);
  if (meant !== undefined)
    return { expected: 'the URI of files, not of a web page', hint: `; did you mean \`${meant}\`?` };
  const kind = findKind(uri);
  return kind.ok ? kind.value.check(uri) : kind.problem;
}

/** The URI that is meant by another text that users paste, such as a web page's; undefined for any other text. */
export function pastedUri(text: string): string | undefined {
  for (const { pasted } of sourceKinds) {
    const uri = pasted?.(text);
    if (uri !== undefined) return uri;
  }
  return undefined;
}

/** The source that reads a URI, one per kind for the same `options`. Fails with code `source` for an unknown scheme. */
export function openSource(uri: string, options: SourceOptions): Source {
  const kind = findKind(uri);
  if (!kind.ok) {
    throw new ModelcarsError('source', `open ${plain(uri)}: expected ${kind.problem.expected}`, {
      next: 'correct `source` in models.yaml',
    });
  }
  const sources = opened.get(options) ?? new Map<SourceKind, Source>();
  opened.set(options, sources);
  const source = sources.get(kind.value) ?? kind.value.open(options);
  sources.set(kind.value, source);
  return source;
}

/** Closes the connections of all sources opened with these options; requests under way fail. */
export async function closeSources(options: SourceOptions): Promise<void> {
  const sources = [...(opened.get(options)?.values() ?? [])];
  opened.delete(options);
  await Promise.all(sources.map((source) => source.close?.()));
}

const opened = new WeakMap<SourceOptions, Map<SourceKind, Source>>();

function findKind(uri: string): Parsed<SourceKind> {
  const bad = (hint: string) => ({ ok: false as const, problem: { expected: uriExamples, hint } });
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(uri)?.[1];
  if (scheme === undefined) {
    const meant = [`file:${uri}`, ...(/^\w[\w.-]*\/\w[\w-]*$/.test(uri) ? [`hf://${uri}`] : [])];
    return bad(
      /^[\w./-]{1,80}$/.test(uri) ? `; did you mean ${meant.map((one) => `\`${one}\``).join(' or ')}?` : '',
    );
  }
  const kind = sourceKinds.find((one) => one.scheme === scheme || one.claims?.(uri));
  if (kind !== undefined) return { ok: true, value: kind };
  if (/^(models|runs|mlflow-artifacts)$/.test(scheme)) {
    const shown = /^[\w.:/@ -]{1,100}$/.test(uri) ? uri : `${scheme}:/…`;
    return bad(
      `; a model on an MLflow server: fetch it with \`mlflow artifacts download --artifact-uri ${shown} --dst-path model\`, then \`file:model\``,
    );
  }
  const schemes = sourceKinds.map((one) => one.scheme);
  const near = nearest(scheme, schemes);
  if (near === undefined) return bad('');
  const corrected = near + uri.slice(scheme.length);
  // A query can hold a secret.
  const isShown =
    /^[^?\s]{1,80}$/.test(corrected) &&
    sourceKinds.find((one) => one.scheme === near)?.check(corrected) === undefined;
  return bad(`; did you mean \`${isShown ? corrected : `${near}:`}\`?`);
}

/** `file:`, or `s3://` where the example has the slashes; escaped for a regular expression. */
function beginning({ scheme, example }: SourceKind): string {
  const escaped = scheme.replaceAll(/[.+]/g, '\\$&');
  return example.startsWith(`${scheme}://`) ? `${escaped}://` : `${escaped}:`;
}
