import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { jsonSchema } from '../../scripts/catalog/json-schema.ts';
import { loadCatalog } from '../../scripts/catalog/load.ts';
import { readLock } from '../../scripts/catalog/lockfile.ts';
import type { LockedFile } from '../../scripts/model/types.ts';
import { buildModels } from '../../scripts/pipeline/build.ts';
import { lockModels } from '../../scripts/pipeline/lock.ts';
import { revisionOf } from '../../scripts/sources/revision.ts';
import type { SourceKind } from '../../scripts/sources/types.ts';
import { Folder, failure } from '../support/catalog-folder.ts';

const content = Buffer.from('weights that were never on a disk');

/** A source kind as a plug-in would define it: `memory:name` is one file in this process. */
const memoryKind = vi.hoisted<SourceKind>(() => ({
  scheme: 'memory',
  example: 'memory:name',
  forms: [{ uri: 'memory:name', names: 'A file of this process.' }],
  environment: [],
  repair: { pointer: 'store the file', corrupt: 'store it again', missing: 'store the others' },
  check: (uri) => (/^memory:[a-z.]+$/.test(uri) ? undefined : { expected: '`memory:name`' }),
  open: () => ({
    async resolve(uri, select) {
      const path = uri.slice('memory:'.length);
      const sha256 = createHash('sha256').update(content).digest('hex');
      const files: LockedFile[] = select(path) ? [{ path, size: content.length, sha256 }] : [];
      return { revision: revisionOf(files), files };
    },
    async *open(_uri, _revision, _file, offset = 0) {
      yield content.subarray(offset);
    },
  }),
}));

// The one line that a new kind adds: in kinds.ts. No other module is replaced.
vi.mock(import('../../scripts/sources/kinds.ts'), async (original) => {
  const { sourceKinds } = await original();
  return { sourceKinds: [...sourceKinds, memoryKind] };
});

const models = (source: string) =>
  `version: v1.0.0
defaults: {base: embedded, platforms: [linux/amd64]}
models:
  - {name: remembered, framework: testing, source: "${source}"}
`;

it('builds an image from a source of a new kind, through catalog and lock', async () => {
  await using folder = await Folder.make();
  const catalog = await loadCatalog(await folder.catalog(models('memory:model.bin')));
  const run = await folder.run(catalog);
  const { outcomes } = await lockModels(run);
  expect(outcomes).toMatchObject([{ model: 'remembered', status: 'done', size: content.length }]);
  const lock = await readLock(catalog.lockFile);
  expect(lock?.models.remembered).toMatchObject({
    source: 'memory:model.bin',
    files: [{ path: 'model.bin', size: content.length }],
  });
  const built = await buildModels({ ...run, frozen: true, output: join(folder.path, 'out'), verify: true });
  expect(built).toMatchObject([{ model: 'remembered', status: 'done' }]);
  expect(built[0]?.checks?.length).toBeGreaterThan(0);
});

it('names the new kind in errors, and accepts it in editors', async () => {
  await using folder = await Folder.make();
  const error = await failure(loadCatalog(await folder.catalog(models('memry:x'))));
  expect(error.message).toContain('or `memory:name`, got `memry:x`; did you mean `memory:x`?');
  const wrong = await failure(loadCatalog(await folder.catalog(models('memory:NAME'))));
  expect(wrong.message).toContain('expected `memory:name`, got `memory:NAME`');
  expect(jsonSchema()).toContain('^(file:|hf://|https://|s3://|gs://|azure://|oci://|memory:)');
});
