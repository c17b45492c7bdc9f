import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Hub, type HubModel, startHub } from '../../../tests/parts/hub.ts';
import { HubSource } from './source.ts';

const files = { 'config.json': '{}', 'pytorch_model.bin': 'w' };
const converted = { ...files, 'model.safetensors': 'w' };
/** As the bot writes it. */
const proposal = { title: 'Adding `safetensors` variant of this model', author: 'SFconvertbot' };

function model(discussions: HubModel['discussions'], proposed = converted): HubModel {
  const revisions = Object.fromEntries((discussions ?? []).map(({ num }) => [`refs/pr/${num}`, proposed]));
  return { files, revisions, ...(discussions && { discussions }) };
}

const models = {
  'org/proposed': model([{ num: 3, ...proposal }]),
  'org/twice': model([
    { num: 7, ...proposal },
    { num: 2, ...proposal },
  ]),
  'org/none': model([]),
  'org/talk': model([{ num: 1, ...proposal, isPullRequest: false }]),
  'org/closed': model([{ num: 1, ...proposal, status: 'closed' }]),
  'org/stranger': model([{ num: 1, ...proposal, author: 'SFconvertbot2' }]),
  'org/other': model([{ num: 1, ...proposal, title: 'Adding ONNX' }]),
  'org/empty': model([{ num: 1, ...proposal }], files as typeof converted),
};

let hub: Hub;
let source: HubSource;
beforeAll(async () => {
  hub = await startHub({ models });
  source = new HubSource({
    env: { HF_ENDPOINT: hub.url, HOME: '/nonexistent' },
    retry: { delay: 1, tries: 1 },
  });
});
afterEach(() => hub.forgive());
afterAll(async () => {
  await source.close();
  await hub.stop();
});

describe("the bot's proposal of safetensors", () => {
  it.each([
    ['org/proposed', 'hf://org/proposed:refs/pr/3'],
    ['org/twice', 'hf://org/twice:refs/pr/7'],
  ])('of %s is found', async (name, uri) => {
    expect(await source.converted(`hf://${name}`)).toBe(uri);
    const { files: locked } = await source.resolve(uri, (path) => path === 'model.safetensors');
    expect(locked).toHaveLength(1);
  });

  it.each([
    ['none', 'where there are no pull requests'],
    ['talk', 'in a discussion'],
    ['closed', 'in a closed pull request'],
    ['stranger', 'of an account with a similar name'],
    ['other', 'with another purpose'],
    ['empty', 'that has no safetensors'],
  ])('org/%s: none %s', async (name) => {
    expect(await source.converted(`hf://org/${name}`)).toBeUndefined();
  });

  it('is no reason to fail where the hub has no discussions', async () => {
    hub.fault({ on: 'api', kind: 'status', status: 404, path: /discussions/ });
    expect(await source.converted('hf://org/proposed')).toBeUndefined();
  });
});
