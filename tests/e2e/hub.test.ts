/** hf:// models from a hub into a real registry, by the program as a user runs it. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { root } from '../parts/cli.ts';
import { missingParts } from '../parts/parts.ts';
import { holesBehind } from '../parts/tags.ts';
import { cdn, files, HubRuns, readme, weights } from './_hub.ts';

const missing = await missingParts('docker-registry');

describe.skipIf(missing)('hf:// models', () => {
  let hf: HubRuns;
  beforeAll(async () => {
    hf = await HubRuns.start({
      'org/gated': { files, gated: 'manual' },
      'org/open': { files, gated: 'auto' },
      'org/tuned': { files: { 'README.md': 'none' } },
    });
  });
  afterEach(() => hf.expectNoSecrets());
  afterAll(() => hf?.[Symbol.asyncDispose]());

  /** The digest of a push without any fault. */
  let right: string | undefined;

  test('are locked to a commit and hashes, and pushed from the hub with the right bytes', async () => {
    const where = await hf.locked();
    const lock = await readFile(join(hf.folder, where, 'models.lock.yaml'), 'utf8');
    expect(lock).toContain(`revision: ${hf.hub.sha('org/model')}`);
    expect(lock).toContain('license: apache-2.0');
    expect(lock).not.toMatch(/pytorch_model|gitattributes/);
    expect(await hf.push(where)).toMatchObject({ code: 0 });
    right = await hf.digestOf(where);
    expect(right).toMatch(/^sha256:/);
    expect(await holesBehind(hf.registry.host, `${where}/llm`, 'v1.0.0')).toEqual([]);

    const oci = 'application/vnd.oci.image';
    const get = async (path: string) =>
      await fetch(`${hf.registry.url}/v2/${where}/llm/${path}`, {
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
      'org.opencontainers.image.revision': hf.hub.sha('org/model'),
      'dev.modelcars.base-model': 'org/base',
      'dev.modelcars.pipeline-tag': 'text-generation',
    });
    const manifest = (await (await get(`manifests/${index.manifests[0]?.digest}`)).json()) as {
      layers: { digest: string }[];
    };
    const unpacked = join(hf.folder, 'unpacked');
    await mkdir(unpacked);
    for (const { digest } of manifest.layers) {
      const tar = join(hf.folder, 'layer.tar');
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

  test('are downloaded completely from a hub that resets connections', async () => {
    const where = await hf.locked();
    hf.hub.fault(cdn({ kind: 'reset', after: 4_000_000, times: 2 }));
    expect(await hf.push(where)).toMatchObject({ code: 0 });
    expect(await hf.digestOf(where)).toBe(right);
    expect(hf.hub.pending()).toEqual([]);
  });

  test('are not published with a wrong byte; the file is named, and the next run recovers', async () => {
    const where = await hf.locked();
    hf.hub.fault(cdn({ kind: 'wrong', after: 3_333_333 }));
    const { code, stderr } = await hf.push(where);
    expect(code).toBe(1);
    expect(stderr).toMatch(/model\.safetensors.*sha256/);
    expect(await hf.digestOf(where)).toBeUndefined();
    expect(await hf.push(where)).toMatchObject({ code: 0 });
    expect(await hf.digestOf(where)).toBe(right);
  });

  test('that are gated need an account which accepted the licence', async () => {
    await hf.write('gated', { source: 'hf://org/gated' });
    const refused = await hf.run('gated', ['lock']);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/gated.*not accepted its licence/);
    expect(refused.stderr).toContain(`${hf.hub.url}/org/gated`);
    const anonymous = await hf.run('gated', ['lock'], { HF_TOKEN: undefined });
    expect(anonymous.stderr).toMatch(/gated, and no token is set/);
    expect(anonymous.stderr).toContain('HF_TOKEN');
    const where = await hf.locked({ source: 'hf://org/open' });
    const late = await hf.push(where, { HF_TOKEN: undefined });
    expect(late).toMatchObject({ code: 1, stderr: expect.stringMatching(/gated, and no token is set/) });
    expect(await hf.push(where)).toMatchObject({ code: 0 });
  });

  test('that do not exist are distinguished from wrong revisions', async () => {
    await hf.write('missing', { source: 'hf://org/none' });
    expect((await hf.run('missing', ['lock'])).stderr).toMatch(/there is no org\/none on/);
    await hf.write('missing', { source: 'hf://org/model:v7' });
    expect((await hf.run('missing', ['lock'])).stderr).toMatch(/no branch, tag or commit v7/);
  });

  test('of a tag are locked to the commit of the tag', async () => {
    const where = await hf.locked({ source: 'hf://org/model:v1.0' });
    expect(await readFile(join(hf.folder, where, 'models.lock.yaml'), 'utf8')).toContain(
      hf.hub.sha('org/model', 'v1.0'),
    );
  });

  test('stay at their commit when the branch moves, until they are upgraded', async () => {
    const where = await hf.locked();
    const before = hf.hub.sha('org/model');
    await hf.hub.commit('org/model', { ...files, 'config.json': '{"moved": true}' });
    expect(await hf.push(where)).toMatchObject({ code: 0 });
    expect(await hf.digestOf(where)).toBe(right);
    await hf.run(where, ['lock']);
    expect(await readFile(join(hf.folder, where, 'models.lock.yaml'), 'utf8')).toContain(before);
    await hf.run(where, ['lock', '--upgrade']);
    expect(await readFile(join(hf.folder, where, 'models.lock.yaml'), 'utf8')).not.toContain(before);
    await hf.hub.commit('org/model', files);
  });

  test('give single files to `files:`, locked to their own commit', async () => {
    const from = 'hf://org/tuned:v1#README.md';
    await hf.hub.commit('org/tuned', { 'README.md': 'first', 'other.txt': 'x' });
    const where = await hf.locked({ files: { 'CARD.md': 'hf://org/tuned#README.md' } });
    const lockText = () => readFile(join(hf.folder, where, 'models.lock.yaml'), 'utf8');
    expect(await lockText()).toMatch(
      new RegExp(`source: hf://org/tuned#README.md\\n +revision: ${hf.hub.sha('org/tuned')}`),
    );
    await hf.hub.commit('org/tuned', { 'README.md': 'second' });
    expect(await hf.push(where)).toMatchObject({ code: 0 });
    const locked1 = await lockText();
    await hf.run(where, ['lock']);
    expect(await lockText()).toBe(locked1);
    await hf.run(where, ['lock', '--upgrade']);
    expect(await lockText()).toContain(`revision: ${hf.hub.sha('org/tuned')}`);
    await hf.write(where, { source: 'hf://org/model', files: { 'CARD.md': from } });
    expect((await hf.run(where, ['lock'])).stderr).toMatch(/no branch, tag or commit v1/);
  });

  test('come with one set of weights if the framework requires it, and the files left out are reported', async () => {
    const framework = join(hf.folder, 'choosing', 'frameworks', 'choosing');
    await mkdir(framework, { recursive: true });
    const from = (path: string) => JSON.stringify(join(root, path));
    await writeFile(
      join(framework, 'framework.ts'),
      `import vllm from ${from('frameworks/vllm/framework.ts')};
import { chooseWeights } from ${from('scripts/sources/huggingface/weights.ts')};
export default { ...vllm, name: 'choosing', include: ['**'], exclude: [], choose: chooseWeights };`,
    );
    await hf.write('choosing', { source: 'hf://org/model', framework: 'choosing' });
    const { code, stderr } = await hf.run('choosing', ['lock']);
    expect(code).toBe(0);
    expect(stderr).toMatch(/llm: left out .*pytorch_model\.bin.*the same weights/);
    const lock = await readFile(join(hf.folder, 'choosing', 'models.lock.yaml'), 'utf8');
    expect(lock).toContain('path: model.safetensors');
    expect(lock).not.toContain('pytorch_model');
    await hf.write('choosing', {
      source: 'hf://org/model',
      framework: 'choosing',
      include: ['*.bin', '*.json', '*.safetensors'],
    });
    await hf.run('choosing', ['lock']);
    expect(await readFile(join(hf.folder, 'choosing', 'models.lock.yaml'), 'utf8')).toContain(
      'path: pytorch_model.bin',
    );
  });
});
