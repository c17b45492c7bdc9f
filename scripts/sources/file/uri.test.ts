import { expect, it } from 'vitest';
import { parseFileUri } from './uri.ts';

it.each([
  ['file:model.joblib', 'model.joblib', false],
  ['file:./a/b', 'a/b', false],
  ['file:a/../b', 'b', false],
  ['file:with%20space', 'with space', false],
  ['file:100%25', '100%', false],
  ['file:.', '.', false],
  ['file:dir/', 'dir/', false],
  ['file:///srv/models', '/srv/models', true],
  ['file:/srv/models', '/srv/models', true],
  ['file:///srv/../etc', '/etc', true],
])('reads %j', (uri, path, absolute) => {
  expect(parseFileUri(uri)).toEqual({ ok: true, value: { path, absolute } });
});
