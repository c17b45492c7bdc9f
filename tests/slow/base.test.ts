import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { $ } from 'zx';
import { check, committedLayout } from '../../base/build.ts';
import { compile, requireGo } from '../../base/compile.ts';
import { platforms } from '../../base/platforms.ts';
import { images } from '../../base/unpack.ts';
import { ModelcarsError } from '../../scripts/errors.ts';

const source = join(import.meta.dirname, '../../base');
const run = $({ cwd: source, quiet: true });

const missing = await requireGo(source).then(
  () => undefined,
  (error: Error) => error.message,
);
let folder: string;

beforeEach(async (context) => {
  if (missing !== undefined) context.skip(missing);
  folder = await mkdtemp(join(tmpdir(), 'modelcars-base-test-'));
});
afterEach(async () => {
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

test('the source is formatted, vetted and passes its own tests', async () => {
  expect((await run`gofmt -l .`).stdout).toBe('');
  await run`go vet ./...`;
  await run`go test -count=1 ./...`;
  await run`go mod verify`;
  await run`go mod tidy -diff`;
});

test('a rebuild gives the committed layout', async () => {
  const top = JSON.parse(await readFile(join(committedLayout, 'index.json'), 'utf8'));
  expect(await check(committedLayout)).toBe(top.manifests[0].digest);
});

test('check fails with both digests when the layout does not match the source', async () => {
  const layout = join(folder, 'layout');
  await cp(committedLayout, layout, { recursive: true });
  const top = JSON.parse(await readFile(join(layout, 'index.json'), 'utf8'));
  const committed = top.manifests[0].digest;
  const other = `sha256:${'0'.repeat(64)}`;
  top.manifests[0].digest = other;
  await writeFile(join(layout, 'index.json'), JSON.stringify(top));
  const error = await check(layout).catch((error: unknown) => error);
  expect(error).toBeInstanceOf(ModelcarsError);
  expect(error).toMatchObject({ code: 'integrity', exitCode: 1 });
  expect(String(error)).toContain(committed);
  expect(String(error)).toContain(other);
});

test('another folder, cache, umask, time zone and Go settings give the same binary', async () => {
  const copy = join(folder, 'somewhere', 'else');
  await cp(source, copy, { recursive: true, filter: (name) => !/layout$|rootfs$|\.ts$/.test(name) });
  const platform = platforms[0];
  const [image] = await images(committedLayout);
  const env = {
    ...process.env,
    GOCACHE: join(folder, 'cache'),
    GOFLAGS: '-ldflags=-X=main.version=other',
    GOAMD64: 'v3',
    CGO_ENABLED: '1',
    TZ: 'Asia/Kathmandu',
    HOME: folder,
    GOMODCACHE: (await run`go env GOMODCACHE`).stdout.trim(),
  };
  const umask = process.umask(0o077);
  try {
    await compile(copy, platform, join(folder, 'binary'), env);
  } finally {
    process.umask(umask);
  }
  const committed = image?.members.find(({ header }) => header.name === 'bin/sh')?.content;
  expect(image?.config.architecture).toBe(platform.architecture);
  expect(committed?.equals(await readFile(join(folder, 'binary')))).toBe(true);
});

test('the licences in the image are those of the modules in the binary', async () => {
  const [image] = await images(committedLayout);
  if (image === undefined) throw new Error('no image');
  const text = (name: string) =>
    image.members.find(({ header }) => header.name === `licenses/${name}`)?.content.toString();
  const goroot = (await run`go env GOROOT`).stdout.trim();
  expect(text('go.txt')).toBe(await readFile(join(goroot, 'LICENSE'), 'utf8'));
  const listed = await run`go list -deps -f '{{with .Module}}{{.Path}} {{.Dir}}{{end}}' .`;
  const modules = new Set(
    listed.stdout.split('\n').filter((line) => line !== '' && !line.startsWith('modelcars/')),
  );
  expect(modules.size).toBeGreaterThan(0);
  for (const module of modules) {
    const [path = '', dir = ''] = module.split(' ');
    const name = path.startsWith('golang.org/x/')
      ? 'go.txt'
      : path === 'mvdan.cc/sh/v3'
        ? 'mvdan-sh.txt'
        : path;
    expect(text(name), path).toBe(await readFile(join(dir, 'LICENSE'), 'utf8'));
  }
});
