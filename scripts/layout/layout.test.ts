import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { documentOf } from '../image/manifest.ts';
import { type Content, mediaTypes, type Sink } from '../image/types.ts';
import { Archive } from './archive.ts';
import { nameOf } from './entries.ts';
import { Layout } from './layout.ts';
import { openLayout } from './open.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'layout-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const blob = (bytes: string, over: Partial<Content> = {}): Content => ({
  mediaType: mediaTypes.layer,
  async *open(offset = 0) {
    yield Buffer.from(bytes).subarray(offset);
  },
  ...over,
});
const sha256 = (text: string) => `sha256:${createHash('sha256').update(text).digest('hex')}` as const;

/** Writes a one-layer image under a name; returns its index descriptor. */
async function putImage(sink: Sink, name: string, text: string) {
  const layer = await sink.write(blob(text));
  const config = documentOf(mediaTypes.config, {
    architecture: 'amd64',
    os: 'linux',
    rootfs: { type: 'layers', diff_ids: [layer.digest] },
  });
  const manifest = documentOf(mediaTypes.manifest, {
    schemaVersion: 2,
    config: config.descriptor,
    layers: [layer],
  });
  const platform = { os: 'linux', architecture: 'amd64' };
  const index = documentOf(mediaTypes.index, {
    schemaVersion: 2,
    manifests: [{ ...manifest.descriptor, platform }],
  });
  for (const document of [config, manifest, index]) await sink.write(document);
  await sink.tag(name, index.descriptor);
  return { index: index.descriptor, layer };
}

describe('Layout', () => {
  it('stores blobs by digest, and resolves names and digests', async () => {
    const path = join(folder, 'out');
    await using layout = await Layout.create(path);
    const { index, layer } = await putImage(layout, 'iris:v1', 'hello');
    expect(layer.digest).toBe(sha256('hello'));
    expect(await readFile(join(path, 'blobs/sha256', layer.digest.slice(7)), 'utf8')).toBe('hello');
    expect((await layout.resolve('iris:v1'))?.digest).toBe(index.digest);
    expect((await layout.resolve(layer.digest))?.size).toBe(5);
    expect(await layout.resolve('iris:v2')).toBeUndefined();
    expect(JSON.parse(await readFile(join(path, 'oci-layout'), 'utf8'))).toEqual({
      imageLayoutVersion: '1.0.0',
    });
  });

  it('leaves no blob of a failed write or of one with a wrong digest or size', async () => {
    const path = join(folder, 'out');
    await using layout = await Layout.create(path);
    const torn = blob('x', {
      async *open() {
        yield Buffer.from('half');
        throw new Error('connection reset');
      },
    });
    let bytes = 0;
    await expect(layout.write(torn, { onBytes: (count) => (bytes += count) })).rejects.toThrow(
      'connection reset',
    );
    expect(bytes).toBe(0);
    await expect(layout.write(blob('x', { digest: sha256('y') }))).rejects.toMatchObject({
      code: 'integrity',
    });
    await expect(layout.write(blob('x', { size: 2 }))).rejects.toMatchObject({ code: 'integrity' });
    expect(await readdir(join(path, 'blobs/sha256'))).toEqual([]);
  });

  it('replaces an image of the same name, keeps others, and deletes unused blobs', async () => {
    await using layout = await Layout.create(folder);
    await putImage(layout, 'iris:v1', 'old');
    const other = await putImage(layout, 'wine:v1', 'wine');
    const fresh = await putImage(layout, 'iris:v1', 'new');
    expect(layout.entries.map(nameOf)).toEqual(['iris:v1', 'wine:v1']);
    await layout.collect();
    expect(await layout.has({ ...fresh.layer, digest: sha256('old') })).toBe(false);
    expect(await layout.has(fresh.layer)).toBe(true);
    expect(await layout.has(other.layer)).toBe(true);
  });

  it('refuses a folder with other files, and a damaged index', async () => {
    await writeFile(join(folder, 'thesis.txt'), '');
    await expect(Layout.create(folder)).rejects.toMatchObject({ code: 'layout' });
    const damaged = join(folder, 'damaged');
    await mkdir(damaged);
    await writeFile(join(damaged, 'oci-layout'), '{}');
    await writeFile(join(damaged, 'index.json'), '{"schemaVersion":2,"manifests":[{"digest":"md5:1"}]}');
    await expect(Layout.open(damaged)).rejects.toThrow(/index\.json: manifests\.0\./);
  });

  it('deletes temporary files of killed runs, not those of running ones', async () => {
    const blobs = join(folder, 'blobs/sha256');
    await mkdir(blobs, { recursive: true });
    const dead = spawnSync(process.execPath, ['-e', '']).pid;
    await writeFile(join(blobs, `.modelcars-tmp-${dead}-abc`), 'half');
    await writeFile(join(blobs, `.modelcars-tmp-${process.pid}-abc`), 'half');
    await using _layout = await Layout.create(folder);
    expect(await readdir(blobs)).toEqual([`.modelcars-tmp-${process.pid}-abc`]);
  });

  it('detects a blob that was changed on disk', async () => {
    await using layout = await Layout.create(folder);
    const { layer } = await putImage(layout, 'iris:v1', 'hello');
    await writeFile(join(folder, 'blobs/sha256', layer.digest.slice(7)), 'hullo');
    const read = async () => {
      for await (const _chunk of layout.open(layer));
    };
    await expect(read()).rejects.toMatchObject({ code: 'integrity' });
  });

  it('lets one process write at a time', async () => {
    const first = await Layout.create(folder);
    let second: Layout | undefined;
    const waiting = Layout.create(folder).then((layout) => {
      second = layout;
    });
    await putImage(first, 'iris:v1', 'hello');
    expect(second).toBeUndefined();
    await first.close();
    await waiting;
    expect(second?.entries.map(nameOf)).toEqual(['iris:v1']);
    await second?.close();
  });
});

describe('Archive', () => {
  it('is readable by tar and openLayout, and contains the manifest.json of Docker', async () => {
    const file = join(folder, 'out.tar');
    const archive = await Archive.create(file);
    const { index, layer } = await putImage(archive, 'iris:v1', 'hello');
    await putImage(archive, 'wine:v1', 'hello'); // shares the layer
    await archive.close();

    const list = spawnSync('tar', ['-tf', file], { encoding: 'utf8' });
    expect(list.stderr).toBe('');
    const names = list.stdout.trim().split('\n');
    expect(names.filter((name) => name.endsWith(layer.digest.slice(7)))).toHaveLength(1);
    expect(names).toEqual(expect.arrayContaining(['oci-layout', 'index.json', 'manifest.json']));
    const docker = spawnSync('tar', ['-xOf', file, 'manifest.json'], { encoding: 'utf8' });
    expect(JSON.parse(docker.stdout)).toMatchObject([
      { RepoTags: ['iris:v1'], Layers: [`blobs/sha256/${layer.digest.slice(7)}`] },
      { RepoTags: ['wine:v1'] },
    ]);
    await using reader = await openLayout(file);
    expect((await reader.resolve('iris:v1'))?.digest).toBe(index.digest);
    const chunks: Uint8Array[] = [];
    for await (const chunk of reader.open(layer, 2)) chunks.push(chunk);
    expect(Buffer.concat(chunks).toString()).toBe('llo');
  });

  it('appears only when closed, without the bytes of a failed write', async () => {
    const file = join(folder, 'out.tar');
    const archive = await Archive.create(file);
    const torn = blob('', {
      async *open() {
        yield Buffer.alloc(5000, 'x');
        throw new Error('reset');
      },
    });
    await expect(archive.write(torn)).rejects.toThrow('reset');
    await expect(stat(file)).rejects.toThrow();
    await putImage(archive, 'iris:v1', 'a');
    await archive.close();
    expect(spawnSync('tar', ['-xOf', file], { encoding: 'utf8' }).stdout).not.toContain('x'.repeat(100));
    const gone = await Archive.create(join(folder, 'gone.tar'));
    await gone.abandon();
    expect(await readdir(folder)).toEqual(['out.tar']);
  });

  it.each([
    ['not a tar', 'hello, this is no archive'.repeat(100), /not a tar/],
    ['an empty file', '', /not an OCI image layout/],
  ])('reports %s when opened', async (_what, text, message) => {
    const file = join(folder, 'x.tar');
    await writeFile(file, text);
    await expect(openLayout(file)).rejects.toThrow(message);
  });
});

it('names the command that builds a missing layout', async () => {
  await expect(openLayout(join(folder, 'nothing'))).rejects.toMatchObject({
    code: 'layout',
    next: expect.stringContaining('modelcars build'),
  });
});
