import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { documentOf } from '../image/manifest.ts';
import { type Descriptor, type Digest, type ImageStore, mediaTypes } from '../image/types.ts';
import { withBaseImageCache } from './base-image-cache.ts';
import { Store } from './store.ts';

let folder: string;
let store: Store;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'store-'));
  store = await Store.open(join(folder, 'store'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const digestOf = (text: string): Digest => `sha256:${createHash('sha256').update(text).digest('hex')}`;
const key = 'a'.repeat(64);

describe('Store', () => {
  it('is in the folder of the environment variables, private to the user', async () => {
    expect((await Store.open(undefined, { MODELCARS_STORE: join(folder, 'by-name') })).folder).toBe(
      join(folder, 'by-name'),
    );
    expect((await Store.open(undefined, { XDG_CACHE_HOME: folder })).folder).toBe(join(folder, 'modelcars'));
    expect((await stat(store.folder)).mode & 0o777).toBe(0o700);
    expect((await stat(join(store.folder, 'blobs/sha256'))).mode & 0o777).toBe(0o700);
  });

  it('remembers layers, and ignores a damaged record', async () => {
    const layer = { digest: digestOf('a'), size: 3, diffId: digestOf('b') };
    expect(await store.layer(key)).toBeUndefined();
    await store.rememberLayer(key, layer);
    expect(await (await Store.open(store.folder)).layer(key)).toEqual(layer);
    for (const damage of [
      '{"digest":"sha256:',
      '{}',
      JSON.stringify({ ...layer, digest: 'md5:1' }),
      JSON.stringify({ ...layer, size: -1 }),
    ]) {
      await writeFile(join(store.folder, 'layers', `${key}.json`), damage);
      expect(await store.layer(key)).toBeUndefined();
    }
  });

  it('ignores a record that was changed, or belongs to another layer', async () => {
    const layer = { digest: digestOf('a'), size: 3, diffId: digestOf('b') };
    const path = (name: string) => join(store.folder, 'layers', `${name}.json`);
    await store.rememberLayer(key, layer);
    const record = await readFile(path(key), 'utf8');
    const other = 'b'.repeat(64);
    await writeFile(path(other), record);
    expect(await store.layer(other)).toBeUndefined();
    await writeFile(path(key), record.replace(layer.digest, digestOf('c')));
    expect(await store.layer(key)).toBeUndefined();
    await writeFile(path(key), JSON.stringify(layer));
    expect(await store.layer(key)).toBeUndefined();
    await writeFile(path(key), record);
    expect(await store.layer(key)).toEqual(layer);
  });

  it('fails when it cannot be created, or is empty with openIfPossible', async () => {
    const nowhere = join(folder, 'file', 'store');
    await writeFile(join(folder, 'file'), '');
    await expect(Store.open(nowhere)).rejects.toMatchObject({ code: 'disk' });
    const empty = await Store.openIfPossible(nowhere);
    await empty.rememberLayer(key, { digest: digestOf('a'), size: 3, diffId: digestOf('b') });
    expect(await empty.layer(key)).toBeUndefined();
    const hello: Descriptor = { mediaType: mediaTypes.layer, digest: digestOf('hello'), size: 5 };
    const origin: ImageStore = {
      resolve: async () => undefined,
      read: async () => Buffer.from('hello'),
      async *open() {
        yield Buffer.from('hello');
      },
    };
    const cached = withBaseImageCache(origin, empty);
    for await (const chunk of cached.open(hello)) expect(String(chunk)).toBe('hello');
    expect(String(await cached.read(hello))).toBe('hello');
  });

  it('keeps no blob with wrong bytes', async () => {
    const wrong = (async function* () {
      yield Buffer.from('other');
    })();
    const descriptor = { mediaType: mediaTypes.layer, digest: digestOf('hello'), size: 5 };
    await expect(store.writeBlob(descriptor, wrong)).rejects.toMatchObject({ code: 'integrity' });
    expect(await readdir(join(store.folder, 'blobs/sha256'))).toEqual([]);
  });
});

describe('withBaseImageCache', () => {
  /** A registry that counts its requests. */
  function origin(contents: Record<Digest, string>) {
    const asked = { resolve: 0, open: 0, read: 0 };
    const text = (descriptor: Descriptor) => contents[descriptor.digest] ?? '';
    const images: ImageStore = {
      async resolve(name) {
        asked.resolve++;
        return {
          mediaType: mediaTypes.manifest,
          digest: name as Digest,
          size: (contents[name as Digest] ?? '').length,
        };
      },
      async read(descriptor) {
        asked.read++;
        return Buffer.from(text(descriptor));
      },
      async *open(descriptor, offset = 0) {
        asked.open++;
        yield Buffer.from(text(descriptor)).subarray(offset);
      },
    };
    return { images, asked };
  }
  async function collect(stream: AsyncIterable<Uint8Array>): Promise<string> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    return Buffer.concat(chunks).toString();
  }
  const layer = { mediaType: mediaTypes.layer, digest: digestOf('hello'), size: 5 };

  it('requests a blob and a pinned manifest once, also with a reopened store', async () => {
    const manifest = documentOf(mediaTypes.manifest, { schemaVersion: 2, mediaType: mediaTypes.manifest });
    const { images, asked } = origin({
      [layer.digest]: 'hello',
      [manifest.digest]: new TextDecoder().decode(manifest.bytes),
    });
    const first = withBaseImageCache(images, store);
    expect(await collect(first.open(layer))).toBe('hello');
    await first.read(manifest.descriptor);
    const again = withBaseImageCache(images, await Store.open(store.folder));
    expect(await collect(again.open(layer, 2))).toBe('llo');
    expect(Buffer.from(await again.read(manifest.descriptor))).toEqual(Buffer.from(manifest.bytes));
    expect(await again.resolve(manifest.digest)).toEqual(manifest.descriptor);
    expect(asked).toEqual({ resolve: 0, open: 1, read: 1 });
  });

  it('always resolves a tag anew', async () => {
    const { images, asked } = origin({});
    const cached = withBaseImageCache(images, store);
    await cached.resolve('latest');
    await cached.resolve('latest');
    expect(asked.resolve).toBe(2);
  });

  it('deletes a damaged blob, and suggests running the command again', async () => {
    const { images } = origin({ [layer.digest]: 'hello' });
    const cached = withBaseImageCache(images, store);
    await collect(cached.open(layer));
    await writeFile(store.blobPath(layer.digest), 'hullo');
    await expect(collect(cached.open(layer))).rejects.toMatchObject({
      code: 'integrity',
      next: expect.stringContaining('again'),
    });
    expect(await collect(cached.open(layer))).toBe('hello');
  });
});
