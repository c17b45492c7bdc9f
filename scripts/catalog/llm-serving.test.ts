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

it('has the fields of an LLMInferenceService', async () => {
  const own =
    '    serving:\n      kind: LLMInferenceService\n      parallelism: {tensor: 2, data: 8, dataLocal: 4, expert: true}\n      router: {gateway: {refs: [{name: inference, namespace: gateways}]}, route: {}}\n';
  expect(await serving('defaults: {serving: {kind: InferenceService}}\n', own)).toMatchObject({
    kind: 'LLMInferenceService',
    parallelism: { tensor: 2, data: 8, dataLocal: 4, expert: true },
    router: { gateway: { refs: [{ name: 'inference', namespace: 'gateways' }] }, route: {} },
  });
});

it.each([
  ['kind: LLMInferenceServices', 'did you mean `LLMInferenceService`?'],
  ['parallelism: {tensor: 0}', 'a whole number from 1 to 4096'],
  ['parallelism: {pipeline: 2}', '`pipeline`'],
  ['parallelism: {data: 8}', 'requires `dataLocal`'],
  ['parallelism: {dataLocal: 8}', 'requires `data`'],
  ['parallelism: {data: 8, dataLocal: 3}', 'a multiple of dataLocal (3), got `8`'],
  ['parallelism: {expert: true}', 'requires `data` and `dataLocal`'],
  ['router: {route: true}', "`{}`, for KServe's HTTPRoute"],
  ['router: {gateway: {refs: [{name: a}]}}', 'the name of a namespace'],
])('refuses what KServe would: %s', async (own, message) => {
  const error = await failure(loadCatalog(await folder.catalog(catalog('', `    serving:\n      ${own}\n`))));
  expect(error.message).toContain(message);
});
