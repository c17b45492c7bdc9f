import { createHash, randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FakeRegistry, startFake } from '../../../tests/support/fake-registry.ts';
import {
  imageLayer,
  putDocument,
  putManifest,
  type TestLayer,
  tarOf,
} from '../../../tests/support/oci-artifacts.ts';
import type { LockedFile } from '../../model/types.ts';
import type { FileTap } from '../types.ts';
import { OciSource } from './source.ts';

const hash = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');
const noise = randomBytes(6 * 1024 ** 2);
let fake: FakeRegistry;
let source: OciSource;
let breaks = 0;

beforeEach(async () => {
  breaks = 0;
  fake = await startFake({
    intercept(request, response) {
      if (breaks === 0 || request.method !== 'GET' || !request.url?.includes('/blobs/')) return false;
      breaks--;
      const blob = [...fake.blobs].find(([key]) => request.url?.endsWith(key.split(' ')[1] ?? '?'))?.[1];
      const start = Number(/^bytes=(\d+)/.exec(request.headers.range ?? '')?.[1] ?? 0);
      response.writeHead(start > 0 ? 206 : 200, {
        'content-length': (blob?.length ?? 0) - start,
        'content-range': `bytes ${start}-${(blob?.length ?? 0) - 1}/${blob?.length}`,
      });
      response.write(blob?.subarray(start, start + 100_000), () => setTimeout(() => response.destroy(), 20));
      return true;
    },
  });
  source = newSource();
});
afterEach(async () => {
  await source.close();
  await fake[Symbol.asyncDispose]();
});

const newSource = (mirrors = {}): OciSource =>
  new OciSource({ directory: '/', env: { HOME: '/nonexistent' }, retry: { delay: 1 }, mirrors });
const uri = (tag = 'v1', name = 'm'): string => `oci://${fake.host}/${name}:${tag}`;
const all = () => true;
const resolve = (which = uri(), tap?: FileTap) => source.resolve(which, all, undefined, tap);
async function read(which: string, revision: string, file: LockedFile, offset = 0): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of source.open(which, revision, file, offset)) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}
const file = (path: string, bytes: Uint8Array | string): LockedFile => ({
  path,
  size: Buffer.byteLength(bytes),
  sha256: hash(bytes),
});
/** Resolves, and reads every file again, whole and from its middle, also in a fresh process. */
async function expectFiles(files: Record<string, Uint8Array | string>, which = uri()): Promise<string> {
  const snapshot = await resolve(which);
  expect(snapshot.files).toEqual(Object.entries(files).map(([path, bytes]) => file(path, bytes)));
  await source.close();
  source = newSource();
  for (const locked of snapshot.files) {
    const bytes = Buffer.from(files[locked.path] ?? '');
    const half = Math.floor(bytes.length / 2);
    expect((await read(which, snapshot.revision, locked)).equals(bytes), locked.path).toBe(true);
    expect((await read(which, snapshot.revision, locked, half)).equals(bytes.subarray(half))).toBe(true);
  }
  return snapshot.revision;
}

describe('an image', () => {
  it.each(['tar', 'tar+gzip', 'tar+zstd'] as const)(
    'is its files below /models, the layers stacked (%s)',
    async (format) => {
      const digest = putManifest(fake, 'm', 'v1', [
        await imageLayer(
          [
            ['etc/passwd', 'root'],
            ['bin/sh', 'elf'],
            ['models/old.bin', 'replaced'],
          ],
          format,
        ),
        await imageLayer(
          [
            ['models/gone/a', '1'],
            ['models/gone/b', '2'],
            ['models/config.json', '{}'],
          ],
          format,
        ),
        await imageLayer(
          [
            ['models/.wh.gone', ''],
            ['models/old.bin', 'new'],
            ['models/w.bin', noise],
          ],
          format,
        ),
      ]);
      expect(await expectFiles({ 'config.json': '{}', 'old.bin': 'new', 'w.bin': noise })).toBe(digest);
    },
  );

  it('follows links to files, also of /models itself, and opaque whiteouts', async () => {
    putManifest(fake, 'm', 'v1', [
      await imageLayer([
        ['opt/model', null],
        ['opt/model/hidden', 'x'],
        ['opt/blob', 'shared'],
        ['models', { link: '/opt/model' }],
      ]),
      await imageLayer([
        ['opt/model/.wh..wh..opq', ''],
        ['models/soft', { link: '../blob' }],
        ['models/hard', { hard: 'opt/blob' }],
      ]),
    ]);
    await expectFiles({ hard: 'shared', soft: 'shared' });
  });

  it('skips long content of a plain tar while it lists, and passes each hashed file to a tap', async () => {
    putManifest(fake, 'm', 'v1', [
      await imageLayer([
        ['models/a', noise],
        ['models/b', 'b'],
      ]),
    ]);
    const tapped: string[] = [];
    const tap: FileTap = ({ path }) => ({
      update() {},
      end: async (sha256) => void tapped.push(`${path} ${sha256}`),
    });
    await source.resolve(uri(), () => false);
    const ranges = fake.requests
      .filter(({ path }) => path.includes('/blobs/'))
      .map(({ headers }) => headers.range);
    expect(ranges).toEqual([undefined, `bytes=${512 + noise.length}-`]);
    await resolve(uri(), tap);
    expect(tapped).toEqual([`a ${hash(noise)}`, `b ${hash('b')}`]);
  });

  it('of an index is that of linux/amd64, never an attestation', async () => {
    const arm = putManifest(fake, 'm', 'arm', [await imageLayer([['models/x', 'arm']])]);
    const amd = putManifest(fake, 'm', 'amd', [await imageLayer([['models/x', 'amd']])]);
    const type = 'application/vnd.oci.image.manifest.v1+json';
    const entry = (digest: string, os: string, architecture: string) => ({
      mediaType: type,
      digest,
      size: fake.manifests.get(`m ${digest}`)?.bytes.length,
      platform: { os, architecture },
    });
    const index = putDocument(fake, 'm', 'v1', 'application/vnd.oci.image.index.v1+json', {
      schemaVersion: 2,
      manifests: [
        entry(arm, 'unknown', 'unknown'),
        entry(arm, 'linux', 'arm64'),
        entry(amd, 'linux', 'amd64'),
      ],
    });
    expect(await expectFiles({ x: 'amd' })).toBe(index);
    expect(await source.revision(uri())).toBe(index);
  });

  it('without /models is taken whole if it is data, and refused if it is a system', async () => {
    putManifest(fake, 'm', 'v1', [await imageLayer([['model.bst', 'x']])]);
    await expectFiles({ 'model.bst': 'x' });
    putManifest(fake, 'm', 'v1', [
      await imageLayer([
        ['usr/bin/sh', 'x'],
        ['mnt/model.bst', 'x'],
      ]),
    ]);
    await expect(resolve()).rejects.toMatchObject({
      code: 'source',
      message: expect.stringMatching(
        /^read oci:\S+: it is an image without \/models; beside its system it has \/mnt; expected a modelcar/,
      ),
    });
  });

  it('is read through a mirror', async () => {
    putManifest(fake, 'copy/m', 'v1', [await imageLayer([['models/x', 'x']])]);
    source = newSource({ 'quay.io/me': `${fake.host}/copy` });
    expect((await resolve('oci://quay.io/me/m:v1')).files).toEqual([file('x', 'x')]);
  });
});

describe('an artifact', () => {
  const modelPack = {
    configType: 'application/vnd.cncf.model.config.v1+json',
    artifactType: 'application/vnd.cncf.model.manifest.v1+json',
  };
  const raw = (part: string, path: string, bytes: Uint8Array | string): TestLayer => ({
    mediaType: `application/vnd.cncf.model.${part}.v1.raw`,
    bytes: Buffer.from(bytes),
    annotations: { 'org.cncf.model.filepath': path },
  });

  it('of ModelPack: raw layers are not read at lock, tars are, data sets are left out', async () => {
    const { bytes } = await imageLayer([['tokenizer/vocab.txt', 'a b']], 'tar+gzip');
    putManifest(
      fake,
      'm',
      'v1',
      [
        raw('weight', 'model.safetensors', noise),
        raw('weight.config', 'sub/config.json', '{}'),
        { mediaType: 'application/vnd.cncf.model.weight.config.v1.tar+gzip', bytes },
        { mediaType: 'application/vnd.cncf.model.dataset.v1.tar', bytes: Buffer.from('no tar') },
      ],
      modelPack,
    );
    await resolve();
    const blobs = fake.requests.filter(({ path }) => path.includes('/blobs/')).map(({ path }) => path);
    expect(new Set(blobs).size).toBe(1);
    await expectFiles({ 'model.safetensors': noise, 'sub/config.json': '{}', 'tokenizer/vocab.txt': 'a b' });
  });

  it('of KitOps: tars with whole names, and old ones whose place the Kitfile tells', async () => {
    const layer = async (type: string, name: string): Promise<TestLayer> => ({
      mediaType: `application/vnd.kitops.modelkit.${type}.v1.tar`,
      bytes: await tarOf([[name, type]]),
    });
    const configType = 'application/vnd.kitops.modelkit.config.v1+json';
    const layers = [
      await layer('model', 'm/model.gguf'),
      await layer('dataset', 'd.csv'),
      await layer('docs', 'x.md'),
    ];
    const config = {
      manifestVersion: '1.0.0',
      model: { path: 'm', digest: 'sha256:x' },
      docs: [{ path: 'paper/x.md' }],
    };
    putManifest(fake, 'm', 'v1', layers, { configType, config: JSON.stringify(config) });
    await expectFiles({ 'paper/x.md': 'docs', 'm/model.gguf': 'model' });
    const parent = { manifestVersion: '1.0.0', model: { path: 'jozu.ml/jozu/llama:7b' } };
    putManifest(fake, 'm', 'v1', layers.slice(2), { configType, config: JSON.stringify(parent) });
    await expect(resolve()).rejects.toThrow(
      /a ModelKit whose model is in another one, jozu\.ml\/jozu\/llama:7b/,
    );
  });

  it('of oras: titled files of any type, also one that is itself a tar, and folders', async () => {
    const title = (name: string) => ({ 'org.opencontainers.image.title': name });
    const tar = await tarOf([['x', 'inside']]);
    const folder = await imageLayer([['vocab/a.txt', 'a']], 'tar+gzip');
    putManifest(
      fake,
      'm',
      'v1',
      [
        { mediaType: 'application/vnd.oci.image.layer.v1.tar', bytes: tar, annotations: title('data.tar') },
        { ...folder, annotations: { ...title('vocab'), 'io.deis.oras.content.unpack': 'true' } },
        { mediaType: 'text/plain', bytes: Buffer.from('hi'), annotations: title('README') },
      ],
      { configType: 'application/vnd.oci.empty.v1+json' },
    );
    await expectFiles({ README: 'hi', 'data.tar': tar, 'vocab/a.txt': 'a' });
  });

  it('gives one file by `#path`, which follows its tag where the lock has no revision for it', async () => {
    putManifest(fake, 'm', 'v1', [raw('weight', 'a/b.gguf', 'one'), raw('doc', 'README.md', 'r')], modelPack);
    const one = `${uri()}#a/b.gguf`;
    const { files } = await resolve(one);
    expect(files).toEqual([file('b.gguf', 'one')]);
    const named = { ...file('model.gguf', 'one'), source: one };
    expect((await read(one, 'sha256:of-something-else', named)).toString()).toBe('one');
    await expect(resolve(`${uri()}#none`)).rejects.toThrow(/it has no such file/);
  });

  it.each([
    ['../../etc/passwd', /the path \.\.\/\.\.\/etc\/passwd holds the component/],
    ['/etc/passwd', /is absolute/],
    ['.wh.x', /\.wh\./],
  ])('with the path %s is refused', async (path, message) => {
    putManifest(fake, 'm', 'v1', [raw('weight', path, 'x')], modelPack);
    await expect(resolve()).rejects.toThrow(message);
  });

  it('of another kind is named', async () => {
    const helm = {
      mediaType: 'application/vnd.cncf.helm.chart.content.v1.tar+gzip',
      bytes: Buffer.from('x'),
    };
    putManifest(fake, 'm', 'v1', [helm], { configType: 'application/vnd.cncf.helm.config.v1+json' });
    await expect(resolve()).rejects.toThrow(
      /it is an artifact of type application\/vnd\.cncf\.helm\.config\.v1\+json, whose layers do not say which files/,
    );
  });
});

describe('failures', () => {
  it.each(['tar', 'tar+gzip'] as const)('a broken connection is resumed (%s)', async (format) => {
    putManifest(fake, 'm', 'v1', [await imageLayer([['models/a', noise]], format)]);
    breaks = 3;
    expect((await resolve()).files).toEqual([file('a', noise)]);
    expect(breaks).toBe(0);
  });

  it('a layer with other bytes than its digest is refused, whatever its tar says', async () => {
    const layer = await imageLayer([['models/a', noise]]);
    putManifest(fake, 'm', 'v1', [layer]);
    const [key] = [...fake.blobs].find(([, bytes]) => bytes === layer.bytes) ?? [];
    const changed = Buffer.from(layer.bytes);
    changed[5_000_000] = (changed[5_000_000] ?? 0) ^ 1;
    fake.blobs.set(key ?? '', changed);
    await expect(resolve()).rejects.toMatchObject({
      code: 'integrity',
      message: expect.stringContaining('digest'),
    });
  });

  it('a damaged tar and a bomb are refused', async () => {
    const layer = await imageLayer([['models/a', 'a']], 'tar+gzip');
    putManifest(fake, 'm', 'v1', [{ ...layer, bytes: layer.bytes.subarray(0, 60) }]);
    await expect(resolve()).rejects.toMatchObject({
      code: 'integrity',
      next: expect.stringContaining('push'),
    });
    putManifest(fake, 'm', 'v1', [
      await imageLayer([['models/a', Buffer.alloc(257 * 1024 ** 2)]], 'tar+zstd'),
    ]);
    await expect(resolve()).rejects.toThrow(/far more bytes than its size suggests/);
  });

  it('a missing tag, and a tag that nobody wrote, are told apart', async () => {
    putManifest(fake, 'm', 'v1', [await imageLayer([['models/a', 'a']])]);
    await expect(resolve(uri('v2'))).rejects.toThrow(/\/m has no such tag/);
    await expect(resolve(`oci://${fake.host}/m`)).rejects.toMatchObject({
      message: expect.stringContaining('has no tag latest'),
      next: expect.stringContaining('add a tag'),
    });
  });

  it('a file that is no longer there, or has another size, is not the locked one', async () => {
    const revision = putManifest(fake, 'm', 'v1', [await imageLayer([['models/a', 'a']])]);
    await expect(read(uri(), revision, file('b', 'b'))).rejects.toThrow(
      /it is in the lock, but no longer exists/,
    );
    await expect(read(uri(), revision, file('a', 'aa'))).rejects.toThrow(/it has 1 bytes, the lock has 2/);
  });

  it('ends at once when it is stopped', async () => {
    putManifest(fake, 'm', 'v1', [await imageLayer([['models/a', noise]], 'tar+gzip')]);
    const stop = new AbortController();
    const resolving = source.resolve(uri(), all, stop.signal, () => ({
      update: () => stop.abort(),
      end: async () => {},
    }));
    await expect(resolving).rejects.toMatchObject({ code: 'cancelled' });
  });
});
