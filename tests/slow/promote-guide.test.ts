import { generateKeyPairSync } from 'node:crypto';
import { appendFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeCatalog, modelcars, tryModelcars } from '../parts/cli.ts';
import { guideCommands } from '../parts/guide.ts';
import { missingParts } from '../parts/parts.ts';
import { type Registry, startRegistry } from '../parts/registry.ts';
import { holesBehind, tagDigest, tagsOf } from '../parts/tags.ts';

const missing = await missingParts('docker-registry');

describe.skipIf(missing)('docs/guide/promote.md', () => {
  let registry: Registry;
  let folder: string;
  let digest: string;
  let lines: string[][];

  beforeAll(async () => {
    registry = await startRegistry({ kind: 'docker-registry' });
    folder = await mkdtemp(join(tmpdir(), 'modelcars-promote-'));
    const files = { 'model.joblib': 'a model of irises' };
    await makeCatalog(folder, [{ name: 'iris', framework: 'sklearn', files }], 'v1.2.3');
    await appendFile(join(folder, 'models.yaml'), `registry: ${registry.host}/dev\n`);
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' });
    await writeFile(join(folder, 'signing.pem'), key);
    await writeFile(join(folder, 'cosign.pub'), publicKey.export({ type: 'spki', format: 'pem' }));
    await modelcars(['push', '--base', 'embedded', '--sign', '--key', 'signing.pem'], { cwd: folder });
    digest = (await tagDigest(registry.host, 'dev/iris', 'v1.2.3')) ?? '';
    const replace = { 'quay.io': registry.host, 'sha256:…': digest };
    lines = (await guideCommands('docs/guide/promote.md', replace)).filter(([name]) => name === 'promote');
  });
  afterAll(async () => {
    await registry?.stop();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  test('has commands that promote an image when they are run as written', async () => {
    expect(lines.length).toBeGreaterThan(5);
    const [planned, ...others] = lines;
    expect(planned).toContain('--dry-run');
    expect(await tryModelcars(planned as string[], { cwd: folder })).toMatchObject({ code: 0 });
    expect(await tagsOf(registry.host, 'prod/iris')).toEqual([]);
    for (const line of others)
      expect([line, (await tryModelcars(line, { cwd: folder })).code]).toEqual([line, 0]);
    const tags = ['latest', 'v1', 'v1.2', 'v1.2.3'];
    for (const tag of tags) {
      expect(await tagDigest(registry.host, 'prod/iris', tag)).toBe(digest);
      expect(await holesBehind(registry.host, 'prod/iris', tag)).toEqual([]);
    }
    expect(await tagsOf(registry.host, 'prod/iris')).toEqual(await tagsOf(registry.host, 'dev/iris'));
  });

  test('works without models.yaml for an image that is named in full', async () => {
    const empty = join(folder, 'empty');
    await mkdir(empty);
    const line = ['promote', `${registry.host}/dev/iris:v1.2.3`, '--to', `${registry.host}/other`];
    await modelcars(line, { cwd: empty });
    expect(await tagDigest(registry.host, 'other/iris', 'v1.2.3')).toBe(digest);
  });
});
