/**
 * The value of the top-level field `name` in protobuf's text format (protobuf.dev, "Text Format Language Specification"),
 * as in Triton's config.pbtxt. Undefined when there is none or an empty one. The rest is not checked: Triton does that.
 */
export function topLevelName(text: string): string | undefined {
  // Comments, strings, words, and every other character on its own.
  const tokens = text.matchAll(/#[^\n]*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|[\w.+-]+|[^\s]/g);
  let depth = 0;
  let state: 'none' | 'field' | 'value' = 'none';
  let found: string | undefined;
  for (const [token] of tokens) {
    if (token.startsWith('#')) continue;
    if (state === 'value' && /^["']/.test(token)) {
      // Adjacent strings are one.
      found = (found ?? '') + token.slice(1, -1).replaceAll(/\\(["'\\])/g, '$1');
      continue;
    }
    state = state === 'field' && token === ':' ? 'value' : 'none';
    if (/^[{[<]$/.test(token)) depth++;
    else if (/^[}\]>]$/.test(token)) depth--;
    else if (depth === 0 && token === 'name') {
      state = 'field';
      // Of a field that is set twice, the last value counts.
      found = undefined;
    }
  }
  return found === '' ? undefined : found;
}
