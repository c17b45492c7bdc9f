import { expect, it } from 'vitest';
import { checkUri } from '../index.ts';
import { ociUriAt, parseOciUri, pastedReference } from './uri.ts';

const digest = `sha256:${'a'.repeat(64)}`;

it.each([
  ['oci://quay.io/me/iris', { registry: 'quay.io', repository: 'me/iris' }],
  ['oci://quay.io/me/iris:v1.0.0', { registry: 'quay.io', repository: 'me/iris', tag: 'v1.0.0' }],
  [`oci://quay.io/me/iris:v1@${digest}`, { registry: 'quay.io', repository: 'me/iris', tag: 'v1', digest }],
  ['oci://localhost:5000/iris', { registry: 'localhost:5000', repository: 'iris' }],
])('parses %s', (uri, reference) => {
  expect(parseOciUri(uri)).toEqual({ ok: true, value: { reference } });
});

it('parses a file of an image', () => {
  expect(parseOciUri('oci://quay.io/me/iris:v1#a/b #1')).toMatchObject({ value: { path: 'a/b #1' } });
});

it.each([
  ['oci://', 'the repository is missing'],
  ['oci:quay.io/me/iris', '`oci://registry/repository[:tag|@digest]`'],
  ['oci://quay.io/Me/iris:v1', '; did you mean `oci://quay.io/me/iris:v1`?'],
  ['oci://quay.io/me/iris@sha256:abc', '64 lower-case'],
  ['oci://me:secret@quay.io/me/iris', 'nothing secret'],
  ['oci://quay.io/me/iris#../x', 'holds the component `..`'],
  ['oci://quay.io/me/iris#', 'is empty'],
])('rejects %s', (uri, words) => {
  const problem = checkUri(uri);
  expect(`${problem?.expected}${problem?.hint ?? ''}`).toContain(words);
  expect(JSON.stringify(problem)).not.toContain('secret@');
});

it.each([
  ['oci+native://quay.io/me/iris:v1', 'oci://quay.io/me/iris:v1'],
  ['docker://quay.io/me/iris:v1', 'oci://quay.io/me/iris:v1'],
  ['quay.io/me/iris:v1', 'oci://quay.io/me/iris:v1'],
  [`quay.io/me/iris@${digest}`, `oci://quay.io/me/iris@${digest}`],
  ['localhost:5000/iris:v1', 'oci://localhost:5000/iris:v1'],
  ['models/iris.v1/model.bst', undefined],
  ['org/name:main', undefined],
  ['https://quay.io/me/iris:v1', undefined],
])('understands a pasted %s', (text, uri) => {
  expect(pastedReference(text)).toBe(uri);
});

it('replaces the digest, and keeps tag and file', () => {
  expect(ociUriAt('oci://quay.io/me/iris:v1', digest)).toBe(`oci://quay.io/me/iris:v1@${digest}`);
  expect(ociUriAt(`oci://h:5/iris@sha256:${'b'.repeat(64)}#a`, digest)).toBe(`oci://h:5/iris@${digest}#a`);
});
