/** Longer values are truncated: an error is one line. */
const longest = 80;

/**
 * Formats a value from a file or the command line for one line of an error: control characters and direction marks
 * escaped, truncated to 80 characters, user info and query of a URL replaced by stars (they may be secrets).
 */
export function show(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return 'a map';
  if (typeof value !== 'string') return `the ${typeof value} ${String(value)}`;
  if (value === '') return 'an empty text';
  return `\`${plain(value)}\``;
}

/** Like `show` for a text, without quotes: for paths and URIs inside a sentence. */
export function plain(text: string, most = longest): string {
  const characters = [...withoutSecrets(text)];
  const cut = characters.length > most ? [...characters.slice(0, most - 1), '…'] : characters;
  return cut.join('').replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return `\\u{${code.toString(16)}}`;
  });
}

function withoutSecrets(text: string): string {
  return text
    .replace(/^([a-z][a-z0-9+.-]*:\/\/)?[^/\s@]*:[^/\s@]*@(?!sha256:)/i, '$1****@')
    .replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/\s]*@/i, '$1****@')
    .replace(/^(https?:\/\/[^?]*\?).+$/is, '$1****');
}

/** `a`, `a or b`, `a, b or c`; beyond `most` words, the rest is counted. */
export function list(words: readonly string[], joint: 'or' | 'and', most = 12): string {
  if (words.length > most) return `${words.slice(0, most).join(', ')} ${joint} ${words.length - most} more`;
  if (words.length < 2) return words.join('');
  return `${words.slice(0, -1).join(', ')} ${joint} ${words.at(-1)}`;
}
