import { describe, expect, it } from 'vitest';
import { imageLayer, putManifest } from '../../../tests/support/oci-artifacts.ts';
import {
  all,
  breakConnections,
  breaksLeft,
  fake,
  file,
  noise,
  read,
  resolve,
  source,
  uri,
  useOciRegistry,
} from '../../../tests/support/oci-source.ts';

useOciRegistry();

describe('failures', () => {
  it.each(['tar', 'tar+gzip'] as const)('a broken connection is resumed (%s)', async (format) => {
    putManifest(fake, 'm', 'v1', [await imageLayer([['models/a', noise]], format)]);
    breakConnections(3);
    expect((await resolve()).files).toEqual([file('a', noise)]);
    expect(breaksLeft()).toBe(0);
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
