import { describe, expect, it } from 'vitest';
import { parseHubName, parseHubPage, uriOf } from './pasted.ts';

const page = (text: string, env?: NodeJS.ProcessEnv) => {
  const parsed = parseHubPage(text, env);
  return parsed?.ok ? parsed.value : parsed?.problem.expected;
};

describe('a page of the hub', () => {
  const hub = 'https://huggingface.co';
  it.each([
    [`${hub}/org/name`, { name: 'org/name' }],
    [`${hub}/org/name/`, { name: 'org/name' }],
    ['https://hf.co/org/name?library=vllm#usage', { name: 'org/name' }],
    ['http://www.huggingface.co/org/name', { name: 'org/name' }],
    ['huggingface.co/org/name', { name: 'org/name' }],
    ['hf.co/org/name/tree/v1.0', { name: 'org/name', revision: 'v1.0' }],
    [`${hub}/org/name/tree/main`, { name: 'org/name' }],
    [`${hub}/org/name/tree/main/onnx`, { name: 'org/name' }],
    [`${hub}/org/name/tree/refs%2Fpr%2F1`, { name: 'org/name', revision: 'refs/pr/1' }],
    [`${hub}/org/name/tree/refs/pr/1`, { name: 'org/name', revision: 'refs/pr/1' }],
    [`${hub}/org/name/commit/abc123`, { name: 'org/name', revision: 'abc123' }],
    [`${hub}/org/name/blob/main/a/model.onnx`, { name: 'org/name', path: 'a/model.onnx' }],
    [
      `${hub}/org/name/resolve/v1/my%20model.joblib?download=true`,
      { name: 'org/name', revision: 'v1', path: 'my model.joblib' },
    ],
    [`${hub}/org/name/discussions/3`, { name: 'org/name' }],
    [`${hub}/gpt2`, { name: 'gpt2' }],
    [`${hub}/gpt2/blob/main/config.json`, { name: 'gpt2', path: 'config.json' }],
  ])('%s', (text, reference) => {
    expect(page(text)).toEqual(reference);
  });

  it('can be on the hub of HF_ENDPOINT, also below a path', () => {
    const env = { HF_ENDPOINT: 'https://mirror.example.com/hf/' };
    expect(page('https://mirror.example.com/hf/org/name/tree/v1', env)).toEqual({
      name: 'org/name',
      revision: 'v1',
    });
    expect(page('https://mirror.example.com/org/name', env)).toBeUndefined();
    expect(page('https://mirror.example.com/hf/org/name')).toBeUndefined();
  });

  it.each([
    `${hub}/datasets/org/name`,
    `${hub}/spaces/org/name`,
    hub,
    'https://hf.co/papers/2401.00001',
    `${hub}/org/na%zzme`,
    `${hub}/org/..%2f..%2fetc`,
    `${hub}/org/name/tree/%0aevil`,
  ])('is rejected when it is not that of a model: %s', (text) => {
    expect(page(text)).toMatch(/^(the page of a model|a repository and a revision)/);
  });

  it.each([
    'https://example.com/org/name',
    'org/name',
    './huggingface.co',
    'file:a',
    's3://hf.co/x',
    'hf://org/name',
    '',
  ])('is not %j', (text) => {
    expect(page(text)).toBeUndefined();
  });
});

it.each([
  ['org/name', { name: 'org/name' }, 'hf://org/name'],
  ['org/name@v1', { name: 'org/name', revision: 'v1' }, 'hf://org/name:v1'],
  ['org/name:refs/pr/1', { name: 'org/name', revision: 'refs/pr/1' }, 'hf://org/name:refs/pr/1'],
  ['hf://org/name@main', { name: 'org/name' }, 'hf://org/name'],
  ['hf:org/name', { name: 'org/name' }, 'hf://org/name'],
  ['gpt2', { name: 'gpt2' }, undefined],
  ['gpt2@v1', { name: 'gpt2', revision: 'v1' }, undefined],
  ['hf://gpt2', { name: 'gpt2' }, undefined],
  ['Qwen/Qwen2.5-0.5B', { name: 'Qwen/Qwen2.5-0.5B' }, 'hf://Qwen/Qwen2.5-0.5B'],
])('a name: %s', (text, reference, uri) => {
  expect(parseHubName(text)).toEqual(reference);
  expect(uriOf(reference)).toBe(uri);
});

it.each([
  'a/b/c',
  './a',
  '../a',
  'a/..',
  '/a/b',
  'a b',
  'a//b',
  '',
  'hf:',
  'gpt2:v1',
  'https://hf.co/a/b',
  'a/b@',
  'a@..',
])('no name: %j', (text) => {
  expect(parseHubName(text)).toBeUndefined();
});
