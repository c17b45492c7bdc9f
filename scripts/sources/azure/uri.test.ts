import { expect, it } from 'vitest';
import { parseAzureUri, pastedAzure } from './uri.ts';

it.each([
  ['azure://acc/models/llama', { account: 'acc', container: 'models', key: 'llama' }],
  ['azure://acc123/my-models/a/b/', { account: 'acc123', container: 'my-models', key: 'a/b/' }],
  ['azure://acc/models', { account: 'acc', container: 'models', key: '' }],
  ['azure://acc/$web/100%25/ü', { account: 'acc', container: '$web', key: '100%25/ü' }],
])('parses %s without decoding it', (uri, value) => {
  expect(parseAzureUri(uri)).toEqual({ ok: true, value });
});

it.each([
  'azure://acc',
  'azure:/acc/models/x',
  'azure://ac/models/x',
  'azure://Acc/models/x',
  'azure://acc-1/models/x',
  'azure://acc/Models/x',
  'azure://acc/a--b/x',
  'azure://acc/-models/x',
  'azure://acc:key@host/models/x',
  'azure://acc/models/../x',
  'azure://acc/models/a?sv=1&sig=secret',
])('rejects %s', (uri) => {
  const parsed = parseAzureUri(uri);
  expect(parsed.ok).toBe(false);
  expect(JSON.stringify(parsed)).not.toContain('secret');
});

it.each([
  ['https://acc.blob.core.windows.net/models/llama', 'azure://acc/models/llama'],
  ['https://acc.blob.core.windows.net/models/a%20b', undefined],
  ['https://acc.blob.core.windows.net/models/llama/', 'azure://acc/models/llama/'],
  ['https://acc.blob.core.windows.net/models/m.onnx', undefined],
  ['https://acc.blob.core.windows.net/models/llama?sv=1&sig=secret', undefined],
  ['abfss://models@acc.dfs.core.windows.net/a/b', 'azure://acc/models/a/b'],
  ['abfss://models@acc.dfs.core.windows.net', 'azure://acc/models'],
  ['wasbs://models@acc.blob.core.windows.net/m.onnx', 'azure://acc/models/m.onnx'],
])('understands a pasted %s', (text, uri) => {
  expect(pastedAzure(text)).toBe(uri);
});
