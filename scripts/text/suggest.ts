import { distance } from 'fastest-levenshtein';

/**
 * The most likely intended candidate by edit distance (transposed letters count half an edit); undefined when none is
 * close.
 */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  // A long text is not a typing error, and the distance costs length × length.
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

/** `; did you mean …?` to append to an error, or the empty string. */
export function didYouMean(word: unknown, candidates: Iterable<string>): string {
  const found = typeof word === 'string' ? nearest(word, candidates) : undefined;
  return found === undefined ? '' : `; did you mean \`${found}\`?`;
}

/** The most likely intended word: few edits away, with transposed letters, or abbreviated; undefined when none is. */
export function meant(word: string, candidates: string[]): string | undefined {
  const letters = (text: string) => [...text].sort().join('');
  return (
    nearest(word, candidates) ??
    candidates.find((candidate) => letters(candidate) === letters(word)) ??
    (word.length > 2 ? candidates.find((candidate) => candidate.startsWith(word)) : undefined)
  );
}
