import { LineCounter, parseDocument } from 'yaml';
import { plain } from '../text/format.ts';
import type { Diagnostic, FilePosition } from './diagnostics.ts';
import { type Spot, YamlValues } from './yaml-values.ts';

/** A YAML text as plain values (null-prototype maps, so that no key is special) with the position of each. */
export interface YamlDocument {
  value: unknown;
  /** Syntax errors, duplicate keys and all other problems that make `value` unusable; empty for a valid document. */
  mistakes: Diagnostic[];
  /** Position of the value at a path, or of its key; falls back to the nearest existing parent. */
  place(path: readonly PropertyKey[], part: 'key' | 'value'): FilePosition;
}

/**
 * Parses YAML 1.2 with anchors, aliases and merge keys (`<<`). Never throws: errors are in `mistakes`. `mostValues`
 * limits the expansion of aliases.
 */
export function readYaml(text: string, mostValues: number): YamlDocument {
  const lines = new LineCounter();
  const locate = (offset: number): FilePosition => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  // The search for duplicate keys here is linear (yaml's is not) and has both positions.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false });
  const faults = [...document.errors, ...document.warnings];
  const exhausted = faults.find(({ code }) => code === 'RESOURCE_EXHAUSTION');
  const mistakes: Diagnostic[] = (exhausted ? [exhausted] : faults).map(({ code, message, pos }) => ({
    ...locate(pos[0]),
    text: syntaxText(code, message),
  }));
  const root: Spot = { at: document.contents?.range?.[0] ?? 0 };
  let value: unknown;
  if (mistakes.length === 0) {
    const unfolding = new YamlValues(mostValues, (at, problem, earlier) => {
      const first = earlier === undefined ? '' : `; first on line ${locate(earlier).line}`;
      mistakes.push({ ...locate(at), text: problem + first });
    });
    value = unfolding.unfold(document.contents, root);
  }
  return {
    value,
    mistakes,
    place(path, part) {
      let spot = root;
      for (const key of path) {
        const next = spot.inside?.get(key);
        if (next === undefined) return locate(spot.at);
        spot = next;
      }
      return locate(part === 'key' ? (spot.key ?? spot.at) : spot.at);
    },
  };
}

function syntaxText(code: string, message: string): string {
  switch (code) {
    case 'RESOURCE_EXHAUSTION':
      return 'lists and maps are nested too deeply';
    case 'MULTIPLE_DOCS':
      return 'a second YAML document starts here (`---`); expected one';
    case 'TAB_AS_INDENT':
      return 'a tab indents this line; YAML takes only spaces';
    case 'TAG_RESOLVE_FAILED':
      return `unknown YAML tag: ${plain(message.replace(/^Unresolved tag: /, ''))}`;
    case 'BLOCK_AS_IMPLICIT_KEY':
      return 'a second `: ` on one line; put the value in quotes';
    default:
      return `not valid YAML: ${plain(message)}`;
  }
}
