import { distance } from 'fastest-levenshtein';

/** Longer values are cut when shown: an error is one line. */
const longest = 80;

/**
 * A value from a file or the command line, fit for one line of an error: control characters and direction marks
 * escaped, cut to 80 characters, user info and query of a URL starred out (they may be secrets).
 */
export function show(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return 'a map';
  if (typeof value !== 'string') return `the ${typeof value} ${String(value)}`;
  if (value === '') return 'an empty text';
  return `\`${plain(value)}\``;
}

/** The same for a text, without the quotes: for paths and URIs inside a sentence. */
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

/** The candidate that was most likely meant, by edit distance (letters in a wrong order are half an edit); undefined when none is near. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  // A long text is no typing error, and the distance costs length × length.
  if (word.length > 100) return undefined;
  const meant = word.toLowerCase();
  let best: string | undefined;
  let least = Math.max(1, Math.floor(meant.length / 3)) + 0.5;
  for (const candidate of candidates) {
    if (candidate.length > 100) continue;
    const other = candidate.toLowerCase();
    const steps =
      letters(meant) === letters(other) ? Math.min(0.5, distance(meant, other)) : distance(meant, other);
    if (steps < least) {
      best = candidate;
      least = steps;
    }
  }
  return best;
}

function letters(word: string): string {
  return [...word].sort().join('');
}

/** `; did you mean …?` to put at the end of an error, or nothing. */
export function didYouMean(word: unknown, candidates: Iterable<string>): string {
  const found = typeof word === 'string' ? nearest(word, candidates) : undefined;
  return found === undefined ? '' : `; did you mean \`${found}\`?`;
}

/** `a`, `a or b`, `a, b or c`; the rest is counted when there are more than `most`. */
export function list(words: readonly string[], joint: 'or' | 'and', most = 12): string {
  if (words.length > most) return `${words.slice(0, most).join(', ')} ${joint} ${words.length - most} more`;
  if (words.length < 2) return words.join('');
  return `${words.slice(0, -1).join(', ')} ${joint} ${words.at(-1)}`;
}
