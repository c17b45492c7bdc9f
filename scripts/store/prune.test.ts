import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tryLock } from './file-lock.ts';
import { markInUse } from './in-use.ts';
import { prune } from './prune.ts';
import { Store } from './store.ts';

let store: Store;
beforeEach(async () => {
  store = await Store.open(await mkdtemp(join(tmpdir(), 'prune-')));
});
afterEach(() => rm(store.folder, { recursive: true, force: true }));

const days = 24 * 3600 * 1000;
const sha = (text: string) => createHash('sha256').update(text).digest('hex');

/** Writes an entry of 1000 bytes, last used `age` days ago. */
async function put(path: string, age: number): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, Buffer.alloc(1000));
  const then = (Date.now() - age * days) / 1000;
  await utimes(path, then, then - 100_000);
  return path;
}
const putFile = (name: string, age: number) => put(store.files.path(sha(name)), age);

async function remaining(): Promise<string[]> {
  const names = await readdir(store.folder, { recursive: true });
  const kinds = await Promise.all(
    names.map(async (name) => ((await stat(join(store.folder, name))).isFile() ? name : '')),
  );
  return kinds.filter((name) => name !== '').sort();
}
const below = (...paths: string[]) => paths.map((path) => path.slice(store.folder.length + 1)).sort();

describe('prune', () => {
  it('removes files, blobs and layers by age, and lists them', async () => {
    const [, young] = [await putFile('old', 40), await putFile('young', 20)];
    await put(store.blobPath(`sha256:${sha('blob')}`), 40);
    await put(join(store.folder, 'layers', `${sha('layer')}.json`), 40);
    const { removed, freed, left, inUse } = await prune(store.folder, { olderThan: 30 * days });
    expect(removed.map(({ kind, name }) => `${kind} ${name}`).sort()).toEqual(
      [`blob ${sha('blob')}`, `file ${sha('old')}`, `layer ${sha('layer')}`].sort(),
    );
    expect({ freed, left, inUse }).toEqual({ freed: 3000, left: 1000, inUse: 0 });
    expect(await remaining()).toEqual(below(young));
  });

  it('removes the least recently used first by size, and never layer records', async () => {
    const paths = [];
    for (const age of [5, 1, 3, 2, 4]) paths[age] = await putFile(`${age}`, age);
    const layer = await put(join(store.folder, 'layers', `${sha('layer')}.json`), 90);
    const { freed, left } = await prune(store.folder, { maxSize: 3500 });
    expect({ freed, left }).toEqual({ freed: 3000, left: 3000 });
    expect(await remaining()).toEqual(below(layer, paths[1] ?? '', paths[2] ?? ''));
  });

  it('counts reading as use', async () => {
    const path = await putFile('read', 90);
    await (await markInUse(path))();
    expect((await prune(store.folder, { olderThan: 30 * days })).removed).toEqual([]);
  });

  it('removes partial files after a day without a writer, whatever the options', async () => {
    const fresh = await put(`${store.files.path(sha('fresh'))}.part`, 0.5);
    await put(`${store.files.path(sha('abandoned'))}.part`, 2);
    expect((await prune(store.folder, { maxSize: 1e9 })).removed).toMatchObject([
      { kind: 'part', name: sha('abandoned'), size: 1000 },
    ]);
    expect(await remaining()).toEqual(below(fresh));
  });

  it('removes everything with `all`, except entries in use by a running process', async () => {
    const read = await putFile('read', 90);
    const written = `${store.files.path(sha('written'))}.part`;
    await put(written, 90);
    await putFile('idle', 0);
    await writeFile(`${await putFile('was read', 0)}.use-999999999-01234567`, '');
    const done = await markInUse(read);
    const held = await tryLock(written.replace('.part', ''));
    const first = await prune(store.folder, { all: true });
    expect(first.removed.map(({ name }) => name).sort()).toEqual([sha('idle'), sha('was read')].sort());
    expect(first).toMatchObject({ inUse: 2, left: 2000 });
    await done();
    await held?.release();
    expect(await prune(store.folder, { all: true })).toMatchObject({ inUse: 0, left: 0, freed: 2000 });
    expect(await remaining()).toEqual([]);
  });

  it('removes nothing in a dry run', async () => {
    const path = await putFile('old', 40);
    const part = await put(`${store.files.path(sha('part'))}.part`, 40);
    const before = await remaining();
    expect(await prune(store.folder, { all: true, dryRun: true })).toMatchObject({ freed: 2000, left: 0 });
    expect(await remaining()).toEqual(before);
    expect(before).toEqual(below(path, part));
  });

  it('leaves foreign files alone, and accepts a missing store', async () => {
    const foreign = await put(join(store.folder, 'notes.txt'), 900);
    const inside = await put(join(store.folder, 'blobs/sha256/notes.txt'), 900);
    await prune(store.folder, { all: true });
    expect(await remaining()).toEqual(below(foreign, inside));
    expect(await prune(join(store.folder, 'nothing'), { all: true })).toMatchObject({ removed: [], left: 0 });
  });
});
