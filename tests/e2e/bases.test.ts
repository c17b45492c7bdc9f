import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { pushBase } from '../parts/bases.ts';
import { makeCatalog, modelcars, tryModelcars } from '../parts/cli.ts';
import { missingParts } from '../parts/parts.ts';
import { startRegistry } from '../parts/registry.ts';

test.skipIf(await missingParts('docker-registry'))(
  'after `modelcars bases`, a build needs no registry; without it, it does',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'modelcars-bases-'));
    const registry = await startRegistry({ kind: 'docker-registry' });
    try {
      await makeCatalog(folder, [{ name: 'one', framework: 'sklearn', files: { 'model.joblib': 'x' } }]);
      const { reference } = await pushBase(registry.host, 'bases/own', 'own');
      const base = ['--base', reference];
      await modelcars(['lock', ...base], { cwd: folder });
      const { models } = JSON.parse(await modelcars(['bases', ...base, '--json'], { cwd: folder }));
      expect(models).toMatchObject([{ model: 'one', status: 'done', name: reference }]);

      const before = registry.requests().length;
      await modelcars(['bases', ...base], { cwd: folder });
      const blobs = registry
        .requests()
        .slice(before)
        .filter(({ path }) => path.includes('/blobs/'));
      expect(blobs).toEqual([]);
      await registry.stop();

      const build = ['build', '--frozen', ...base];
      await modelcars([...build, '-o', 'kept'], { cwd: folder });
      const elsewhere = { MODELCARS_STORE: join(folder, 'empty-store') };
      const { code, stderr } = await tryModelcars([...build, '-o', 'none'], { cwd: folder, env: elsewhere });
      expect(code).toBe(1);
      expect(stderr).toContain(registry.host);
    } finally {
      await registry.stop();
      await rm(folder, { recursive: true, force: true });
    }
  },
);
