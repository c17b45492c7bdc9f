import type { RuntimeLibraries } from '../../model/types.ts';
import { anyVersion } from './packages.ts';

/**
 * How many parts of a version have to be equal, for libraries that load a picture of their own objects: scikit-learn
 * changes them from one minor version to the next, numpy between major ones. What the others write, newer ones read.
 */
const equalParts: Readonly<Record<string, number>> = { 'scikit-learn': 2, numpy: 1 };

/** The libraries of a model that a runtime's image does not have, as clauses: `scikit-learn 1.7.2 (it has 1.5.2)`. */
export function missingLibraries(
  libraries: Readonly<Record<string, string>>,
  { versions }: RuntimeLibraries,
): string[] {
  return Object.entries(libraries).flatMap(([name, version]) => {
    const has = Object.hasOwn(versions, name) ? versions[name] : undefined;
    if (has !== undefined && ([version, has].includes(anyVersion) || fits(name, version, has))) return [];
    if (name === '__main__') return ['`__main__`, the script that made it'];
    const wanted = version === anyVersion ? name : `${name} ${version}`;
    return [has === undefined ? `${wanted} (it has none)` : `${wanted} (it has ${has})`];
  });
}

/** Whether a library can read what a version of it wrote. */
function fits(name: string, written: string, has: string): boolean {
  const [model, runtime] = [partsOf(written), partsOf(has)];
  const equal = Object.hasOwn(equalParts, name) ? equalParts[name] : undefined;
  if (equal !== undefined) return model.slice(0, equal).join() === runtime.slice(0, equal).join();
  // Patches do not change a format.
  for (const at of [0, 1]) {
    const [one = 0, other = 0] = [model[at], runtime[at]];
    if (one !== other) return model[at] === undefined || one < other;
  }
  return true;
}

function partsOf(version: string): number[] {
  return version.split('.').map((part) => Number.parseInt(part, 10) || 0);
}
