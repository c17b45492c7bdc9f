/** The files of a model in an image, read without unpacking it: from a layout, its tar, and a registry. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ImageStore } from '../../scripts/image/types.ts';
import { openImageFiles } from '../../scripts/kserve/image-files/image-files.ts';
import { openLayout } from '../../scripts/layout/open.ts';
import { RegistryClient } from '../../scripts/registry/client.ts';
import { parseReference } from '../../scripts/registry/reference.ts';
import { noCredentials } from '../e2e/_registry.ts';
import { makeCatalog, modelcars } from '../parts/cli.ts';
import { missingParts } from '../parts/parts.ts';
import { type Registry, startRegistry } from '../parts/registry.ts';

const missing = await missingParts('distribution');
/** Longer than what is read at once, in layers of their own and in a shared one. */
const files = {
  'model.joblib': randomBytes(3_000_000),
  'model-settings.json': Buffer.from('{}'),
  'README.md': Buffer.from('# ten\n'),
};
const never = new AbortController().signal;

describe.skipIf(missing)('image files', () => {
  let folder: string;
  let registry: Registry;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'modelcars-image-files-'));
    registry = await startRegistry({ kind: 'distribution' });
    await makeCatalog(folder, [{ name: 'ten', framework: 'sklearn', files }]);
  });
  afterAll(async () => {
    await registry?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  async function check(store: ImageStore, name: string): Promise<void> {
    const root = await store.resolve(name);
    if (root === undefined) throw new Error(`no image ${name}`);
    await using reader = await openImageFiles(store, root, never);
    expect(reader.paths).toEqual(Object.keys(files).sort());
    for (const [path, content] of Object.entries(files)) {
      expect(reader.size(path)).toBe(content.length);
      expect(Buffer.from(await reader.read(path, 0, content.length + 5)).equals(content)).toBe(true);
    }
    const { 'model.joblib': model } = files;
    expect(
      Buffer.from(await reader.read('model.joblib', 2_999_990, 100)).equals(model.subarray(2_999_990)),
    ).toBe(true);
    expect(Buffer.from(await reader.read('model.joblib', 17, 3)).equals(model.subarray(17, 20))).toBe(true);
  }

  test.each(['none', 'gzip', 'zstd'])('compressed with %s', async (compression) => {
    const flags = ['--base', 'embedded', '--platform', 'linux/amd64', '--compression', compression];
    for (const output of [`layout-${compression}`, `${compression}.tar`]) {
      await modelcars(['build', ...flags, '--output', output], { cwd: folder });
      await using layout = await openLayout(join(folder, output));
      await check(layout, 'ten:v1.0.0');
    }
    const target = `${registry.host}/${compression}`;
    await modelcars(['push', ...flags, '--registry', target], { cwd: folder });
    const client = new RegistryClient({ env: noCredentials });
    try {
      await check(client.repository(parseReference(`${target}/ten`)), 'v1.0.0');
    } finally {
      await client.close();
    }
  });
});
