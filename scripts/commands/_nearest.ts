import { nearest } from '../catalog/words.ts';

/** The word that was most likely meant: near in edits, with its letters swapped, or cut short; undefined when none. */
export function meant(word: string, candidates: string[]): string | undefined {
  const letters = (text: string) => [...text].sort().join('');
  return (
    nearest(word, candidates) ??
    candidates.find((candidate) => letters(candidate) === letters(word)) ??
    (word.length > 2 ? candidates.find((candidate) => candidate.startsWith(word)) : undefined)
  );
}
