import { generateKeyPairSync } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { pushBase } from '../parts/bases.ts';
import { modelcars, noise, tryModelcars } from '../parts/cli.ts';
import { guideCommands } from '../parts/guide.ts';
import { missingParts } from '../parts/parts.ts';
import { type Registry, startRegistry } from '../parts/registry.ts';
import { holesBehind, tagDigest, tagsOf } from '../parts/tags.ts';

const missing = await missingParts('docker-registry');

describe.skipIf(missing)('docs/guide/rebase.md', () => {
  let registry: Registry;
  let folder: string;
  let earlier: string;
  let lines: string[][];

  const writeCatalog = (base: string, version: string) => {
    const model = { name: 'iris', framework: 'sklearn', source: 'file:iris', base, version };
    const text = stringify({ registry: `${registry.host}/me`, models: [model] });
    return writeFile(join(folder, 'models.yaml'), text);
  };

  beforeAll(async () => {
    registry = await startRegistry({ kind: 'docker-registry' });
    folder = await mkdtemp(join(tmpdir(), 'modelcars-rebase-'));
    const { reference } = await pushBase(registry.host, 'me/base', 'two', '2');
    await mkdir(join(folder, 'iris'));
    await writeFile(join(folder, 'iris', 'model.joblib'), noise(100_000, 1));
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    await writeFile(join(folder, 'cosign.key'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
    const platforms = ['--platform', 'linux/amd64,linux/arm64'];
    await writeCatalog('embedded', 'v1.2.3');
    await modelcars(['lock', ...platforms], { cwd: folder });
    await modelcars(['push', ...platforms, '--unsafe-files', 'allow'], { cwd: folder });
    earlier = (await tagDigest(registry.host, 'me/iris', 'v1.2.3')) ?? '';
    // As the guide says: base and version are set in models.yaml.
    await writeFile(
      join(folder, 'models.yaml'),
      stringify({
        registry: `${registry.host}/me`,
        defaults: { platforms: ['linux/amd64', 'linux/arm64'] },
        models: [
          { name: 'iris', framework: 'sklearn', source: 'file:iris', base: reference, version: 'v1.2.4' },
        ],
      }),
    );
    const replace = { 'quay.io': registry.host, 'sha256:…': earlier };
    const known = ['rebase', 'lock', 'verify'];
    const all = await guideCommands('docs/guide/rebase.md', replace, known);
    const own = all.filter(([name = '', second]) => known.includes(name) && second !== '--layers');
    // The first one is in a sentence.
    lines = own.slice(own.findIndex((words) => words.includes('--dry-run')));
  });
  afterAll(async () => {
    await registry?.stop();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  test('has commands that rebase an image when they are run as written', async () => {
    expect(lines.filter(([name]) => name === 'rebase').length).toBeGreaterThan(7);
    const [planned, ...others] = lines;
    expect(planned).toContain('--dry-run');
    expect(await tryModelcars(planned as string[], { cwd: folder })).toMatchObject({ code: 0 });
    expect(await tagDigest(registry.host, 'me/iris', 'v1.2.4')).toBeUndefined();
    for (const line of others)
      expect([line, await tryModelcars(line, { cwd: folder })]).toMatchObject([line, { code: 0 }]);
    const made = await tagDigest(registry.host, 'me/iris', 'v1.2.4');
    for (const tag of ['latest', 'v1', 'v1.2'])
      expect(await tagDigest(registry.host, 'me/iris', tag)).toBe(made);
    expect(await tagDigest(registry.host, 'me/iris', 'v1.2.3')).toBe(earlier);
    expect(await holesBehind(registry.host, 'me/iris', 'v1.2.4')).toEqual([]);
    // The last command signs, which adds no version.
    expect(await tagsOf(registry.host, 'me/iris')).toContain(`${made?.replace(':', '-')}.sig`);
  });
});
