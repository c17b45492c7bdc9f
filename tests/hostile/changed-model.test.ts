/** A local model that changed after `lock`: no command confuses the old one with the new one. */
import { mkdtemp, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { makeCatalog, modelcars, noise, tryModelcars } from '../parts/cli.ts';
import { missingParts } from '../parts/parts.ts';
import { type Registry, startRegistry } from '../parts/registry.ts';
import { tagsOf } from '../parts/tags.ts';

const missing = await missingParts('docker-registry');
const original = noise(1_500_000, 1);

describe.skipIf(missing)('a local model that changed after lock', () => {
  let registry: Registry;
  let folder: string;
  let file: string;
  let target: string[];

  beforeAll(async () => {
    registry = await startRegistry({ kind: 'docker-registry' });
    target = ['--registry', `${registry.host}/team`];
    folder = await mkdtemp(join(tmpdir(), 'modelcars-changed-'));
    file = join(folder, 'files', 'iris', 'model.joblib');
    const files = { 'model.joblib': original };
    await makeCatalog(folder, [{ name: 'iris', framework: 'sklearn', files, more: { base: 'embedded' } }]);
    await modelcars(['build'], { cwd: folder });
    await modelcars(['push', ...target], { cwd: folder });
  });
  beforeEach(() => writeFile(file, original));
  afterAll(async () => {
    await registry?.stop();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  const larger = { model: noise(1_500_002, 2), says: 'has 1500002 bytes, the lock has 1500000' };
  const sameSize = { model: noise(1_500_000, 3), says: 'has sha256 ' };

  test.each([
    ['push', ['push', '--version', 'v2.2.0'], larger],
    ['push', ['push', '--version', 'v2.2.0'], sameSize],
    ['push --dry-run', ['push', '--version', 'v2.2.0', '--dry-run'], sameSize],
    ['push of the version that exists', ['push'], sameSize],
    ['build into a layout that has the old model', ['build'], larger],
    ['build into a layout that has the old model', ['build'], sameSize],
    ['build --dry-run', ['build', '--dry-run'], sameSize],
    ['verify', ['verify'], larger],
    ['verify', ['verify'], sameSize],
    ['verify --remote', ['verify', '--remote'], sameSize],
    ['lock --frozen', ['lock', '--frozen'], sameSize],
    ['manifest', ['manifest'], sameSize],
    ['manifest --remote', ['manifest', '--remote'], larger],
  ])('%s refuses it, with this store and with an empty one', async (_name, words, { model, says }) => {
    await writeFile(file, model);
    const args = /^(?:build|lock|verify$)/.test(words.join()) ? words : [...words, ...target];
    for (const env of [{}, { CI: 'true' }, { MODELCARS_STORE: join(folder, '.empty') }]) {
      const { code, stderr } = await tryModelcars(args, { cwd: folder, env });
      expect(stderr).toContain(says);
      expect(stderr).toContain('modelcars lock');
      expect(code).toBe(1);
    }
    await rm(join(folder, '.empty'), { recursive: true, force: true });
    expect(await tagsOf(registry.host, 'team/iris')).not.toContain('v2.2.0');
  });

  test('list reports it as stale with the difference, and prints no digest', async () => {
    for (const { model, says } of [larger, sameSize]) {
      await writeFile(file, model);
      const out = await modelcars(['list', '--json'], { cwd: folder });
      const { models } = JSON.parse(out) as {
        models: { lock: { state: string; reasons: string[]; digest?: string } }[];
      };
      expect(models[0]?.lock.state).toBe('stale');
      expect(models[0]?.lock.reasons.join()).toContain(says);
      expect(models[0]?.lock.digest).toBeUndefined();
    }
  });

  test('is noticed with unchanged size, mtime and inode, after the store recorded the file', async () => {
    const long = new Date(Date.now() - 86_400_000);
    await utimes(file, long, long);
    await new Promise((resolve) => setTimeout(resolve, 2500)); // remembered only 2 s after the last change
    await modelcars(['list'], { cwd: folder });
    const before = await stat(file);
    await writeFile(file, sameSize.model);
    await utimes(file, long, long);
    const after = await stat(file);
    expect([after.ino, after.size, after.mtimeMs]).toEqual([before.ino, before.size, before.mtimeMs]);
    const { code, stderr } = await tryModelcars(['push', '--version', 'v2.3.0', ...target], { cwd: folder });
    expect(stderr).toContain(sameSize.says);
    expect(code).toBe(1);
  });

  test('a missing model: push refuses, verify and manifest of existing images work', async () => {
    await rm(file);
    const push = await tryModelcars(['push', '--version', 'v2.4.0', ...target], { cwd: folder });
    expect(push.code).toBe(1);
    expect(push.stderr).toContain('is in the lock, but no longer exists');
    await modelcars(['verify', '--remote', ...target], { cwd: folder });
    await modelcars(['verify'], { cwd: folder });
    expect(await modelcars(['manifest', '--remote', ...target], { cwd: folder })).toContain('@sha256:');
  });

  test('an unchanged model is pushed as the next version without sending its layers', async () => {
    const before = registry.requests().length;
    await modelcars(['push', '--version', 'v3.0.0', ...target], { cwd: folder });
    const sent = registry
      .requests()
      .slice(before)
      .filter(({ method, path }) => method === 'PUT' && path.includes('/blobs/uploads/'));
    expect(sent).toHaveLength(2); // one config per platform: a new version has new annotations
    expect(await readFile(file)).toEqual(Buffer.from(original));
  });
});
