/** Hostile base images in `lock`, `build`, `push` and `smoke --local`: refused with a plain message, or harmless. */
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { parseConfig, parseIndex, parseManifest } from '../../scripts/image/schema.ts';
import { Layout } from '../../scripts/layout/layout.ts';
import { modelcars, tryModelcars } from '../parts/cli.ts';
import { type FakeRegistry, startFake } from '../support/fake-registry.ts';
import { directory } from '../support/odd-tars.ts';
import { embeddedLayers, gzipped, type Layer, layer, putBase, writeBaseCatalog } from './_bases.ts';
import { evil, refusedBases } from './_refused-bases.ts';

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

interface Report {
  models: { model: string; status: string; error?: { code: string; message: string; next?: string } }[];
}

it('lock refuses every base that would change the model or is not what it claims to be', async () => {
  const cwd = join(folder, 'refused');
  const refused = refusedBases(registry);
  const names = Object.keys(refused);
  await writeBaseCatalog(
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

/** Members that a careless extractor would write outside its folder, and a device of each kind. */
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

it('hostile members and config of a base do not reach the image, its config or the unpacked files', async () => {
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
  await writeBaseCatalog(cwd, { wild });
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

  // The server reports its findings by its exit code; its response does not matter here.
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

it('push copies the layers of a base unchanged', async () => {
  const cwd = join(folder, 'pushed');
  const base = putBase(registry, 'plain', { layers: [gzipped(layer({ name: 'bin/sh', mode: 0o755 }))] });
  await writeBaseCatalog(cwd, { plain: base });
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

it('verify refuses a hostile base that was pinned by hand', async () => {
  const cwd = join(folder, 'by-hand');
  const shell = await embeddedLayers();
  const good = putBase(registry, 'by-hand', { layers: shell });
  await writeBaseCatalog(cwd, { 'by-hand': good });
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

it('smoke names the member of an image that cannot be unpacked', async () => {
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
      /its links form a loop/,
    ],
  } satisfies Record<string, [Layer, RegExp]>;
  const shell = await embeddedLayers();
  await writeBaseCatalog(
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

/** A folder for temporary files, inspected afterwards. */
async function temporary(): Promise<string> {
  const path = join(folder, 'tmp');
  await mkdir(path, { recursive: true });
  return path;
}
