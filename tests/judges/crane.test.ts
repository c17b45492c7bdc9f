import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { modelcars } from '../parts/cli.ts';
import { missingParts, part } from '../parts/parts.ts';
import { type Registry, startRegistry } from '../parts/registry.ts';
import { run, tryRun } from '../parts/run.ts';
import { buildImages, digestOf, document, type Images, judgedZstd, manifestOf } from './_images.ts';

const missing = await missingParts('crane', 'distribution');

describe.skipIf(missing)('crane', () => {
  let images: Images;
  let registry: Registry;
  let crane: string;

  beforeAll(async () => {
    crane = await part('crane');
    images = await buildImages(judgedZstd);
    registry = await startRegistry({ kind: 'distribution' });
    const push = ['push', '--base', 'embedded', '--registry', `${registry.host}/team`];
    await modelcars(push, { cwd: images.folder });
  });
  afterAll(async () => {
    await registry?.stop();
    await images?.[Symbol.asyncDispose]();
  });

  test('finds in the registry what build wrote to the layout', async () => {
    for (const name of images.names) {
      const digest = (await run(crane, ['digest', `${registry.host}/team/${name}`])).trim();
      expect(digest).toBe(await digestOf(images.layout, name));
    }
  });

  test('validates every pushed image, layers and all', async () => {
    for (const name of images.names) {
      const remote = ['validate', '--remote', `${registry.host}/team/${name}`];
      expect(await tryRun(crane, remote)).toMatchObject({ code: 0 });
      for (const platform of ['linux/amd64', 'linux/arm64']) {
        expect(await tryRun(crane, [...remote, '--platform', platform])).toMatchObject({ code: 0 });
      }
    }
  });

  test("validates the .tar of one model as Docker's kind of archive", async () => {
    for (const { name } of images.models) {
      const archive = join(images.folder, `${name}.tar`);
      await modelcars(['build', name, '--base', 'embedded', '--output', archive], { cwd: images.folder });
      expect(await tryRun(crane, ['validate', '--tarball', archive])).toMatchObject({ code: 0 });
    }
  });

  test('pushes our layout itself, digest for digest', async () => {
    for (const { name } of images.models) {
      const layout = join(images.folder, `only-${name}`);
      await modelcars(['build', name, '--base', 'embedded', '--output', layout], { cwd: images.folder });
      const reference = `${registry.host}/by-crane/${name}:v1`;
      await run(crane, ['push', '--index', layout, reference]);
      const pushed = JSON.parse(await run(crane, ['manifest', reference]));
      const digest = await digestOf(images.layout, `${name}:v1.0.0`);
      // crane pushes index.json itself as an index, so ours is its only entry.
      expect(pushed.manifests.map((entry: { digest: string }) => entry.digest)).toEqual([digest]);
      await run(crane, ['validate', '--remote', `${registry.host}/by-crane/${name}@${digest}`]);
    }
  });

  test('finds fault when the registry serves other bytes', async () => {
    const [name = ''] = images.names;
    const { layers } = await document(images.layout, (await manifestOf(images.layout, name)).digest);
    const hex = layers.at(-1)?.digest.slice('sha256:'.length) ?? '';
    const blobs = join(registry.storage, 'docker/registry/v2/blobs/sha256', hex.slice(0, 2), hex);
    expect(await readdir(blobs)).toEqual(['data']);
    await writeFile(join(blobs, 'data'), 'x', { flag: 'r+' });
    const remote = ['validate', '--platform', 'linux/amd64', '--remote', `${registry.host}/team/${name}`];
    const { code, stderr } = await tryRun(crane, remote);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/sha256|digest/i);
  });
});
