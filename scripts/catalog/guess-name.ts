import { nearName } from './fields.ts';

/** Words in paths that say nothing about a model: the next part further up names it. */
const generic =
  /^(model|models|main|master|raw|resolve|blob|download|weights|artifacts?|latest|out|v?\d+(\.\d+)*)$/i;

/**
 * A name for a model, from the last telling part of a URI's path: `hf://org/name` → `name`, `file:models/iris/model.bst`
 * → `iris`. `directory` is the absolute folder that a relative `file:` URI starts from. Undefined when no part tells.
 */
export function guessName(uri: string, directory: string): string | undefined {
  const local = /^file:(?!\/)/.test(uri);
  const path = uri.replace(/^[a-z][a-z0-9+.-]*:(\/\/)?/i, '').replace(/[?#].*$/s, '');
  const parts = `${local ? `${directory}/` : ''}${decode(path)}`
    .split('/')
    .filter((part) => part !== '' && part !== '.');
  // A revision says less than the name before it.
  if (uri.startsWith('oci://')) return guessName(`https:${path.replace(/[:@][^/]*$/s, '')}`, directory);
  if (uri.startsWith('hf://')) return nearName(parts[1]?.replace(/:.*$/s, '') ?? '') || undefined;
  const last = parts.pop() ?? '';
  const stem = last.replace(/\.[A-Za-z]\w*$/, '');
  const telling = [stem, ...parts.toReversed()].find((part) => !generic.test(part) && nearName(part) !== '');
  return telling === undefined ? undefined : nearName(telling);
}

/** A name that is not taken: `iris`, otherwise `iris-2`, `iris-3` and so on. */
export function freeName(name: string, taken: ReadonlySet<string>): string {
  for (let number = 1; ; number++) {
    const tail = number === 1 ? '' : `-${number}`;
    const free = nearName(name.slice(0, 63 - tail.length)) + tail;
    if (!taken.has(free)) return free;
  }
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
