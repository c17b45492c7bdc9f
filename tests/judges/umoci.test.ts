import { createHash } from 'node:crypto';
import { appendFile, cp, lstat, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { missingParts, part } from '../parts/parts.ts';
import { tryRun } from '../parts/run.ts';
import { buildImages, document, expectedFiles, type Images, judged, manifestOf } from './_images.ts';

const missing = await missingParts('umoci');

describe.skipIf(missing)('umoci', () => {
  let images: Images;
  let umoci: string;

  beforeAll(async () => {
    umoci = await part('umoci');
    // One platform: umoci calls a name with several ambiguous.
    images = await buildImages(judged, ['--platform', 'linux/amd64']);
  });
  afterAll(async () => await images?.[Symbol.asyncDispose]());

  test('unpacks every image without privileges; files, bytes and modes are as locked', async () => {
    for (const model of images.models) {
      const bundle = join(images.folder, `bundle-${model.name}`);
      const image = `${images.layout}:${model.name}:v1.0.0`;
      expect(await tryRun(umoci, ['unpack', '--rootless', '--image', image, bundle])).toMatchObject({
        code: 0,
      });
      for (const [path, sha256] of Object.entries(expectedFiles(model))) {
        const file = join(bundle, 'rootfs', 'models', path);
        expect(
          createHash('sha256')
            .update(await readFile(file))
            .digest('hex'),
          path,
        ).toBe(sha256);
        const { mode, mtimeMs } = await lstat(file);
        expect({ mode: mode & 0o7777, mtimeMs }, path).toEqual({ mode: 0o444, mtimeMs: 0 });
      }
      expect((await lstat(join(bundle, 'rootfs', 'models'))).mode & 0o7777).toBe(0o555);
    }
  });

  test('refuses a layer with changed bytes', async () => {
    const tampered = join(images.folder, 'tampered');
    await cp(images.layout, tampered, { recursive: true });
    const { layers } = await document(tampered, (await manifestOf(tampered, 'plain:v1.0.0')).digest);
    await appendFile(join(tampered, 'blobs', layers.at(-1)?.digest.replace(':', '/') ?? ''), 'x');
    const bundle = join(images.folder, 'bundle-tampered');
    const unpack = ['unpack', '--rootless', '--image', `${tampered}:plain:v1.0.0`, bundle];
    expect((await tryRun(umoci, unpack)).code).not.toBe(0);
    await rm(tampered, { recursive: true });
  });
});
