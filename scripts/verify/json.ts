import { ContractViolation } from './violation.ts';

/** Keys of the specifications that the rules and the engines read. */
const known = new Set(
  [
    [
      'schemaVersion',
      'mediaType',
      'manifests',
      'config',
      'layers',
      'annotations',
      'digest',
      'size',
      'platform',
    ],
    ['os', 'architecture', 'variant', 'created', 'rootfs', 'type', 'diff_ids', 'history', 'empty_layer'],
    ['User', 'Entrypoint', 'Env', 'Volumes', 'Labels'],
  ].flat(),
);
const knownByLowerCase = new Map([...known].map((key) => [key.toLowerCase(), key]));
/** Objects with arbitrary keys. */
const maps = new Set(['annotations', 'Labels', 'Volumes']);

/**
 * Parses an image's JSON so that every reader sees the same values. Go's encoding/json, which the engines use, accepts
 * `entrypoint` for `Entrypoint` and takes the last of two equal keys. Other spellings are therefore rejected and, with
 * `plain`, so is everything that JSON.stringify would not write, including equal keys. Throws a ContractViolation.
 */
export function parseJson(bytes: Uint8Array, what: string, plain: boolean): unknown {
  let value: unknown;
  let written: string | undefined;
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    value = JSON.parse(text);
    written = plain ? JSON.stringify(value) : text;
    if (written === text) written = undefined;
  } catch {
    throw new ContractViolation(`${what} is not JSON`);
  }
  if (written !== undefined)
    throw new ContractViolation(
      `${what} is not JSON as modelcars writes it: it has a duplicate key or whitespace`,
    );
  refuseOtherSpelling(value, what);
  return value;
}

function refuseOtherSpelling(top: unknown, what: string): void {
  const todo: unknown[] = [top];
  for (let value = todo.pop(); value !== undefined; value = todo.pop()) {
    if (typeof value !== 'object' || value === null) continue;
    for (const [key, child] of Object.entries(value)) {
      const meant = Array.isArray(value) ? undefined : knownByLowerCase.get(key.toLowerCase());
      if (meant !== undefined && meant !== key)
        throw new ContractViolation(`${what} has the key ${key}, that some read as ${meant}`);
      if (!maps.has(key)) todo.push(child);
    }
  }
}
