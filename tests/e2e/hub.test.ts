/** hf:// models from a misbehaving hub into a real registry, by the program as a user runs it. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { noise, root, tryModelcars } from '../parts/cli.ts';
import { type Fault, type Hub, startHub } from '../parts/hub.ts';
import { missingParts } from '../parts/parts.ts';
import { type Registry, startRegistry } from '../parts/registry.ts';
import type { Result } from '../parts/run.ts';
import { holesBehind, tagDigest } from '../parts/tags.ts';
import { safetensors } from '../support/model-files.ts';

const token = 'hf_EndToEndSecretToken4321';
const weights = safetensors(noise(25_000_000, 3));
const readme =
  '---\nlicense: apache-2.0\nbase_model: org/base\npipeline_tag: text-generation\nlibrary_name: transformers\n---\n# Model\n';
const files = {
  'README.md': readme,
  'config.json': '{"architectures": ["LlamaForCausalLM"]}',
  'tokenizer.json': '{}',
  'model.safetensors': weights,
  'pytorch_model.bin': { size: 1000, generate: 4 },
  '.gitattributes': '*.bin filter=lfs',
};
const missing = await missingParts('docker-registry');

describe.skipIf(missing)('hf:// models', () => {
  let hub: Hub;
  let registry: Registry;
  let folder: string;
  const shown: Result[] = [];
  let runs = 0;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'modelcars-hub-e2e-'));
    registry = await startRegistry({ kind: 'docker-registry' });
    hub = await startHub({
      models: {
        'org/model': { files, revisions: { 'v1.0': { ...files, 'config.json': '{"v": 1}' } } },
        'org/gated': { files, gated: 'manual' },
        'org/open': { files, gated: 'auto' },
        'org/tuned': { files: { 'README.md': 'none' } },
      },
      tokens: { [token]: { user: 'me', accepted: ['org/open'] } },
      pageSize: 3,
    });
  });
  afterEach(() => {
    for (const { stdout, stderr } of shown)
      expect(`${stdout}${stderr}`).not.toMatch(/EndToEndSecret|X-Amz-Sig/);
    expect(hub.requests().filter(({ part, authorized }) => part === 'cdn' && authorized)).toEqual([]);
  });
  afterAll(async () => {
    await hub?.stop();
    await registry?.stop();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  /** Runs a command on one model in a folder and with a separate store. */
  const run = async (
    where: string,
    args: string[],
    env: Record<string, string | undefined> = {},
  ): Promise<Result> => {
    const cwd = join(folder, where);
    const own = {
      HF_ENDPOINT: hub.url,
      HF_TOKEN: token,
      HF_HOME: join(folder, 'hf'),
      HF_TOKEN_PATH: undefined,
    };
    const result = await tryModelcars(args, { cwd, env: { ...own, ...env } });
    shown.push(result);
    return result;
  };
  const write = async (where: string, model: Record<string, unknown>): Promise<void> => {
    await mkdir(join(folder, where), { recursive: true });
    const entry = { name: 'llm', framework: 'vllm', base: 'embedded', version: 'v1.0.0', ...model };
    await writeFile(join(folder, where, 'models.yaml'), stringify({ models: [entry] }));
  };
  /** A locked model in a separate folder. */
  const locked = async (model: Record<string, unknown> = {}): Promise<string> => {
    const where = `run-${++runs}`;
    await write(where, { source: 'hf://org/model', ...model });
    expect(await run(where, ['lock'])).toMatchObject({ code: 0 });
    return where;
  };
  const push = (where: string, env = {}) =>
    run(where, ['push', '--registry', `${registry.host}/${where}`], env);
  const digestOf = (where: string) => tagDigest(registry.host, `${where}/llm`, 'v1.0.0');

  /** The digest of a push without any fault. */
  let right: string | undefined;

  test('are locked to a commit and hashes, and pushed from the hub with the right bytes', async () => {
    const where = await locked();
    const lock = await readFile(join(folder, where, 'models.lock.yaml'), 'utf8');
    expect(lock).toContain(`revision: ${hub.sha('org/model')}`);
    expect(lock).toContain('license: apache-2.0');
    expect(lock).not.toMatch(/pytorch_model|gitattributes/);
    expect(await push(where)).toMatchObject({ code: 0 });
    right = await digestOf(where);
    expect(right).toMatch(/^sha256:/);
    expect(await holesBehind(registry.host, `${where}/llm`, 'v1.0.0')).toEqual([]);

    const oci = 'application/vnd.oci.image';
    const get = async (path: string) =>
      await fetch(`${registry.url}/v2/${where}/llm/${path}`, {
        headers: { accept: `${oci}.index.v1+json, ${oci}.manifest.v1+json` },
      });
    const index = (await (await get(`manifests/${right}`)).json()) as {
      annotations: Record<string, string>;
      manifests: { digest: string }[];
    };
    expect(index.annotations).toMatchObject({
      'org.opencontainers.image.licenses': 'Apache-2.0',
      'org.opencontainers.image.source': 'https://huggingface.co/org/model',
      'org.opencontainers.image.url': 'https://huggingface.co/org/model',
      'org.opencontainers.image.revision': hub.sha('org/model'),
      'dev.modelcars.base-model': 'org/base',
      'dev.modelcars.pipeline-tag': 'text-generation',
    });
    const manifest = (await (await get(`manifests/${index.manifests[0]?.digest}`)).json()) as {
      layers: { digest: string }[];
    };
    const unpacked = join(folder, 'unpacked');
    await mkdir(unpacked);
    for (const { digest } of manifest.layers) {
      const tar = join(folder, 'layer.tar');
      await writeFile(tar, Buffer.from(await (await get(`blobs/${digest}`)).arrayBuffer()));
      await promisify(execFile)('tar', [
        '-xf',
        tar,
        '-C',
        unpacked,
        '--no-same-permissions',
        '--delay-directory-restore',
      ]);
    }
    const hash = createHash('sha256').update(weights);
    const got = createHash('sha256').update(await readFile(join(unpacked, 'models/model.safetensors')));
    expect(got.digest('hex')).toBe(hash.digest('hex'));
    expect(await readFile(join(unpacked, 'models/README.md'), 'utf8')).toBe(readme);
  });

  const cdn = (fault: Omit<Fault, 'on'>): Fault => ({ on: 'cdn', path: /model\.safetensors/, ...fault });
  test.each<[string, Fault[]]>([
    ['resets connections', [cdn({ kind: 'reset', after: 4_000_000, times: 2 })]],
    ['closes connections early', [cdn({ kind: 'cut', after: 1_000_000, times: 3 })]],
    ['ends bodies early', [cdn({ kind: 'truncate', after: 2_000_000, times: 2 })]],
    ['lets signed URLs run out', [cdn({ kind: 'expired', skip: 1, times: 2 })]],
    ['is unavailable for a while', [cdn({ kind: 'status', status: 503, times: 2 })]],
    ['stalls', [cdn({ kind: 'crawl', after: 300_000, delay: 1500 })]],
    ['knows no ranges', [cdn({ kind: 'whole', times: 4 })]],
    [
      'limits the rate',
      [
        {
          on: 'resolve',
          path: /model/,
          kind: 'status',
          status: 429,
          headers: { ratelimit: '"resolvers";r=0;t=1' },
        },
      ],
    ],
  ])('are downloaded completely from a hub that %s', async (_, faults) => {
    const where = await locked();
    for (const fault of faults) hub.fault(fault);
    const { code, stderr } = await push(where);
    expect(stderr).not.toContain('MaxListeners');
    expect(code).toBe(0);
    expect(await digestOf(where)).toBe(right);
    expect(hub.pending().filter(({ kind }) => kind !== 'whole')).toEqual([]);
    hub.forgive();
  });

  test('are not published with a wrong byte; the file is named, and the next run recovers', async () => {
    const where = await locked();
    hub.fault(cdn({ kind: 'wrong', after: 3_333_333 }));
    const { code, stderr } = await push(where);
    expect(code).toBe(1);
    expect(stderr).toMatch(/model\.safetensors.*sha256/);
    expect(await digestOf(where)).toBeUndefined();
    expect(await push(where)).toMatchObject({ code: 0 });
    expect(await digestOf(where)).toBe(right);
  });

  test('that are gated need an account which accepted the licence', async () => {
    await write('gated', { source: 'hf://org/gated' });
    const refused = await run('gated', ['lock']);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/gated.*not accepted its licence/);
    expect(refused.stderr).toContain(`${hub.url}/org/gated`);
    const anonymous = await run('gated', ['lock'], { HF_TOKEN: undefined });
    expect(anonymous.stderr).toMatch(/gated, and no token is set/);
    expect(anonymous.stderr).toContain('HF_TOKEN');
    const where = await locked({ source: 'hf://org/open' });
    const late = await push(where, { HF_TOKEN: undefined });
    expect(late).toMatchObject({ code: 1, stderr: expect.stringMatching(/gated, and no token is set/) });
    expect(await push(where)).toMatchObject({ code: 0 });
  });

  test('that do not exist are distinguished from wrong revisions', async () => {
    await write('missing', { source: 'hf://org/none' });
    expect((await run('missing', ['lock'])).stderr).toMatch(/there is no org\/none on/);
    await write('missing', { source: 'hf://org/model:v7' });
    expect((await run('missing', ['lock'])).stderr).toMatch(/no branch, tag or commit v7/);
  });

  test('of a tag are locked to the commit of the tag', async () => {
    const where = await locked({ source: 'hf://org/model:v1.0' });
    expect(await readFile(join(folder, where, 'models.lock.yaml'), 'utf8')).toContain(
      hub.sha('org/model', 'v1.0'),
    );
  });

  test('stay at their commit when the branch moves, until they are upgraded', async () => {
    const where = await locked();
    const before = hub.sha('org/model');
    await hub.commit('org/model', { ...files, 'config.json': '{"moved": true}' });
    expect(await push(where)).toMatchObject({ code: 0 });
    expect(await digestOf(where)).toBe(right);
    await run(where, ['lock']);
    expect(await readFile(join(folder, where, 'models.lock.yaml'), 'utf8')).toContain(before);
    await run(where, ['lock', '--upgrade']);
    expect(await readFile(join(folder, where, 'models.lock.yaml'), 'utf8')).not.toContain(before);
    await hub.commit('org/model', files);
  });

  test('give single files to `files:`, locked to their own commit', async () => {
    const from = 'hf://org/tuned:v1#README.md';
    await hub.commit('org/tuned', { 'README.md': 'first', 'other.txt': 'x' });
    const where = await locked({ files: { 'CARD.md': 'hf://org/tuned#README.md' } });
    const lockText = () => readFile(join(folder, where, 'models.lock.yaml'), 'utf8');
    expect(await lockText()).toMatch(
      new RegExp(`source: hf://org/tuned#README.md\\n +revision: ${hub.sha('org/tuned')}`),
    );
    await hub.commit('org/tuned', { 'README.md': 'second' });
    expect(await push(where)).toMatchObject({ code: 0 });
    const locked1 = await lockText();
    await run(where, ['lock']);
    expect(await lockText()).toBe(locked1);
    await run(where, ['lock', '--upgrade']);
    expect(await lockText()).toContain(`revision: ${hub.sha('org/tuned')}`);
    await write(where, { source: 'hf://org/model', files: { 'CARD.md': from } });
    expect((await run(where, ['lock'])).stderr).toMatch(/no branch, tag or commit v1/);
  });

  test('come with one set of weights if the framework requires it, and the files left out are reported', async () => {
    const framework = join(folder, 'choosing', 'frameworks', 'choosing');
    await mkdir(framework, { recursive: true });
    const from = (path: string) => JSON.stringify(join(root, path));
    await writeFile(
      join(framework, 'framework.ts'),
      `import vllm from ${from('frameworks/vllm/framework.ts')};
import { chooseWeights } from ${from('scripts/sources/huggingface/weights.ts')};
export default { ...vllm, name: 'choosing', include: ['**'], exclude: [], choose: chooseWeights };`,
    );
    await write('choosing', { source: 'hf://org/model', framework: 'choosing' });
    const { code, stderr } = await run('choosing', ['lock']);
    expect(code).toBe(0);
    expect(stderr).toMatch(/llm: left out .*pytorch_model\.bin.*the same weights/);
    const lock = await readFile(join(folder, 'choosing', 'models.lock.yaml'), 'utf8');
    expect(lock).toContain('path: model.safetensors');
    expect(lock).not.toContain('pytorch_model');
    await write('choosing', {
      source: 'hf://org/model',
      framework: 'choosing',
      include: ['*.bin', '*.json', '*.safetensors'],
    });
    await run('choosing', ['lock']);
    expect(await readFile(join(folder, 'choosing', 'models.lock.yaml'), 'utf8')).toContain(
      'path: pytorch_model.bin',
    );
  });
});
