import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { huggingFaceCache, huggingFaceFolder } from './huggingface-cache.ts';

let hub: string;
beforeEach(async () => {
  hub = await mkdtemp(join(tmpdir(), 'hub-'));
});
afterEach(() => rm(hub, { recursive: true, force: true }));

const revision = 'c'.repeat(40);
const wanted = (path: string, text: string) => ({
  path,
  size: text.length,
  sha256: createHash('sha256').update(text).digest('hex'),
  uri: 'hf://org/name:main',
  revision,
});

/** A file as huggingface_hub keeps it: a blob by its ETag, a link by its path (huggingface.co/docs/hub/local-cache). */
async function cache(path: string, etag: string, text: string): Promise<void> {
  const repository = join(hub, 'models--org--name');
  const snapshot = join(repository, 'snapshots', revision, path);
  await mkdir(join(repository, 'blobs'), { recursive: true });
  await mkdir(join(snapshot, '..'), { recursive: true });
  await writeFile(join(repository, 'blobs', etag), text);
  const up = '../'.repeat(path.split('/').length + 1);
  await symlink(`${up}blobs/${etag}`, snapshot);
}

async function read(file: ReturnType<typeof wanted>, offset = 0): Promise<string | undefined> {
  const stream = await huggingFaceCache(hub).open(file, offset);
  if (stream === undefined) return undefined;
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

it('finds large files by their sha256, in any revision', async () => {
  const file = wanted('model.safetensors', 'weights');
  await cache(file.path, file.sha256, 'weights');
  expect(await read(file)).toBe('weights');
  expect(await read({ ...file, revision: 'main', path: 'moved.safetensors' }, 3)).toBe('ghts');
  expect(await huggingFaceCache(hub).has(file)).toBe(true);
});

it('finds small files, whose blobs have git names, by revision and path', async () => {
  const file = wanted('onnx/config.json', '{"a":1}');
  await cache(file.path, 'd'.repeat(40), '{"a":1}');
  expect(await read(file, 1)).toBe('"a":1}');
  expect(await read({ ...file, revision: 'e'.repeat(40) })).toBeUndefined();
});

it('finds nothing for other sizes, repositories and schemes, dangling links and hostile paths', async () => {
  const file = wanted('config.json', '{}');
  await cache(file.path, 'd'.repeat(40), '{}');
  await writeFile(join(hub, 'secret'), '{}');
  for (const change of [
    { size: 3 },
    { uri: 'hf://org/other' },
    { uri: 'https://host/org/name' },
    { path: '../../../secret' },
    { path: 'refs' },
  ])
    expect(await read({ ...file, ...change })).toBeUndefined();
  await rm(join(hub, 'models--org--name/blobs'), { recursive: true });
  expect(await read(file)).toBeUndefined();
  expect(await huggingFaceCache(hub).has(file)).toBe(false);
});

it('is the folder given by the variables of huggingface_hub', () => {
  const all = { HF_HUB_CACHE: '/1', HUGGINGFACE_HUB_CACHE: '/2', HF_HOME: '/3', XDG_CACHE_HOME: '/4' };
  const { HF_HUB_CACHE: _, ...second } = all;
  const { HUGGINGFACE_HUB_CACHE: __, ...third } = second;
  const { HF_HOME: ___, ...fourth } = third;
  expect([all, second, third, fourth, {}, { HF_HOME: '~/x' }].map(huggingFaceFolder)).toEqual([
    '/1',
    '/2',
    '/3/hub',
    '/4/huggingface/hub',
    join(homedir(), '.cache/huggingface/hub'),
    join(homedir(), 'x/hub'),
  ]);
});
