import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { modelcars, tryModelcars } from '../parts/cli.ts';
import { missingParts, part } from '../parts/parts.ts';
import { type Registry, startRegistry } from '../parts/registry.ts';
import { run, tryRun } from '../parts/run.ts';
import {
  buildImages,
  digestOf,
  document,
  expectedFiles,
  type Images,
  judgedZstd,
  manifestOf,
} from './_images.ts';

const missing = await missingParts('crane', 'distribution');

/**
 * `crane validate` unpacks each layer as gzip, whatever its media type (go-containerregistry issue 1826), so it can
 * only check the image with gzip layers as a whole. The others are pulled and exported, which checks every digest as
 * well.
 */
const allGzip = 'squeezed';

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

  /** Changes one byte of the image's last layer in the registry's storage. */
  const tamper = async (name: string): Promise<void> => {
    const { layers } = await document(images.layout, (await manifestOf(images.layout, name)).digest);
    const hex = layers.at(-1)?.digest.slice('sha256:'.length) ?? '';
    const blob = join(registry.storage, 'docker/registry/v2/blobs/sha256', hex.slice(0, 2), hex);
    expect(await readdir(blob)).toEqual(['data']);
    const bytes = await readFile(join(blob, 'data'));
    const middle = bytes.length >> 1;
    bytes[middle] = (bytes[middle] ?? 0) ^ 1;
    await writeFile(join(blob, 'data'), bytes);
  };

  test('finds in the registry what build wrote to the layout', async () => {
    for (const name of images.names) {
      const digest = (await run(crane, ['digest', `${registry.host}/team/${name}`])).trim();
      expect(digest).toBe(await digestOf(images.layout, name));
    }
  });

  test('validates every image: manifests, config, and that its layers exist', async () => {
    for (const name of images.names) {
      const remote = ['validate', '--fast', '--remote', `${registry.host}/team/${name}`];
      expect(await tryRun(crane, remote)).toMatchObject({ code: 0 });
      for (const platform of ['linux/amd64', 'linux/arm64']) {
        expect(await tryRun(crane, [...remote, '--platform', platform])).toMatchObject({ code: 0 });
      }
    }
  });

  test('validates layers, digests and diff IDs too, from the registry and from the .tar', async () => {
    const remote = ['validate', '--remote', `${registry.host}/team/${allGzip}:v1.0.0`];
    expect(await tryRun(crane, remote)).toMatchObject({ code: 0 });
    const archive = join(images.folder, 'one.tar');
    await modelcars(['build', allGzip, '--base', 'embedded', '--output', archive], { cwd: images.folder });
    expect(await tryRun(crane, ['validate', '--tarball', archive])).toMatchObject({ code: 0 });
  });

  test('exports from every image the files that went in', async () => {
    for (const model of images.models) {
      const tree = join(images.folder, `exported-${model.name}`);
      await mkdir(tree);
      const image = `${registry.host}/team/${model.name}:v1.0.0`;
      await run(crane, ['export', '--platform', 'linux/arm64', image, `${tree}.tar`]);
      await run('tar', ['--extract', '--file', `${tree}.tar`, '--directory', tree]);
      for (const [path, sha256] of Object.entries(expectedFiles(model))) {
        const bytes = await readFile(join(tree, 'models', path));
        expect(createHash('sha256').update(bytes).digest('hex'), path).toBe(sha256);
      }
    }
  });

  test('pushes the layout with unchanged digests', async () => {
    for (const { name } of images.models) {
      const layout = join(images.folder, `only-${name}`);
      await modelcars(['build', name, '--base', 'embedded', '--output', layout], { cwd: images.folder });
      const reference = `${registry.host}/by-crane/${name}:v1`;
      await run(crane, ['push', '--index', layout, reference]);
      const pushed = JSON.parse(await run(crane, ['manifest', reference]));
      const digest = await digestOf(images.layout, `${name}:v1.0.0`);
      // crane pushes index.json itself as an index, so the image's index is its only entry.
      expect(pushed.manifests.map((entry: { digest: string }) => entry.digest)).toEqual([digest]);
    }
  });

  test('verify passes the images that crane pushed', async () => {
    const verify = ['verify', '--remote', '--base', 'embedded', '--registry', `${registry.host}/team`];
    expect(await tryModelcars(verify, { cwd: images.folder })).toMatchObject({ code: 0 });
  });

  test('fails when the registry serves changed bytes, and so does verify', async () => {
    for (const name of images.names) await tamper(name);
    await registry.restart();
    for (const { name } of images.models) {
      const image = `${registry.host}/team/${name}:v1.0.0`;
      const pulled = ['pull', '--format=oci', '--platform=linux/amd64', image, join(images.folder, 'pulled')];
      const looks = name === allGzip ? ['validate', '--remote', image] : pulled;
      expect((await tryRun(crane, looks)).code, looks.join(' ')).not.toBe(0);
    }
    const verify = ['verify', '--remote', '--base', 'embedded', '--registry', `${registry.host}/team`];
    expect((await tryModelcars(verify, { cwd: images.folder })).code).toBe(1);
  });
});
