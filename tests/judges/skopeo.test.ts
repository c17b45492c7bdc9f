import { appendFile, cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { missingParts, part } from '../parts/parts.ts';
import { type Registry, startRegistry } from '../parts/registry.ts';
import { type Result, run, tryRun } from '../parts/run.ts';
import { buildImages, digestOf, document, type Images, judgedZstd, manifestOf } from './_images.ts';

const missing = await missingParts('skopeo', 'docker-registry');

describe.skipIf(missing)('skopeo', () => {
  let images: Images;
  let registry: Registry;
  let skopeo: string;

  beforeAll(async () => {
    skopeo = await part('skopeo');
    images = await buildImages(judgedZstd);
    registry = await startRegistry({ kind: 'docker-registry' });
  });
  afterAll(async () => {
    await registry?.stop();
    await images?.[Symbol.asyncDispose]();
  });

  /** All platforms, and not one byte changed: skopeo fails rather than convert. */
  const copy = async (from: string, to: string): Promise<Result> =>
    await tryRun(skopeo, [
      ...['copy', '--quiet', '--all', '--preserve-digests', '--insecure-policy'],
      ...['--src-tls-verify=false', '--dest-tls-verify=false', from, to],
    ]);

  test('inspects every image of the layout and of the archive, for both platforms', async () => {
    for (const name of images.names) {
      for (const where of [`oci:${images.layout}:${name}`, `oci-archive:${images.archive}:${name}`]) {
        for (const architecture of ['amd64', 'arm64']) {
          const told = JSON.parse(await run(skopeo, ['--override-arch', architecture, 'inspect', where]));
          expect(told).toMatchObject({ Architecture: architecture, Os: 'linux' });
          const { digest } = await manifestOf(images.layout, name, architecture);
          const { layers } = await document(images.layout, digest);
          expect(told.Layers).toEqual(layers.map((layer) => layer.digest));
        }
      }
    }
  });

  test.each(['oci', 'oci-archive'])(
    'copies from %s to a registry and back, digest for digest',
    async (kind) => {
      const source = kind === 'oci' ? images.layout : images.archive;
      for (const name of images.names) {
        const remote = `docker://${registry.host}/${kind}/${name}`;
        const back = join(images.folder, `back-${kind}`);
        expect(await copy(`${kind}:${source}:${name}`, remote)).toMatchObject({ code: 0 });
        expect(await copy(remote, `oci:${back}:${name}`)).toMatchObject({ code: 0 });
        const raw = ['inspect', '--tls-verify=false', '--format', '{{.Digest}}', remote];
        const digest = await digestOf(images.layout, name);
        expect((await run(skopeo, raw)).trim()).toBe(digest);
        expect(await digestOf(back, name)).toBe(digest);
      }
    },
  );

  test('refuses a layout with an extra byte in a layer', async () => {
    const [name = ''] = images.names;
    const tampered = join(images.folder, 'tampered');
    await cp(images.layout, tampered, { recursive: true });
    const { layers } = await document(tampered, (await manifestOf(tampered, name)).digest);
    const layer = layers.at(-1)?.digest.replace(':', '/') ?? '';
    await appendFile(join(tampered, 'blobs', layer), 'x');
    const { code, stderr } = await copy(`oci:${tampered}:${name}`, `dir:${images.folder}/tampered-copy`);
    await rm(tampered, { recursive: true });
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/digest/i);
  });
});
