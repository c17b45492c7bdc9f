import { distance } from 'fastest-levenshtein';

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

/** The word that was most likely meant: near in edits, with its letters swapped, or cut short; undefined when none. */
export function meant(word: string, candidates: string[]): string | undefined {
  const letters = (text: string) => [...text].sort().join('');
  return (
    nearest(word, candidates) ??
    candidates.find((candidate) => letters(candidate) === letters(word)) ??
    (word.length > 2 ? candidates.find((candidate) => candidate.startsWith(word)) : undefined)
  );
}
