import { expect, it } from 'vitest';
import { list, plain, show } from './format.ts';

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
])('masks possible secrets in %s', (text, shown) => {
  expect(plain(text)).toBe(shown);
});

it('joins a list, and counts the rest', () => {
  expect(list([], 'or')).toBe('');
  expect(list(['a'], 'or')).toBe('a');
  expect(list(['a', 'b', 'c'], 'and')).toBe('a, b and c');
  expect(list(['a', 'b', 'c', 'd'], 'and', 2)).toBe('a, b and 2 more');
});
