/** Base images that lie, through `lock`, `build`, `push` and `smoke --local`: refused in our words, or harmless and shown to be. */
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { parseConfig, parseIndex, parseManifest } from '../../scripts/image/schema.ts';
import { mediaTypes } from '../../scripts/image/types.ts';
import { Layout } from '../../scripts/layout/layout.ts';
import { modelcars, tryModelcars } from '../parts/cli.ts';
import { type FakeRegistry, sha256, startFake } from '../support/fake-registry.ts';
import { directory, member, pax } from '../support/odd-tars.ts';
import { type BaseSpec, embeddedLayers, gzipped, type Layer, layer, putBase, putManifest } from './_bases.ts';

let registry: FakeRegistry;
let folder: string;
beforeAll(async () => {
  registry = await startFake();
  folder = await mkdtemp(join(tmpdir(), 'modelcars-bases-'));
});
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** Refused by `lock`, one model each: what its base is, and what the user reads. */
const evil = { name: 'models/evil.pkl', content: 'cos\nsystem' };
const long = (name: string) => member({ name: '././@LongLink', type: 'L', content: `${name}\0` });
const refused: Record<string, [BaseSpec, RegExp]> = {
  'file-in-models': [{ layers: [layer(evil)] }, /models\/evil\.pkl: a base must leave \/models to the model/],
  'dotted-name': [{ layers: [layer({ ...evil, name: './a/../models/evil' })] }, /a base must leave \/models/],
  'folder-models': [{ layers: [layer(directory('models/'))] }, /models\/: a base must leave \/models/],
  'link-models': [
    { layers: [layer({ name: 'models', type: '2', link: '/etc' })] },
    /models: a base must leave \/models/,
  ],
  'through-a-link': [
    { layers: [layer({ name: 'srv', type: '2', link: '/models' }), layer({ name: 'srv/evil' })] },
    /srv\/evil: comes to lie at \/models\/evil through a link/,
  ],
  'hard-link': [
    { layers: [layer({ name: 'x', type: '1', link: '/models/m' })] },
    /x: a base must leave \/models/,
  ],
  whiteout: [{ layers: [layer({ name: '.wh.models' })] }, /\.wh\.models: a base must leave \/models/],
  opaque: [{ layers: [layer({ name: '.wh..wh..opq' })] }, /\.wh\.\.wh\.\.opq: a base must leave \/models/],
  'whiteout-of-dots': [
    { layers: [layer({ name: 'etc/.wh...' })] },
    /etc\/\.wh\.\.\.: a base must leave \/models/,
  ],
  compressed: [{ layers: [gzipped(layer(evil))] }, /models\/evil\.pkl: a base must leave/],
  'name-in-gnu-times': [
    { layers: [layer({ name: 'evil', edit: (block) => void block.write('models', 345) })] },
    /access time that is no number/,
  ],
  'empty-pax-name': [{ layers: [layer({ ...evil, before: pax('path', '') })] }, /a base must leave \/models/],
  'two-long-names': [
    { layers: [layer({ name: 'x', before: Buffer.concat([long('models/evil'), pax('path', 'etc/fine')]) })] },
    /readers differ on which holds/,
  ],
  'diff-id-lies': [
    { layers: [{ ...layer({ name: 'a' }), diffId: sha256(Buffer.from('other')) }] },
    /unpacked, the layer has the digest sha256:\w+, the config says sha256:/,
  ],
  'no-tar': [{ layers: [{ blob: Buffer.from('MZ'.repeat(5000)) }] }, /a header has a/],
  'torn-tar': [
    { layers: [{ blob: layer({ name: 'a', content: 'x' }).blob.subarray(0, 700) }] },
    /ends in the middle/,
  ],
  'no-gzip': [
    { layers: [{ ...layer({ name: 'a' }), mediaType: mediaTypes.layerGzip }] },
    /the blob is not gzip/,
  ],
  bomb: [
    {
      layers: [
        {
          blob: Buffer.concat(
            Array.from({ length: 10 }, () => zstdCompressSync(Buffer.alloc(64 * 1024 ** 2))),
          ),
          mediaType: mediaTypes.layerZstd,
        },
      ],
    },
    /the blob is not zstd: it holds far more bytes/,
  ],
  'exabyte-member': [
    {
      layers: [
        layer({
          name: 'a',
          edit: (block) => void Buffer.from('800000001000000000000000', 'hex').copy(block, 124),
        }),
      ],
    },
    /a size beyond 2\^53/,
  ],
  'foreign-layer': [
    {
      layers: [
        {
          ...layer({ name: 'a' }),
          mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
          descriptor: { urls: ['https://example.invalid/layer'] },
        },
      ],
    },
    /layer 1 is application\/vnd\.docker\.image\.rootfs\.foreign\.diff\.tar\.gzip, which cannot be copied/,
  ],
  'ten-thousand-layers': [
    { editManifest: (manifest) => ({ ...manifest, layers: Array(10_000).fill(at(manifest.layers)) }) },
    /layers is beyond 1000/,
  ],
  'two-hundred-layers': [
    {
      editConfig: (config) => ({
        ...config,
        rootfs: { type: 'layers', diff_ids: Array(200).fill(sha256(Buffer.from(''))) },
      }),
      editManifest: (manifest) => ({ ...manifest, layers: Array(200).fill(at(manifest.layers)) }),
    },
    /it has 200 layers, over 126/,
  ],
  'negative-size': [
    { layers: [{ ...layer({ name: 'a' }), descriptor: { size: -1 } }] },
    /layers\.0\.size is below 0/,
  ],
  'size-of-2-to-53': [
    { layers: [{ ...layer({ name: 'a' }), descriptor: { size: 2 ** 53 } }] },
    /layers\.0\.size is beyond|layers\.0\.size is not/,
  ],
  'nine-petabytes': [
    { layers: [{ ...layer({ name: 'a' }), descriptor: { size: 2 ** 53 - 1 } }] },
    /its layers say that they have 9007199254740991 bytes/,
  ],
  'no-such-layer': [
    { layers: [{ ...layer({ name: 'a' }), descriptor: { digest: sha256(Buffer.from('none')) } }] },
    /answered 404/,
  ],
  'wrong-layer': [
    { layers: [{ ...layer({ name: 'a' }), descriptor: { size: 100 } }] },
    /it has at least \d+ bytes, not 100/,
  ],
  'huge-environment': [
    { config: { config: { Env: [`A=${'x'.repeat(200_000)}`] } } },
    /its environment has 200003 bytes, and Linux starts programs with 131072/,
  ],
  'nul-in-environment': [{ config: { config: { Env: ['A=\0'] } } }, /its environment holds a NUL/],
  'no-environment': [{ config: { config: { Env: [5] } } }, /config\.Env\.0 is not of the type string/],
  'megabytes-of-labels': [
    { config: { config: { Labels: { a: 'x'.repeat(2 * 1024 ** 2) } } } },
    /its config has \d+ bytes, over 1048576/,
  ],
  'config-of-five-megabytes': [
    { config: { config: { Labels: { a: 'x'.repeat(5 * 1024 ** 2) } } } },
    /larger than 4 MiB/,
  ],
  'deep-history': [
    {
      editConfig: (config) =>
        JSON.stringify({ ...config, history: ['deep'] }).replace(
          '"deep"',
          `{"a":${'['.repeat(50_000)}${']'.repeat(50_000)}}`,
        ),
    },
    /history\.0\.a is malformed/,
  ],
  'deep-config': [
    { editConfig: () => '['.repeat(100_000) + ']'.repeat(100_000) },
    /it is not of the type object/,
  ],
  'no-json': [{ editManifest: () => '{"schemaVersion": NaN}' }, /it is not JSON/],
  'manifest-of-five-megabytes': [
    { editManifest: (manifest) => ({ ...manifest, annotations: { a: 'x'.repeat(5 * 1024 ** 2) } }) },
    /larger than 4 MiB/,
  ],
  'index-of-an-index': [
    {
      editIndex: (index) => ({
        ...index,
        manifests: [{ ...at(index.manifests), mediaType: mediaTypes.index }],
      }),
    },
    /what it has for linux\/amd64 is no image but application\/vnd\.oci\.image\.index/,
  ],
  'index-as-a-manifest': [
    {
      editIndex: (index) => {
        const inner = putManifest(registry, 'bases/index-as-a-manifest', mediaTypes.index, index);
        return { ...index, manifests: [{ ...at(index.manifests), digest: inner.digest, size: inner.size }] };
      },
    },
    /config is not of the type object/,
  ],
  'no-such-platform': [
    {
      editIndex: (index) => ({
        ...index,
        manifests: [{ ...at(index.manifests), platform: { os: 'windows', architecture: 'amd64' } }],
      }),
    },
    /it has no linux\/amd64, only windows\/amd64/,
  ],
  'a-thousand-platforms': [
    {
      editIndex: (index) => ({
        ...index,
        manifests: Array.from({ length: 9000 }, (_, nth) => ({
          ...at(index.manifests),
          platform: { os: 'x', architecture: `${nth}` },
        })),
      }),
    },
    /only x\/0, x\/1, .{0,200} and 8988 more/,
  ],
  'terminal-platform': [
    {
      editIndex: (index) => ({
        ...index,
        manifests: [{ ...at(index.manifests), platform: { os: '\u001b[2J', architecture: 'a' } }],
      }),
    },
    /manifests\.0\.platform\.os is not a word/,
  ],
  'another-platform': [{ config: { architecture: 'arm64' } }, /its config says linux\/arm64/],
  'prototype-keys': [
    {
      editManifest: (manifest) =>
        JSON.stringify(manifest).replace('"config":', '"__proto__":{"config":{}},"konfig":'),
    },
    /config is not of the type object/,
  ],
};

/** The first of a list in a document. */
function at(list: unknown): object {
  return (list as object[])[0] ?? {};
}

interface Report {
  models: { model: string; status: string; error?: { code: string; message: string; next?: string } }[];
}

/** Writes a catalog with a model for each base. */
async function catalog(where: string, bases: Record<string, string>): Promise<void> {
  await mkdir(join(where, 'files'), { recursive: true });
  await writeFile(join(where, 'files', 'model.joblib'), 'a model');
  const models = Object.entries(bases).map(([name, base]) => ({
    name,
    framework: 'sklearn',
    source: 'file:files',
    base,
    version: 'v1.0.0',
    platforms: ['linux/amd64'],
  }));
  await writeFile(join(where, 'models.yaml'), stringify({ models }));
}

it('lock refuses every base that would change what is served, or cannot be what it says', async () => {
  const cwd = join(folder, 'refused');
  const names = Object.keys(refused);
  await catalog(
    cwd,
    Object.fromEntries(names.map((name) => [name, putBase(registry, name, refused[name]?.[0] ?? {})])),
  );
  const { code, stdout, stderr } = await tryModelcars(['lock', '--json'], { cwd });
  expect(code, stderr).toBe(1);
  const { models } = JSON.parse(stdout) as Report;
  expect(models.map(({ model }) => model).sort()).toEqual(names.toSorted());
  for (const { model, status, error } of models) {
    expect(status, model).toBe('failed');
    expect(error?.message, model).toMatch(refused[model]?.[1] ?? /never/);
    expect(error?.message.length, model).toBeLessThan(700);
    expect(error?.message, model).not.toMatch(/[\p{Cc}]|undefined|\[object|Invalid input/u);
    expect(['integrity', 'limit', 'lock', 'registry'], model).toContain(error?.code);
  }
  expect(await readdir(cwd)).not.toContain('models.lock.yaml');
});

/** Members that a careless extractor would take out of its folder, and a device for each kind. */
function wildLayer(outside: string): Layer {
  const climbing = `${'../'.repeat(12)}${outside.slice(1)}`;
  return layer(
    { name: `${climbing}/by-dots`, content: 'x' },
    { name: `${outside}/by-root`, content: 'x' },
    { name: 'out', type: '2', link: outside },
    { name: 'out/by-link', content: 'x' },
    { name: 'up', type: '2', link: '../../../../../../../../../..' },
    { name: `up${outside}/by-up`, content: 'x' },
    { name: 'dev/null', type: '3', mode: 0o666 },
    { name: 'dev/sda', type: '4', mode: 0o666 },
    { name: 'run/pipe', type: '6' },
    { name: 'bin/su', mode: 0o6755, uid: 0, content: 'ELF' },
    { name: 'twice', content: 'first' },
    { name: 'twice', content: 'second' },
    { name: 'turns', content: 'file' },
    directory('turns/', { mode: 0o755 }),
    { name: 'turns/in', content: 'x' },
    directory('gone/', { mode: 0o777, uid: 0 }),
    directory('gone/deep/', { mode: 0o777, uid: 0 }),
  );
}

it('what no image gets to see of a base does no harm: the image, its config and the unpacked files are as they should be', async () => {
  const cwd = join(folder, 'harmless');
  const outside = join(folder, 'outside');
  await mkdir(outside, { mode: 0o700 });
  await mkdir(join(outside, 'deep'), { mode: 0o700 });
  const whiteouts = layer(
    { name: '.wh.gone' },
    { name: 'gone', type: '2', link: outside },
    { name: 'etc/.wh.' },
    { name: 'etc/.wh..' },
    { name: 'run/.wh..wh.plnk' },
    { name: 'run/.wh..wh..opq' },
  );
  const wild = putBase(registry, 'wild', {
    layers: [...(await embeddedLayers()), wildLayer(outside), gzipped(whiteouts)],
    config: {
      config: {
        User: 'root',
        Env: ['PATH=/bin', 'KEEP=1'],
        Entrypoint: ['/bin/evil'],
        Cmd: ['evil'],
        Volumes: { '/models': {} },
        ExposedPorts: { '22/tcp': {} },
        Labels: { 'org.opencontainers.image.title': 'another', evil: 'yes' },
        OnBuild: ['RUN evil'],
      },
      history: [{ created_by: 'evil', empty_layer: true }],
    },
  });
  await catalog(cwd, { wild });
  await modelcars(['lock'], { cwd });
  await modelcars(['build', '--verify'], { cwd });

  await using layout = await Layout.open(join(cwd, 'out'));
  const root = await layout.resolve('wild:v1.0.0');
  if (root === undefined) throw new Error('not built');
  const [own] = parseIndex(await layout.read(root), 'index').manifests;
  if (own === undefined) throw new Error('no manifest');
  const { config } = parseManifest(await layout.read(own), 'manifest');
  const text = Buffer.from(await layout.read(config)).toString();
  expect(parseConfig(Buffer.from(text), 'config').config).toMatchObject({
    User: '1001',
    Env: ['PATH=/bin', 'KEEP=1'],
  });
  expect(text).not.toMatch(/Entrypoint|Cmd|Volumes|ExposedPorts|OnBuild|another/);

  // A server that says by its exit code what it sees: the answer is not the point here.
  const command = '[ "$(ls -A "$MODEL_DIR")" = model.joblib ] && exit 33; exit 34';
  const { stdout } = await tryModelcars(['smoke', '--local', '--json', '--server-command', command], {
    cwd,
    env: { TMPDIR: await temporary() },
  });
  expect(stdout).toMatch(/exit code 33/);
  expect(await readdir(outside)).toEqual(['deep']);
  expect((await stat(outside)).mode & 0o777).toBe(0o700);
  expect((await stat(join(outside, 'deep'))).mode & 0o777).toBe(0o700);
});

it('push copies the layers of a base as they are, and nothing that its config says of running', async () => {
  const cwd = join(folder, 'pushed');
  const base = putBase(registry, 'plain', { layers: [gzipped(layer({ name: 'bin/sh', mode: 0o755 }))] });
  await catalog(cwd, { plain: base });
  await modelcars(['lock'], { cwd });
  await modelcars(['push', '--registry', `${registry.host}/me`], { cwd });
  const index = registry.manifests.get('me/plain v1.0.0');
  const [own] = parseIndex(index?.bytes ?? Buffer.alloc(0), 'index').manifests;
  const manifest = parseManifest(
    registry.manifests.get(`me/plain ${own?.digest}`)?.bytes ?? Buffer.alloc(0),
    'manifest',
  );
  for (const { digest, size } of manifest.layers)
    expect(registry.blobs.get(`me/plain ${digest}`)).toHaveLength(size);
});

it('a base that was pinned by hand is refused by verify, if not before', async () => {
  const cwd = join(folder, 'by-hand');
  const shell = await embeddedLayers();
  const good = putBase(registry, 'by-hand', { layers: shell });
  await catalog(cwd, { 'by-hand': good });
  await modelcars(['lock'], { cwd });
  putBase(registry, 'by-hand', { layers: [...shell, layer(directory('models/'), evil)] });
  const lock = parse(await readFile(join(cwd, 'models.lock.yaml'), 'utf8'));
  const [entry] = parseIndex(
    registry.manifests.get('bases/by-hand v1')?.bytes ?? Buffer.alloc(0),
    'index',
  ).manifests;
  lock.bases[good]['linux/amd64'] = entry?.digest;
  await writeFile(join(cwd, 'models.lock.yaml'), stringify(lock));
  const { code, stderr } = await tryModelcars(['build', '--verify'], { cwd });
  expect(code).toBe(1);
  expect(stderr).toMatch(/verify by-hand:v1\.0\.0 .*models\/evil\.pkl: is not in the lock/);
});

it('smoke says which member of an image cannot be unpacked', async () => {
  const cwd = join(folder, 'unpackable');
  const file = { name: 'f', content: 'x' };
  const bases = {
    'file-below-file': [layer(file, { name: 'f/g', content: 'y' }), /f\/g: its parent is no folder/],
    'link-out': [
      layer({ name: 'l', type: '1', link: join(folder, 'refused/models.yaml') }),
      /l: what it links to is missing/,
    ],
    'link-circle': [
      layer({ name: 'a', type: '2', link: 'b' }, { name: 'b', type: '2', link: 'a' }, { name: 'a/x' }),
      /its links go in circles/,
    ],
  } satisfies Record<string, [Layer, RegExp]>;
  const shell = await embeddedLayers();
  await catalog(
    cwd,
    Object.fromEntries(
      Object.entries(bases).map(([name, [own]]) => [
        name,
        putBase(registry, name, { layers: [...shell, own] }),
      ]),
    ),
  );
  await modelcars(['lock'], { cwd });
  await modelcars(['build'], { cwd });
  for (const [name, [, message]] of Object.entries(bases)) {
    const { code, stderr } = await tryModelcars(['smoke', name, '--local', '--server-command', 'exit 3'], {
      cwd,
      env: { TMPDIR: await temporary() },
    });
    expect(code, name).toBe(1);
    expect(stderr, name).toMatch(message);
    expect(stderr, name).not.toMatch(/this is a bug/);
  }
  expect(await readdir(await temporary())).toEqual([]);
});

/** A folder for temporary files, to look into afterwards. */
async function temporary(): Promise<string> {
  const path = join(folder, 'tmp');
  await mkdir(path, { recursive: true });
  return path;
}
