import { expect, it } from 'vitest';
import { didYouMean, list, nearest, plain, show } from './words.ts';

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

it.each([
  ['abc', '`abc`'],
  ['a\u001b[31mb\nc', '`a\\u{1b}[31mb\\u{a}c`'],
  ['\u202egpj', '`\\u{202e}gpj`'],
  ['x'.repeat(100), `\`${'x'.repeat(79)}…\``],
  ['', 'an empty text'],
  [3, 'the number 3'],
  [false, 'the boolean false'],
  [null, 'nothing'],
  [[], 'an empty list'],
  [[1], 'a list'],
  [{}, 'a map'],
])('shows %j', (value, shown) => {
  expect(show(value)).toBe(shown);
});

it.each([
  ['https://me:hunter2@quay.io/x', 'https://****@quay.io/x'],
  ['https://hunter2@quay.io/x', 'https://****@quay.io/x'],
  ['me:hunter2@quay.io', '****@quay.io'],
  ['https://host/x?X-Amz-Signature=hunter2', 'https://host/x?****'],
  ['quay.io/a/b:1@sha256:00', 'quay.io/a/b:1@sha256:00'],
  ['b:1@sha256:00', 'b:1@sha256:00'],
])('stars out what may be secret in %s', (text, shown) => {
  expect(plain(text)).toBe(shown);
});

it('lists', () => {
  expect(list([], 'or')).toBe('');
  expect(list(['a'], 'or')).toBe('a');
  expect(list(['a', 'b', 'c'], 'and')).toBe('a, b and c');
  expect(list(['a', 'b', 'c', 'd'], 'and', 2)).toBe('a, b and 2 more');
});
