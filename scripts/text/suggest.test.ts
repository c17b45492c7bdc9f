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
])('finds what %.20s is nearest to', (word, meant) => {
  expect(nearest(word, ['name', 'framework', 'source'])).toBe(meant);
});

it('prefers swapped letters to a changed one', () => {
  expect(nearest('linux/amr64', ['linux/amd64', 'linux/arm64'])).toBe('linux/arm64');
});

it('says nothing where nothing is near', () => {
  expect(didYouMean(3, ['3'])).toBe('');
  expect(didYouMean('gzpi', ['gzip'])).toBe('; did you mean `gzip`?');
});
