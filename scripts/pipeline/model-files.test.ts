import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ModelcarsError } from '../errors.ts';
import { layerOf } from '../image/layer.ts';
import { planLayers } from '../image/plan.ts';
import type { FileCache, WantedFile } from '../store/file-cache.ts';
import { StoreFiles } from '../store/files.ts';
import { ModelFiles } from './model-files.ts';

let folder: string;
let store: StoreFiles;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'model-files-'));
  store = new StoreFiles(folder);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const right = 'the right bytes';
const file = {
  path: 'model.bin',
  size: right.length,
  sha256: createHash('sha256').update(right).digest('hex'),
};
const wanted: WantedFile = { ...file, uri: 'test://origin', revision: '1' };

/** A cache that has one content and counts how often it is opened. */
function place(name: string, text: string | undefined) {
  const calls = { opened: 0, forgotten: 0 };
  const found: FileCache = {
    name,
    has: async () => text !== undefined,
    async open(_, offset) {
      if (text === undefined) return undefined;
      calls.opened++;
      return (async function* () {
        if (text === 'broken') throw new Error('EIO');
        yield Buffer.from(text).subarray(offset);
      })();
    },
    async forget() {
      calls.forgotten++;
    },
  };
  return { ...found, calls };
}

/**
 * Reads the file as a layer does, calling `doubt` as assemble does; returns the number of reads and the final error.
 */
async function read(files: ModelFiles): Promise<{ reads: number; error?: ModelcarsError }> {
  const [plan] = planLayers([file]);
  if (plan === undefined) throw new Error('no layer');
  const layer = layerOf(plan, (one, offset, signal) => files.open(one, wanted, offset, signal), {
    mtime: 0,
    compression: 'none',
  });
  for (let reads = 1; ; reads++) {
    try {
      for await (const _ of layer.open(0));
      return { reads };
    } catch (error) {
      if (!(await files.doubt(error))) return { reads, error: error as ModelcarsError };
    }
  }
}

const said: string[] = [];
function modelFiles(options: { local?: FileCache[]; remote?: FileCache[]; keep?: boolean }): ModelFiles {
  said.length = 0;
  const { local = [], remote = [], keep = false } = options;
  return new ModelFiles({
    store,
    local,
    remote,
    keep,
    sources: { directory: folder },
    say: (line) => said.push(line),
  });
}

async function fill(text: string): Promise<void> {
  const bytes = async function* () {
    yield Buffer.from(right);
  };
  for await (const _ of store.keep(file, bytes));
  await rm(store.path(file.sha256));
  await writeFile(store.path(file.sha256), text);
}

describe('ModelFiles', () => {
  it('reads from the store, then from local caches, then from remote ones', async () => {
    const [local, remote] = [place('the cache', right), place('S3', right)];
    expect(await read(modelFiles({ local: [local], remote: [remote] }))).toEqual({ reads: 1 });
    expect([local.calls.opened, remote.calls.opened]).toEqual([1, 0]);
    await fill(right);
    expect(await read(modelFiles({ local: [local], remote: [remote] }))).toEqual({ reads: 1 });
    expect([local.calls.opened, remote.calls.opened]).toEqual([1, 0]);
  });

  it('with --keep, stores files from remote caches only', async () => {
    const remote = place('S3', right);
    expect(await read(modelFiles({ remote: [remote] }))).toEqual({ reads: 1 });
    expect(await read(modelFiles({ local: [place('the cache', right)], keep: true }))).toEqual({ reads: 1 });
    expect(await store.has(file)).toBe(false);
    expect(await read(modelFiles({ remote: [remote], keep: true }))).toEqual({ reads: 1 });
    expect(await store.has(file)).toBe(true);
  });

  it('returns the bytes that --keep would add', async () => {
    expect(await modelFiles({ keep: true }).keeps(wanted)).toBe(file.size);
    expect(await modelFiles({}).keeps(wanted)).toBe(0);
    expect(await modelFiles({ keep: true }).keeps({ ...wanted, uri: 'file:x' })).toBe(0);
    expect(await modelFiles({ keep: true, local: [place('the cache', right)] }).keeps(wanted)).toBe(0);
    await fill(right);
    expect(await modelFiles({ keep: true }).keeps(wanted)).toBe(0);
  });

  it('reads `file:` sources in place', async () => {
    await fill('the wrong bytes');
    await writeFile(join(folder, 'model.bin'), right);
    const stream = modelFiles({ keep: true }).open(file, { ...wanted, uri: 'file:model.bin' }, 4);
    const chunks: Uint8Array[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    expect(Buffer.concat(chunks).toString()).toBe(right.slice(4));
  });
});

describe('a corrupt copy', () => {
  const wrong = 'the wrong bytes';

  it('in the store is deleted, and the next cache is read', async () => {
    await fill(wrong);
    const remote = place('S3', right);
    expect(await read(modelFiles({ remote: [remote] }))).toEqual({ reads: 2 });
    expect(await store.has(file)).toBe(false);
    expect(said).toEqual(['model.bin: the copy in the store is damaged; reading the file again']);
  });

  it('in the store is replaced with --keep', async () => {
    await fill(wrong);
    expect(await read(modelFiles({ remote: [place('S3', right)], keep: true }))).toEqual({ reads: 2 });
    expect(await read(modelFiles({}))).toEqual({ reads: 1 });
  });

  it.each([wrong, 'broken', 'too short', 'far too long to be right'])(
    'elsewhere is forgotten and skipped: %s',
    async (text) => {
      const [local, second] = [place('the cache', text), place('the other cache', wrong)];
      const files = modelFiles({ local: [local, second], remote: [place('S3', right)] });
      expect(await read(files)).toEqual({ reads: 3 });
      expect([local.calls, second.calls]).toEqual([
        { opened: 1, forgotten: 1 },
        { opened: 1, forgotten: 1 },
      ]);
    },
  );

  it('kept in part by an earlier run is read again from its origin', async () => {
    const remote = place('S3', right);
    const half = store.keep(file, async function* () {
      yield Buffer.from('thx');
      yield Buffer.from(right);
    });
    await half.next();
    await half.return(undefined);
    expect(await store.lacks(file)).toBe(file.size - 3);
    expect(await read(modelFiles({ remote: [remote], keep: true }))).toEqual({ reads: 2 });
    expect(await store.has(file)).toBe(true);
  });

  it('everywhere fails with the error of the last', async () => {
    const places = { local: [place('the cache', wrong)], remote: [place('S3', wrong)] };
    const { reads, error } = await read(modelFiles({ ...places, keep: true }));
    // The cache, S3, and then the source, which cannot be opened in this test.
    expect(reads).toBe(3);
    expect(error?.code).toBe('source');
    expect(await store.has(file)).toBe(false);
  });

  it('is not assumed for other errors', async () => {
    expect(await modelFiles({}).doubt(new Error('ECONNRESET'))).toBe(false);
  });
});
