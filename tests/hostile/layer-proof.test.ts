/** A layer's digest comes from the lock or this user's store, never from a registry's description of an image. */
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { modelcars, root, tryModelcars } from '../parts/cli.ts';
import { type Hub, startHub } from '../parts/hub.ts';
import { missingParts } from '../parts/parts.ts';
import { type Registry, startRegistry } from '../parts/registry.ts';
import { tagDigest, tagsOf } from '../parts/tags.ts';

interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
  annotations?: Record<string, string>;
}
interface Manifest {
  mediaType: string;
  manifests: Descriptor[];
  config: Descriptor;
  layers: Descriptor[];
}

const names = ['one', 'two', 'three', 'four', 'five'];
const missing = await missingParts('docker-registry');

describe.skipIf(missing)('a registry that claims layers', () => {
  let hub: Hub;
  let registry: Registry;
  let folder: string;
  let stores = 0;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'modelcars-proof-'));
    registry = await startRegistry({ kind: 'docker-registry' });
    const sample = await readFile(join(root, 'frameworks/sklearn/model.joblib'));
    hub = await startHub({
      models: Object.fromEntries([
        ...names.map((name, at) => [
          `org/${name}`,
          { files: { 'model.joblib': { size: 200_000 + at, generate: at + 1 }, 'README.md': `# ${name}\n` } },
        ]),
        ['org/sample', { files: { 'model.joblib': sample, 'README.md': '# a sample\n' } }],
      ]),
    });
  });
  afterAll(async () => {
    await hub?.stop();
    await registry?.stop();
    if (folder) await rm(folder, { recursive: true, force: true });
  });
  afterEach(() => hub.forgive());

  const settings = (store: string) => ({
    cwd: folder,
    env: { HF_ENDPOINT: hub.url, HF_HOME: join(folder, 'hf'), MODELCARS_STORE: store },
  });
  const emptyStore = () => settings(join(folder, `.store-${++stores}`));
  const push = (version: string, team: string, ...more: string[]) => [
    ...['push', '--base', 'embedded', '--registry', `${registry.host}/${team}`, '--version', version],
    // The models are noise, which the check for unsafe files refuses.
    ...(more.includes('--unsafe-files') ? [] : ['--unsafe-files', 'allow']),
    ...more,
  ];
  const catalog = async (...chosen: string[]): Promise<void> => {
    const models = chosen.map((name) => ({ name, framework: 'sklearn', source: `hf://org/${name}` }));
    await writeFile(join(folder, 'models.yaml'), stringify({ defaults: { base: 'embedded' }, models }));
    await rm(join(folder, 'models.lock.yaml'), { force: true });
  };
  const read = async (repository: string, reference: string): Promise<Manifest> => {
    const types = ['index', 'manifest'].map((kind) => `application/vnd.oci.image.${kind}.v1+json`);
    const url = `${registry.url}/v2/${repository}/manifests/${reference}`;
    return (await (await fetch(url, { headers: { accept: types.join(', ') } })).json()) as Manifest;
  };
  const modelLayers = async (repository: string, tag: string): Promise<Descriptor[]> => {
    const index = await read(repository, tag);
    const { layers } = await read(repository, index.manifests[0]?.digest ?? '');
    return layers.filter(({ annotations }) => annotations?.['dev.modelcars.layer.key'] !== undefined);
  };
  const bytesRead = () =>
    hub
      .requests()
      .filter(({ part }) => part !== 'api')
      .reduce((sum, { bytes }) => sum + bytes, 0);

  /** An attack from an account that can push: the same tag, the same annotations, other bytes of the same size. */
  const replaceLayers = async (repository: string, tag: string): Promise<string[]> => {
    const planted: string[] = [];
    const put = async (reference: string, document: Manifest): Promise<Descriptor> => {
      const body = Buffer.from(JSON.stringify(document));
      const digest = `sha256:${createHash('sha256').update(body).digest('hex')}`;
      const url = `${registry.url}/v2/${repository}/manifests/${reference || digest}`;
      const headers = { 'content-type': document.mediaType };
      expect((await fetch(url, { method: 'PUT', headers, body })).status).toBe(201);
      return { mediaType: document.mediaType, digest, size: body.length };
    };
    const upload = async (bytes: Uint8Array<ArrayBuffer>): Promise<string> => {
      const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
      const begun = await fetch(`${registry.url}/v2/${repository}/blobs/uploads/`, { method: 'POST' });
      const location = new URL(begun.headers.get('location') ?? '', registry.url);
      location.searchParams.set('digest', digest);
      const headers = { 'content-type': 'application/octet-stream' };
      expect((await fetch(location, { method: 'PUT', headers, body: bytes })).status).toBe(201);
      return digest;
    };
    const index = await read(repository, tag);
    for (const entry of index.manifests) {
      const manifest = await read(repository, entry.digest);
      const config = (await (
        await fetch(`${registry.url}/v2/${repository}/blobs/${manifest.config.digest}`)
      ).json()) as { rootfs: { diff_ids: string[] } };
      for (const [at, layer] of manifest.layers.entries()) {
        if (layer.annotations?.['dev.modelcars.layer.key'] === undefined) continue;
        const evil = new Uint8Array(layer.size).fill(0x45);
        layer.digest = await upload(evil);
        config.rootfs.diff_ids[at] = layer.digest;
        planted.push(layer.digest);
      }
      const body = new TextEncoder().encode(JSON.stringify(config));
      manifest.config = { ...manifest.config, digest: await upload(body), size: body.length };
      Object.assign(entry, await put('', manifest));
    }
    await put(tag, index);
    return planted;
  };

  test.each(['without layers in the lock', 'with layers in the lock'])(
    'cannot get other bytes published under the next version, %s',
    async (which) => {
      const team = which.startsWith('with ') ? 'locked' : 'unlocked';
      await catalog('one');
      await modelcars(['lock', ...(team === 'locked' ? ['--layers'] : [])], emptyStore());
      await modelcars(push('v1.0.0', team), emptyStore());
      const honest = await modelLayers(`${team}/one`, 'v1.0.0');
      const planted = await replaceLayers(`${team}/one`, 'v1.0');
      await modelcars(push('v1.0.3', team, '--frozen'), emptyStore());
      const published = await modelLayers(`${team}/one`, 'v1.0.3');
      expect(published.map(({ digest }) => digest)).toEqual(honest.map(({ digest }) => digest));
      for (const { digest } of published) expect(planted).not.toContain(digest);
      await modelcars(
        [
          ...['verify', '--remote', '--base', 'embedded', '--version', 'v1.0.3'],
          ...['--registry', `${registry.host}/${team}`, '--unsafe-files', 'allow'],
        ],
        emptyStore(),
      );
    },
  );

  test('from an empty store without layers in the lock, the source is read once and nothing is sent', async () => {
    await catalog('two');
    await modelcars(['lock'], emptyStore());
    await modelcars(push('v1.0.0', 'hinted'), emptyStore());
    const [bytes, before] = [bytesRead(), registry.requests().length];
    await modelcars(push('v1.0.1', 'hinted'), emptyStore());
    expect(bytesRead() - bytes).toBeGreaterThan(200_000);
    expect(bytesRead() - bytes).toBeLessThan(201_000);
    const uploads = registry
      .requests()
      .slice(before)
      .filter(({ path }) => path.includes('/blobs/uploads/'));
    // Two configs, for two platforms: a new version has new annotations.
    expect(uploads.filter(({ method }) => method === 'PUT')).toHaveLength(2);
  });

  test('an unchanged catalog of five with layers in the lock: no model byte, under 45 requests', async () => {
    await catalog(...names);
    await modelcars(['lock', '--layers'], emptyStore());
    await modelcars(push('v1.0.0', 'five', '--frozen'), emptyStore());
    const [asked, before] = [hub.requests().length, registry.requests().length];
    const out = await modelcars(push('v1.0.0', 'five', '--frozen', '--json'), emptyStore());
    const { models } = JSON.parse(out) as { models: { status: string }[] };
    expect(models.map(({ status }) => status)).toEqual(names.map(() => 'unchanged'));
    expect(hub.requests().slice(asked)).toEqual([]);
    expect(registry.requests().length - before).toBeLessThan(45);
  });

  test('list and lock print the digest that push publishes', async () => {
    await catalog('three');
    const store = emptyStore();
    const plain = JSON.parse(await modelcars(['lock', '--json'], store)) as { models: { digest?: string }[] };
    expect(plain.models[0]?.digest).toBeUndefined();
    const args = ['--version', 'v3.0.0', '--json'];
    await modelcars(['lock', '--layers'], store);
    const lock = await readFile(join(folder, 'models.lock.yaml'), 'utf8');
    await modelcars(['lock'], emptyStore());
    expect(await readFile(join(folder, 'models.lock.yaml'), 'utf8')).toBe(lock);
    const listed = JSON.parse(await modelcars(['list', ...args], emptyStore())) as {
      models: { lock: { digest?: string } }[];
    };
    await modelcars(push('v3.0.0', 'shown'), emptyStore());
    const pushed = await tagDigest(registry.host, 'shown/three', 'v3.0.0');
    expect(pushed).toMatch(/^sha256:/);
    expect(listed.models[0]?.lock.digest).toBe(pushed);
  });

  test("a frozen push fails if the lock's layer digest does not match its files, and sets no tag", async () => {
    await catalog('four');
    await modelcars(['lock', '--layers'], emptyStore());
    const file = join(folder, 'models.lock.yaml');
    const lock = parse(await readFile(file, 'utf8')) as {
      models: Record<string, { layers: { digest: string }[] }>;
    };
    const [layer] = lock.models.four?.layers ?? [];
    if (layer === undefined) throw new Error('the lock has no layers');
    const planted = `sha256:${'0'.repeat(64)}`;
    layer.digest = planted;
    await writeFile(file, stringify(lock));
    const frozen = await tryModelcars(push('v1.0.0', 'forged', '--frozen'), emptyStore());
    expect(frozen.code).toBe(1);
    expect(frozen.stderr).toContain(`models.lock.yaml says ${planted}`);
    expect(await tagsOf(registry.host, 'forged/four')).toEqual([]);
    const free = await tryModelcars(push('v1.0.0', 'forged', '--no-frozen'), emptyStore());
    expect(free).toMatchObject({ code: 0 });
    const published = await modelLayers('forged/four', 'v1.0.0');
    expect(published.map(({ digest }) => digest)).not.toContain(planted);
  });

  test('a push reports that its layers can be locked; `lock` then reads no model byte', async () => {
    await catalog('sample');
    const store = emptyStore();
    await modelcars(['lock'], store);
    // With the check for unsafe files, whose result is locked too.
    const args = push('v1.0.0', 'suggested', '--unsafe-files', 'refuse');
    const pushed = await tryModelcars(args, store);
    expect(pushed.stderr).toContain('`modelcars lock --layers` records the layers');
    const before = hub.requests().length;
    await modelcars(['lock', '--layers'], store);
    // The README, whose hash the hub does not have, and the inspection of the model's first bytes.
    expect(
      hub
        .requests()
        .slice(before)
        .map(({ path }) => path),
    ).toEqual([]);
    const again = await tryModelcars(args, store);
    expect(again.stderr).not.toContain('lock --layers');
  });
});
