import picomatch from 'picomatch';
import type { Selection } from '../sources/types.ts';
import type { Globs } from './lock-check.ts';

/**
 * How all globs are matched: `*` matches dot files too; no extglobs (slow on crafted names), no negation. With `s`, a
 * name with a newline matches and is then rejected by name, rather than silently left out.
 */
const globOptions = { dot: true, noextglob: true, nonegate: true, flags: 's' };

/** A predicate for paths that match one of these globs; none matches an empty list. */
export function matcherOf(globs: readonly string[]): (path: string) => boolean {
  return globs.length === 0 ? () => false : picomatch([...globs], globOptions);
}

/** Whether a path is included and not excluded. */
export function selectionOf({ include, exclude }: Globs): Selection {
  const [included, excluded] = [matcherOf(include), matcherOf(exclude)];
  return (path) => included(path) && !excluded(path);
}

/** Whether a path matches one of these globs. */
export function matchesAny(path: string, globs: readonly string[]): boolean {
  return matcherOf(globs)(path);
}
