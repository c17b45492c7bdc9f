import { afterAll, beforeAll, expect, it } from 'vitest';
import { Folder, failure } from '../../tests/support/catalog-folder.ts';
import { isModel } from '../model/catalog-entry.ts';
import { loadCatalog } from './load.ts';

let folder: Folder;
beforeAll(async () => {
  folder = await Folder.make();
});
afterAll(() => folder[Symbol.asyncDispose]());

const catalog = (defaults: string, serving: string) =>
  `${defaults}models:\n  - name: iris\n    framework: testing\n    source: file:m\n${serving}`;

async function serving(defaults: string, own: string) {
  const { models } = await loadCatalog(await folder.catalog(catalog(defaults, own)));
  return models.filter(isModel)[0]?.serving;
}

it('is absent by default', async () => {
  expect(await serving('', '')).toBeUndefined();
});

it("prefers a model's fields to the defaults', and merges variables", async () => {
  const defaults =
    'defaults:\n  serving: {imagePullSecrets: [quay], args: [--a], env: {A: "1", B: "1"}, serviceAccount: all}\n';
  const own =
    '    serving:\n      args: [--dtype=half]\n      env: {B: "2"}\n      resources: {limits: {nvidia.com/gpu: 1, memory: 24Gi}}\n';
  expect(await serving(defaults, own)).toEqual({
    imagePullSecrets: ['quay'],
    args: ['--dtype=half'],
    env: { A: '1', B: '2' },
    resources: { limits: { 'nvidia.com/gpu': '1', memory: '24Gi' } },
    serviceAccount: 'all',
  });
});

it.each([
  ['resources: {limits: {memory: 24GB}}', 'expected an amount such as `500m`, `2` or `4Gi`, got `24GB`'],
  ['resources: {requests: {cpu: -1}}', 'expected an amount such as'],
  ['imagePullSecrets: [Quay]', 'the name of a Secret'],
  ['runtme: x', 'did you mean `runtime`?'],
  ['args: --dtype=half', 'expected a list of arguments'],
  ['env: {"A=B": "1"}', 'the name of a variable'],
])('rejects %s', async (line, message) => {
  const error = await failure(loadCatalog(await folder.catalog(catalog('', `    serving: {${line}}\n`))));
  expect(error.message).toContain(message);
});
