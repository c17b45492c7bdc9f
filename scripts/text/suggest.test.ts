import { expect, it } from 'vitest';
import { didYouMean, nearest } from './suggest.ts';

it.each([
  ['frameork', 'framework'],
  ['naem', 'name'],
  ['soruce', 'source'],
  ['NAME', 'name'],
  ['framework', 'framework'],
  ['xyz', undefined],
  ['', undefined],
  ['n'.repeat(200_000), undefined],
])('finds the nearest word to %.20s', (word, meant) => {
  expect(nearest(word, ['name', 'framework', 'source'])).toBe(meant);
});

it('prefers swapped letters to a changed letter', () => {
  expect(nearest('linux/amr64', ['linux/amd64', 'linux/arm64'])).toBe('linux/arm64');
});

it('suggests nothing when no word is near', () => {
  expect(didYouMean(3, ['3'])).toBe('');
  expect(didYouMean('gzpi', ['gzip'])).toBe('; did you mean `gzip`?');
});
