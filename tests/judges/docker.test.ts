import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Docker, startDocker } from '../parts/docker.ts';
import { missingParts, missingRoot, part } from '../parts/parts.ts';
import { run } from '../parts/run.ts';
import { expectContract, judgeMount, surveyCommand, users } from './_containers.ts';
import { buildImages, document, type Images, manifestOf } from './_images.ts';

const missing = missingRoot('dockerd') ?? (await missingParts('dockerd', 'docker', 'busybox'));

describe.skipIf(missing)('docker', () => {
  let images: Images;
  let daemon: Docker;

  beforeAll(async () => {
    images = await buildImages();
    daemon = await startDocker();
    const load = await daemon.docker('load', '--input', images.archive);
    if (load.code !== 0) throw new Error(load.stderr);
  });
  afterAll(async () => {
    await daemon?.[Symbol.asyncDispose]();
    await images?.[Symbol.asyncDispose]();
  });

  test('loads every image of the archive, with the config of the build', async () => {
    const { stdout } = await daemon.docker(
      'images',
      '--no-trunc',
      '--format',
      '{{.Repository}}:{{.Tag}} {{.ID}}',
    );
    const expected = [];
    for (const name of images.names) {
      const { config } = await document(images.layout, (await manifestOf(images.layout, name)).digest);
      expected.push(`${name} ${config.digest}`);
    }
    expect(stdout.trim().split('\n').sort()).toEqual(expected.sort());
  });

  test.each(users)(
    'as %s every file is readable, nothing is writable, owner and modes follow the contract',
    async (user) => {
      const mount = ['--volume', `${await part('busybox')}:${judgeMount}/busybox:ro`];
      for (const model of images.models) {
        const flags = ['--rm', '--network=none', '--user', user, ...mount];
        const result = await daemon.docker(
          'run',
          ...flags,
          `${model.name}:v1.0.0`,
          ...surveyCommand('/models'),
        );
        expectContract(result, model);
      }
    },
  );

  test('refuses an archive with changed bytes in a layer', async () => {
    const { layers } = await document(
      images.layout,
      (await manifestOf(images.layout, 'plain:v1.0.0')).digest,
    );
    const layer = `blobs/${layers.at(-1)?.digest.replace(':', '/')}`;
    const broken = join(images.folder, 'broken.tar');
    await run('cp', [images.archive, broken]);
    const bytes = await readFile(join(images.layout, layer));
    const place = (await readFile(broken)).indexOf(bytes.subarray(0, 1024));
    expect(place).toBeGreaterThan(0);
    // Changes the first letter of a file's name: still a tar, but no longer the layer that the config names.
    await run('dd', [`of=${broken}`, `seek=${place}`, 'bs=1', 'count=1', 'conv=notrunc', 'if=/dev/zero']);
    await daemon.docker('image', 'rm', '--force', ...images.names);
    expect((await daemon.docker('load', '--input', broken)).code).not.toBe(0);
  });
});
