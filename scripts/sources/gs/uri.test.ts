import { expect, it } from 'vitest';
import { parseGsUri, pastedGsPage } from './uri.ts';

it.each([
  ['gs://models/llama', { bucket: 'models', key: 'llama' }],
  ['gs://my_own.example.com/a/b/', { bucket: 'my_own.example.com', key: 'a/b/' }],
  ['gs://models', { bucket: 'models', key: '' }],
  ['gs://models/100%25/ü', { bucket: 'models', key: '100%25/ü' }],
])('parses %s without decoding it', (uri, value) => {
  expect(parseGsUri(uri)).toEqual({ ok: true, value });
});

it.each([
  'gs:/models/x',
  'gs:///x',
  'gs://ab/x',
  'gs://Models/x',
  'gs://-models/x',
  'gs://a..b/x',
  'gs://10.0.0.1/x',
  'gs://google-models/x',
  `gs://${'a'.repeat(64)}/x`,
  'gs://me:secret@models/x',
  'gs://models/../x',
  'gs://models/a b',
  'gs://models/a#1234',
])('rejects %s', (uri) => {
  expect(parseGsUri(uri).ok).toBe(false);
});

it.each([
  ['https://console.cloud.google.com/storage/browser/models/a/b;tab=objects?project=p', 'gs://models/a/b'],
  ['https://console.cloud.google.com/storage/browser/_details/models/a/m.bst', 'gs://models/a/m.bst'],
  ['https://storage.cloud.google.com/models/a%25b/m.bst', 'gs://models/a%b/m.bst'],
  ['https://storage.googleapis.com/models/m.bst', undefined],
])('understands a pasted %s', (text, uri) => {
  expect(pastedGsPage(text)).toBe(uri);
});
