import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Hub, startHub } from '../../tests/parts/hub.ts';
import { Folder, failure } from '../../tests/support/catalog-folder.ts';
import type { SourceOptions } from '../sources/types.ts';
import { addedSource } from './added-source.ts';

let hub: Hub;
let folder: Folder;
let cwd: string;
let sources: SourceOptions;
beforeAll(async () => {
  hub = await startHub({
    models: { 'org/name': { files: { 'config.json': '{}' } }, 'models/big': { files: { a: '' } } },
    renamed: { gpt2: 'org/name', 'old/name': 'org/name' },
  });
  folder = await Folder.make({
    'repo/iris-2024.joblib': '',
    'repo/my models/a#b.onnx': '',
    'repo/org/local': '',
    'repo/models/iris.joblib': '',
    'outside.bst': '',
  });
  cwd = join(folder.path, 'repo');
  sources = {
    directory: cwd,
    env: { HF_ENDPOINT: hub.url, HOME: '/nonexistent' },
    retry: { tries: 1 },
  };
});
afterAll(async () => {
  await hub?.stop();
  await folder?.[Symbol.asyncDispose]();
});

const add = (text: string) => addedSource(text, sources, { cwd });
const refusal = (text: string) => failure(add(text));

describe('a local path', () => {
  it.each([
    ['iris-2024.joblib', 'file:iris-2024.joblib'],
    ['./iris-2024.joblib', 'file:iris-2024.joblib'],
    ['models', 'file:models'],
    ['./models/', 'file:models'],
    ['.', 'file:.'],
    ['my models/a#b.onnx', 'file:my%20models/a%23b.onnx'],
    // It wins over a repository of that name.
    ['org/local', 'file:org/local'],
  ])('%s', async (text, uri) => {
    expect(await add(text)).toEqual({ uri });
    expect(hub.requests()).toEqual([]);
  });

  it('outside the folder of models.yaml is absolute', async () => {
    expect(await add('../outside.bst')).toEqual({ uri: `file://${folder.path}/outside.bst` });
  });

  it('is relative to models.yaml, wherever the command runs', async () => {
    const below = { ...sources, directory: join(cwd, 'models') };
    expect(await addedSource('models/iris.joblib', below, { cwd })).toEqual({ uri: 'file:iris.joblib' });
  });
});

describe('on the hub', () => {
  it.each([
    ['org/name', { uri: 'hf://org/name' }],
    ['org/name@v1', { uri: 'hf://org/name:v1' }],
    ['hf://org/name:v1', { uri: 'hf://org/name:v1' }],
    ['https://huggingface.co/org/name/tree/v1', { uri: 'hf://org/name:v1' }],
    ['hf.co/org/name/blob/main/a/b.onnx', { uri: 'hf://org/name', path: 'a/b.onnx' }],
    ['gpt2', { uri: 'hf://org/name', note: 'gpt2 is org/name on the hub' }],
    ['hf://gpt2', { uri: 'hf://org/name', note: 'gpt2 is org/name on the hub' }],
    ['https://huggingface.co/gpt2', { uri: 'hf://org/name', note: 'gpt2 is org/name on the hub' }],
    ['old/name@v1', { uri: 'hf://org/name:v1', note: 'old/name is org/name on the hub' }],
    // `models/` is a folder here, but nothing in it has a similar name.
    ['models/big', { uri: 'hf://models/big' }],
  ])('%s', async (text, source) => {
    expect(await add(text)).toEqual(source);
  });

  it('of HF_ENDPOINT too, by the URL of a page', async () => {
    expect(await add(`${hub.url}/org/name/tree/main`)).toEqual({ uri: 'hf://org/name' });
  });
});

it.each([
  ['https://example.com/m.onnx', 'https://example.com/m.onnx'],
  ['https://github.com/o/r/blob/main/m.onnx', 'https://github.com/o/r/raw/main/m.onnx'],
  ['s3://bucket/prefix', 's3://bucket/prefix'],
  ['file:models', 'file:models'],
])('a URL: %s', async (text, uri) => {
  expect(await add(text)).toEqual({ uri });
});

describe('rejects', () => {
  it.each([
    ['./iris-2024.jobilb', 'no file or folder has this path; did you mean `./iris-2024.joblib`?'],
    ['models/irsi.joblib', 'no file or folder has this path; did you mean `models/iris.joblib`?'],
    ['models/iris', 'no file or folder has this path; did you mean `models/iris.joblib`?'],
    ['wine.joblib', 'no file or folder has this path'],
    ['a/b/c', 'no file or folder has this path'],
    ['', 'no file or folder has this path'],
    ['hff://org/name', 'did you mean `hf://org/name`?'],
    ['htps://example.com/x', 'did you mean `https://example.com/x`?'],
    ['https://huggingface.co/datasets/org/name', 'expected the page of a model on the hub'],
    ['https://example.com', 'expected a path after the host'],
    ['https://me:hunter22@example.com/x', 'without user and password'],
  ])('%s', async (text, problem) => {
    const error = await refusal(text);
    expect(error).toMatchObject({ code: 'usage', next: expect.any(String) });
    expect(error.message).toContain(`add ${text.replace('me:hunter22', '****')}: `);
    expect(error.message).toContain(problem);
    expect(error.message).not.toContain('hunter22');
  });

  it('a name that is neither a path nor on the hub', async () => {
    const error = await refusal('gpt3');
    expect(error.message).toContain(
      'add gpt3: no file or folder has this path; as a name on the hub: read hf://gpt3',
    );
    expect(error.next).toMatch(/^correct the path or the name/);
    expect((await refusal('model')).message).toContain('did you mean `models`?; as a name on the hub');
    expect((await refusal('models/iris')).next).toContain('hf://models/iris for a repository of the hub');
  });
});
