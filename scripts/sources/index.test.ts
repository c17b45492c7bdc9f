import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { checkUri, closeSources, openSource } from './index.ts';
import { sourceKinds } from './kinds.ts';

it.each([
  ['hf://org/repo'],
  ['hf://Qwen/Qwen2.5-0.5B:main'],
  ['hf://org/repo:7ae557604adf67be50417f59c2c2f167def9a775'],
  ['https://example.com/model.onnx'],
  ['https://example.com/model.onnx?download=true'],
  ['http://127.0.0.1:8080/model.onnx'],
  ['http://[::1]:8080/model.onnx'],
  ['http://localhost/model.onnx'],
  ['https://huggingface.co/org/name/resolve/main/model.onnx'],
  ['https://github.com/o/r/blob/main/model.onnx?raw=true'],
  ['s3://bucket/prefix/of/model'],
  ['s3://bucket'],
  ['oci://quay.io/me/iris:v1'],
  ['gs://bucket/prefix'],
  ['azure://account/container/prefix'],
  ['https://account.blob.core.windows.net/container/model.onnx'],
])('accepts %j', (uri) => {
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
  ['https://me@host/x', 'without user and password'],
  ['https://host/x#y', 'without `#`'],
  ['https://host/x#', 'without `#`'],
  ['https://host/dir/', 'not with `/`'],
  ['https://host/a%2fb', 'holds a `/`'],
  ['https://host/%2e%2e%2fb', 'holds a `/`'],
  ['https://host/a%00b', 'NUL'],
  ['https://host/a%5cb', 'backslash'],
  ['https://host/.wh.model', '.wh.'],
  ['https://host/%zz', 'percent-encoding'],
  ['https://bucket.host/x?X-Amz-Algorithm=a&X-Amz-Signature=b', '`X-Amz-Signature`'],
  ['https://host/x?sv=1&sig=abc', '`sig`'],
  ['https://host/x?access_token=abc', '`access_token`'],
  ['http://127.0.0.1@host/x', '`https://host/path`'],
  ['http://127.0.0.1.host/x', '`https://host/path`'],
  ['lone \ud800', 'control'],
])('rejects %j', (uri, word) => {
  expect(checkUri(uri)?.expected).toContain(word);
});

it('prints no part of a secret', () => {
  expect(JSON.stringify(checkUri('https://host/x?sig=abcdef'))).not.toContain('abcdef');
});

it.each([
  ['http://host/x', '; did you mean `https://host/x`?'],
  ['http://host/x?sig=abc', '; did you mean `https:`?'],
  ['http://host/x?a=b', '; did you mean `https:`?'],
  ['fiel:x', '; did you mean `file:x`?'],
  ['FILE:x', '; did you mean `file:x`?'],
  ['s4://bucket/x', '; did you mean `s3://bucket/x`?'],
  ['s4://b/x', '; did you mean `s3:`?'],
  ['hff://org/name', '; did you mean `hf://org/name`?'],
  ['models/model.joblib', '; did you mean `file:models/model.joblib`?'],
  [
    'models:/churn/3',
    '; a model on an MLflow server: fetch it with `mlflow artifacts download --artifact-uri models:/churn/3 --dst-path model`, then `file:model`',
  ],
  [
    'runs:/0f/model?token=abc',
    '; a model on an MLflow server: fetch it with `mlflow artifacts download --artifact-uri runs:/… --dst-path model`, then `file:model`',
  ],
  ['org/name', '; did you mean `file:org/name` or `hf://org/name`?'],
  ['hf://org/name@v1', '; did you mean `hf://org/name:v1`?'],
  ['https://huggingface.co/org/name/tree/v1', '; did you mean `hf://org/name:v1`?'],
  ['https://hf.co/org/name/blob/main/config.json', '; did you mean `hf://org/name`?'],
  ['https://github.com/o/r/blob/main/m.onnx', '; did you mean `https://github.com/o/r/raw/main/m.onnx`?'],
  ['pvc://claim/x', ''],
])('suggests for %j', (uri, hint) => {
  expect(checkUri(uri)?.hint).toBe(hint);
});

it('opens no URI of another scheme', () => {
  expect(() => openSource('ftp://x', { directory: '/' })).toThrow(/expected `file:path`/);
});

it('shares one source per kind among the same options, until they are closed', async () => {
  const options = { directory: '/' };
  const source = openSource('hf://org/one', options);
  expect(openSource('hf://org/two', options)).toBe(source);
  expect(openSource('https://host/one', options)).not.toBe(source);
  expect(openSource('hf://org/one', { directory: '/' })).not.toBe(source);
  await closeSources(options);
  expect(openSource('hf://org/one', options)).not.toBe(source);
});

it('documents every form of a URI', async () => {
  const page = new URL('../../docs/reference/models-yaml.md', import.meta.url);
  const [, table = ''] =
    /\n## Sources\n\n\|.*\n\|.*\n([\s\S]*?)\n\n/.exec(await readFile(page, 'utf8')) ?? [];
  const forms = sourceKinds.flatMap((kind) => kind.forms);
  expect(table.split('\n')).toEqual(forms.map(({ uri, names }) => `| \`${uri}\` | ${names} |`));
});

it('has an example in each kind that the kind itself accepts', () => {
  for (const { example } of sourceKinds) {
    const uri = example.replace(/\[(:\w+)\]/, '$1');
    expect(checkUri(uri), uri).toBeUndefined();
  }
});
