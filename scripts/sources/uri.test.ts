import { expect, it } from 'vitest';
import { checkUri, parseFileUri } from './uri.ts';

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

it.each([
  ['hf://org/repo'],
  ['hf://Qwen/Qwen2.5-0.5B:main'],
  ['hf://org/repo:7ae557604adf67be50417f59c2c2f167def9a775'],
  ['https://example.com/model.onnx'],
  ['https://example.com/model.onnx?download=true'],
  ['s3://bucket/prefix/of/model'],
  ['s3://bucket'],
])('takes %j', (uri) => {
  expect(checkUri(uri)).toBeUndefined();
});

it.each([
  ['', '`file:path`'],
  ['frameworks/sklearn', '`file:path`'],
  ['file:', 'path after `file:`'],
  ['file:../outside', 'inside the folder'],
  ['file:a/../../outside', 'inside the folder'],
  ['file:%2e%2e/outside', 'inside the folder'],
  ['file:..%2foutside', 'inside the folder'],
  ['file://server/share', 'no host'],
  ['file:a%00b', 'control'],
  ['file:a%0ab', 'control'],
  ['file:a\u0000b', 'control'],
  ['file:..\\outside', 'backslash'],
  ['file:a%5cb', 'backslash'],
  ['file:100%', 'percent-encoding'],
  ['file:%ff', 'percent-encoding'],
  ['file:a?b', '%3F'],
  ['file:a#b', '%23'],
  ['hf://org', '`hf://org/repo`'],
  ['hf://org/repo/extra', '`hf://org/repo`'],
  ['hf://org/..', '`hf://org/repo`'],
  ['hf:org/repo', '`hf://org/repo`'],
  ['s3://B/x', '`s3://bucket/prefix`'],
  ['s3://key:secret@bucket/x', '`s3://bucket/prefix`'],
  ['https://', '`https://host/path`'],
  ['https://host', 'path after the host'],
  ['https://me:pw@host/x', 'without user and password'],
  ['https://host/x#y', 'without `#`'],
  ['lone \ud800', 'control'],
])('refuses %j', (uri, word) => {
  expect(checkUri(uri)?.expected).toContain(word);
});

it.each([
  ['http://host/x', '; did you mean `https:`?'],
  ['fiel:x', '; did you mean `file:`?'],
  ['FILE:x', '; did you mean `file:`?'],
  ['s4://b/x', '; did you mean `s3:`?'],
  ['models/model.joblib', '; did you mean `file:models/model.joblib`?'],
  ['pvc://claim/x', ''],
])('suggests for %j', (uri, hint) => {
  expect(checkUri(uri)?.hint).toBe(hint);
});
