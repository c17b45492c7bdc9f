/**
 * Checks the test hub with the real Python client: if the client accepts it, it is close enough to test the hub source.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Hub, startHub } from '../parts/hub.ts';
import { missingHubClient, tryPython } from '../parts/hub-client.ts';
import { generated } from '../parts/hub-content.ts';

const missing = await missingHubClient();
const readme =
  '---\nlicense: apache-2.0\nbase_model: org/base\npipeline_tag: text-generation\n---\n# A model\n';

describe.skipIf(missing)('huggingface_hub and the test hub', () => {
  let hub: Hub;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'modelcars-hub-client-'));
    hub = await startHub({
      models: {
        'org/model': {
          files: {
            'README.md': readme,
            'config.json': '{"a": 1}',
            'a/b/c d.txt': 'deep',
            'model.safetensors': { size: 25_000_000, generate: 1 },
          },
          revisions: { 'v1.0': { 'config.json': '{"a": 0}' } },
          discussions: [
            { num: 1, title: 'Thanks', author: 'ann', isPullRequest: false },
            { num: 2, title: 'A fix', author: 'bob' },
            { num: 3, title: 'Another', author: 'SFconvertbot' },
            { num: 4, title: 'Done', author: 'bob', status: 'merged' },
          ],
        },
        'org/gated': { files: { 'config.json': '{}' }, gated: 'auto' },
        'org/private': { files: { 'config.json': '{}' }, private: true },
      },
      renamed: { 'old/model': 'org/model' },
      tokens: { hf_mine: { user: 'me', accepted: ['org/gated'] }, hf_other: { user: 'other' } },
      pageSize: 2,
    });
  });
  afterAll(async () => {
    await hub?.stop();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  /** Runs Python that prints JSON. */
  const ask = async (code: string, token?: string): Promise<unknown> => {
    const script = `
import json, huggingface_hub as h
api = h.HfApi()
try: answer = ${code}
except Exception as error: answer = type(error).__name__
print(json.dumps(answer))`;
    const surroundings = { endpoint: hub.url, home: join(folder, 'home'), ...(token && { token }) };
    const { code: exit, stdout, stderr } = await tryPython(['-c', script], surroundings);
    if (exit !== 0) throw new Error(stderr);
    return JSON.parse(stdout);
  };

  test('hf download downloads every file, byte for byte', async () => {
    const into = join(folder, 'downloaded');
    const args = ['-m', 'huggingface_hub.cli.hf', 'download', 'org/model', '--local-dir', into];
    const result = await tryPython(args, { endpoint: hub.url, home: join(folder, 'home'), token: 'hf_mine' });
    expect(result).toMatchObject({ code: 0 });
    expect(await readFile(join(into, 'README.md'), 'utf8')).toBe(readme);
    expect(await readFile(join(into, 'a/b/c d.txt'), 'utf8')).toBe('deep');
    const weights = await readFile(join(into, 'model.safetensors'));
    expect(weights.equals(Buffer.concat([...generated(1, 0, 25_000_000)]))).toBe(true);
    const cdn = hub.requests().filter(({ part }) => part === 'cdn');
    expect(cdn.length).toBeGreaterThan(0);
    expect(cdn.some(({ authorized }) => authorized)).toBe(false);
  });

  test('a snapshot of a tag is that tag', async () => {
    const path = await ask(`h.snapshot_download('org/model', revision='v1.0')`);
    expect(path).toContain(hub.sha('org/model', 'v1.0'));
    expect(await readFile(join(String(path), 'config.json'), 'utf8')).toBe('{"a": 0}');
  });

  test('it lists files over several pages, paths, model cards and the owner of a token', async () => {
    const files = ['README.md', 'a/b/c d.txt', 'config.json', 'model.safetensors'];
    expect(await ask(`sorted(api.list_repo_files('org/model'))`)).toEqual(files);
    expect(
      await ask(`[f.path for f in api.list_repo_tree('org/model', recursive=True) if hasattr(f, 'size')]`),
    ).toEqual(files);
    expect(
      await ask(`[f.lfs.sha256 for f in api.get_paths_info('org/model', ['model.safetensors', 'no'])]`),
    ).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/)]);
    expect(await ask(`api.model_info('org/model').card_data.to_dict()`)).toMatchObject({
      license: 'apache-2.0',
    });
    expect(await ask(`api.model_info('old/model').id`)).toBe('org/model');
    expect(await ask(`api.whoami()['name']`, 'hf_mine')).toBe('me');
  });

  test('it lists the open pull requests', async () => {
    const asked = `api.get_repo_discussions('org/model', discussion_type='pull_request', discussion_status='open')`;
    expect(await ask(`[[d.num, d.author, d.title, d.git_reference] for d in ${asked}]`)).toEqual([
      [2, 'bob', 'A fix', 'refs/pr/2'],
      [3, 'SFconvertbot', 'Another', 'refs/pr/3'],
    ]);
  });

  test.each([
    [`api.model_info('org/none')`, undefined, 'RepositoryNotFoundError'],
    [`api.model_info('org/none')`, 'hf_mine', 'RepositoryNotFoundError'],
    [`api.model_info('org/private')`, 'hf_mine', 'RepositoryNotFoundError'],
    [`api.model_info('org/model', revision='no')`, undefined, 'RevisionNotFoundError'],
    [`h.hf_hub_download('org/model', 'no')`, undefined, 'RemoteEntryNotFoundError'],
    [`h.hf_hub_download('org/gated', 'config.json')`, undefined, 'GatedRepoError'],
    [`h.hf_hub_download('org/gated', 'config.json')`, 'hf_other', 'GatedRepoError'],
    [`h.hf_hub_download('org/gated', 'config.json') is not None`, 'hf_mine', true],
    [`api.model_info('org/model')`, 'hf_unknown', 'HfHubHTTPError'],
  ])('%s with token %s: %s', async (code, token, expected) => {
    expect(await ask(code, token)).toBe(expected);
  });

  test('it honours a rate limit and resumes a broken download', async () => {
    const headers = { ratelimit: '"resolvers";r=0;t=1' };
    hub.fault({ on: 'cdn', kind: 'status', status: 429, headers });
    hub.fault({ on: 'cdn', kind: 'cut', after: 21_000_000 });
    const before = hub.requests().length;
    expect(
      await ask(
        `h.snapshot_download('org/model', cache_dir='${join(folder, 'again')}', allow_patterns='*.safetensors') is not None`,
      ),
    ).toBe(true);
    expect(hub.pending()).toEqual([]);
    const ranges = hub
      .requests()
      .slice(before)
      .map(({ range }) => range);
    expect(ranges.some((range) => /^bytes=[1-9]\d*-$/.test(range ?? ''))).toBe(true);
  });
});
