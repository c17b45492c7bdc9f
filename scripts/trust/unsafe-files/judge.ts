import picomatch from 'picomatch';
import type { Allow } from '../../model/trust.ts';
import { type Facts, type FoundImport, spelled } from './facts.ts';
import { isListed } from './imports/known.ts';

/** Why a file is unsafe, and what in `allow:` would let it through. */
export interface Objection {
  /** Completes "FILE …". */
  why: string;
  allow: { field: keyof Allow; value: string };
}

/** What decides about a model's files besides their content. */
export interface Policy {
  framework: string;
  /** Of the framework, in addition to the built-in lists. */
  allowedImports?: readonly string[];
  allow?: Allow;
}

/** What speaks against a file; empty when its imports are listed, and it neither is code nor hides any. */
export function objectionsTo(path: string, { imports, findings }: Facts, policy: Policy): Objection[] {
  const { allow = {} } = policy;
  const allowed = new Set([...(allow.imports ?? []), ...(policy.allowedImports ?? [])]);
  const isAllowed = (found: FoundImport) =>
    isListed(policy.framework, found) || allowed.has(spelled(found)) || allowed.has(`${found.module}.*`);
  const objections = imports
    .filter((found) => !isAllowed(found))
    .map((found): Objection => {
      const name = spelled(found);
      return { why: `imports ${name}, at offset ${found.offset}`, allow: { field: 'imports', value: name } };
    });
  for (const { rule, detail, offset } of findings) {
    if (matches(path, allow[rule])) continue;
    const at = offset === undefined ? '' : `, at offset ${offset}`;
    objections.push({ why: `${detail}${at}`, allow: { field: rule, value: path } });
  }
  return objections;
}

function matches(path: string, globs: readonly string[] = []): boolean {
  return globs.length > 0 && picomatch([...globs], { dot: true })(path);
}
