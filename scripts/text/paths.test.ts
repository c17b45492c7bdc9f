import { expect, it } from 'vitest';
import { checkClashes, checkPath, compareBytes } from './paths.ts';

it.each([
  ['model.joblib'],
  ['onnx/model.onnx'],
  ['.gitattributes'],
  ['..model'],
  ['a/...'],
  ['weights with spaces/é.bin'],
  ['wh.txt'],
  ['x'.repeat(255)],
])('accepts %j', (path) => {
  expect(checkPath(path)).toBeUndefined();
});

it.each([
  ['', 'empty'],
  ['/etc/passwd', 'absolute'],
  ['../secret', '`..`'],
  ['a/../../b', '`..`'],
  ['./a', '`.`'],
  ['a//b', '`//`'],
  ['a/', 'ends with `/`'],
  ['a\\b', 'backslash'],
  ['..\\..\\windows', 'backslash'],
  ['a\0b', 'NUL'],
  ['a\nb', 'control'],
  ['a\u007fb', 'control'],
  ['a\u0085b', 'control'],
  ['a\u2028b', 'control'],
  ['gpj.\u202eexe', 'direction'],
  ['a/.wh.model.bin', '`.wh.`'],
  ['.wh..wh..opq', '`.wh.`'],
  ['a/.wh.b/c', '`.wh.`'],
  ['lone \ud800 surrogate', 'Unicode'],
  ['x'.repeat(256), '256 bytes'],
  ['é'.repeat(128), '256 bytes'],
])('refuses %j', (path, word) => {
  expect(checkPath(path)).toContain(word);
});

it('counts /models and the final NUL towards PATH_MAX', () => {
  // 4096 with `/models/` (8) and NUL (1) leaves 4087.
  const path = (length: number) => `${'d/'.repeat(2043)}${'f'.repeat(length - 4086)}`;
  expect(checkPath(path(4087))).toBeUndefined();
  expect(checkPath(path(4088))).toContain('4097 bytes');
});

it.each([
  [['a', 'b/a', 'b/c'], []],
  [['a', 'a'], ['are the same path']],
  [['README.md', 'readme.md'], ['differ only in case or Unicode form']],
  [['caf\u00e9', 'cafe\u0301'], ['differ only in case or Unicode form']],
  [['model', 'model/weights'], ['need one name for a file and a folder']],
  [['Model/weights', 'model'], ['need one name for a file and a folder']],
  [['Model/a', 'model/b'], []],
  [['a.b', 'a/b'], []],
])('finds the clashes of %j', (paths, whys) => {
  expect(checkClashes(paths).map(({ why }) => why)).toEqual(whys);
});

it('names both clashing paths, with their positions', () => {
  expect(checkClashes(['x', 'A', 'a'])).toEqual([
    { first: 'A', second: 'a', indices: [1, 2], why: 'differ only in case or Unicode form' },
  ]);
});

it('sorts by bytes, not by UTF-16', () => {
  // U+FF5E is EF BD 9E in UTF-8, U+1F600 is F0 9F 98 80; UTF-16 has D83D before FF5E.
  expect(['😀', '～', 'a', 'B'].sort(compareBytes)).toEqual(['B', 'a', '～', '😀']);
});
