import type { z } from 'zod';
import { show } from '../text/format.ts';
import { didYouMean } from '../text/suggest.ts';
import type { Diagnostic } from './diagnostics.ts';
import type { YamlDocument } from './yaml-document.ts';

/** The keys that are allowed at a path, for suggestions. */
export type KnownKeys = (path: readonly PropertyKey[]) => readonly string[];

/**
 * Zod's issues with positions. The texts come from the schema itself ("expected …, got …"); the field's name is added
 * here.
 */
export function zodDiagnostics(error: z.ZodError, document: YamlDocument, known: KnownKeys): Diagnostic[] {
  return error.issues.flatMap(withinUnion).flatMap((issue): Diagnostic[] => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({
        ...document.place([...issue.path, key], 'key'),
        text: `unknown key ${show(key)}${didYouMean(key, known(issue.path))}`,
      }));
    }
    const nested = issue.code === 'invalid_key' ? issue.issues[0]?.message : undefined;
    const part = nested !== undefined || (issue.code === 'custom' && issue.params?.key) ? 'key' : 'value';
    return [{ ...document.place(issue.path, part), text: prefix(issue.path) + (nested ?? issue.message) }];
  });
}

/**
 * The issues of the alternative of a union that was meant: the only one whose own type the value has. Otherwise the union's
 * own issue, which names them all.
 */
function withinUnion(issue: z.core.$ZodIssue): z.core.$ZodIssue[] {
  if (issue.code !== 'invalid_union') return [issue];
  const meant = issue.errors.filter((issues) =>
    issues.every(({ path, code }) => path.length > 0 || code === 'unrecognized_keys'),
  );
  const [issues] = meant;
  if (issues === undefined || meant.length > 1) return [issue];
  return issues.flatMap((one) => withinUnion({ ...one, path: [...issue.path, ...one.path] }));
}

/** "`platforms[1]`: " for models[3].platforms[1]: line and column identify the rest. */
function prefix(path: readonly PropertyKey[]): string {
  const start = path[0] === 'models' && path.length > 2 ? 2 : 0;
  let field = '';
  for (const key of path.slice(start)) {
    if (typeof key === 'number') field += `[${key}]`;
    else field += field === '' ? String(key) : `.${String(key)}`;
  }
  return field === '' ? '' : `${show(field)}: `;
}
