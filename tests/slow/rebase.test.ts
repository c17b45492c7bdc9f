import { mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pushBase } from '../parts/bases.ts';
import { launchSilently, makeCatalog, modelcars, noise } from '../parts/cli.ts';
import { missingParts } from '../parts/parts.ts';
import { type Registry, type RegistryRequest, startRegistry } from '../parts/registry.ts';
import { holesBehind, tagDigest, tagsOf } from '../parts/tags.ts';

const missing = await missingParts('docker-registry', 'distribution');
const rounds = 12;
const files = { 'model.joblib': noise(40_000_000, 9), 'part-1.bin': noise(700_000, 1), 'README.md': 'large' };

describe.skipIf(missing).each(['docker-registry', 'distribution'] as const)('a rebase in %s', (kind) => {
  let registry: Registry;
  let folder: string;
  let bases: string[];
  let modelLayers: string[];

  beforeAll(async () => {
    registry = await startRegistry({ kind });
    folder = await mkdtemp(join(tmpdir(), 'modelcars-rebase-'));
    const made = [1, 2].map((n) => pushBase(registry.host, 'bases/shell', `base ${n}`, `v${n}`));
    bases = (await Promise.all(made)).map(({ reference }) => reference);
    await makeCatalog(folder, [{ name: 'large', framework: 'sklearn', files }]);
    const line = ['push', '--base', 'embedded', '--registry', `${registry.host}/me`];
    await modelcars([...line, '--unsafe-files', 'allow'], { cwd: folder });
    modelLayers = (await layersOf('v1.0.0'))
      .filter(({ annotations }) => annotations)
      .map(({ digest }) => digest);
    // No source is left to read.
    await rename(join(folder, 'files'), join(folder, 'hidden'));
  });
  afterAll(async () => {
    await registry?.stop();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  interface Document {
    manifests: { digest: string }[];
    layers: { digest: string; annotations?: object }[];
  }
  const layersOf = async (tag: string): Promise<Document['layers']> => {
    const accept = 'application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json';
    const read = async (name: string) => {
      const url = `${registry.url}/v2/me/large/manifests/${name}`;
      return (await (await fetch(url, { headers: { accept } })).json()) as Document;
    };
    return (await read((await read(tag)).manifests[0]?.digest ?? '')).layers;
  };
  const args = (version: string, base = bases[0] ?? '', ...more: string[]): string[] => [
    ...['rebase', 'large@v1.0.0', '--registry', `${registry.host}/me`, '--base', base],
    ...['--version', version, ...more],
  ];
  const touching = (requests: RegistryRequest[], methods: RegExp): string[] =>
    requests
      .filter(
        ({ method, path }) =>
          methods.test(method) && modelLayers.some((one) => decodeURIComponent(path).includes(one)),
      )
      .map(({ method, path }) => `${method} ${path}`);

  test('asks for each layer of the model once, and reads and sends none', async () => {
    expect(modelLayers.length).toBe(3);
    const before = registry.requests().length;
    await modelcars(args('v1.0.1'), { cwd: folder });
    const requests = registry.requests().slice(before);
    expect(touching(requests, /^(?!HEAD)/)).toEqual([]);
    expect(touching(requests, /^HEAD$/)).toHaveLength(modelLayers.length);
    expect(await holesBehind(registry.host, 'me/large', 'v1.0.1')).toEqual([]);
  });

  test('mounts the model in another repository', async () => {
    const before = registry.requests().length;
    await modelcars(args('v1.0.1', bases[0], '--to', `${registry.host}/other`), { cwd: folder });
    const moved = touching(registry.requests().slice(before), /^(?!HEAD)/);
    expect(moved).toHaveLength(modelLayers.length);
    for (const one of moved) expect(one).toMatch(/^POST .*mount=/);
    expect(await tagDigest(registry.host, 'other/large', 'v1.0.1')).toBe(
      await tagDigest(registry.host, 'me/large', 'v1.0.1'),
    );
  });

  test(`stopped at ${rounds} moments, shows no incomplete image; the next run completes`, async () => {
    const measured = registry.requests().length;
    await modelcars(args('v2.0.0', bases[1]), { cwd: folder });
    const requests = registry.requests().length - measured;
    let interrupted = 0;
    for (let round = 0; round < rounds; round++) {
      const version = `v3.0.${round}`;
      const before = registry.requests().length;
      const { child, hasEnded, end } = launchSilently(args(version, bases[1]), { cwd: folder });
      const after = Math.floor((requests * round) / rounds);
      while (!hasEnded() && registry.requests().length - before < after) await sleep(3);
      if (!hasEnded() && child.kill(round % 2 === 0 ? 'SIGINT' : 'SIGKILL')) interrupted++;
      await end;
      const tags = (await tagsOf(registry.host, 'me/large')).filter((tag) => tag === version);
      for (const tag of tags) expect(await holesBehind(registry.host, 'me/large', tag)).toEqual([]);
      await modelcars(args(version, bases[1]), { cwd: folder });
      expect(await holesBehind(registry.host, 'me/large', version)).toEqual([]);
    }
    expect(interrupted).toBeGreaterThan(rounds / 2);
  });

  test('gives the digest that a push of the same lock gives', async () => {
    await rename(join(folder, 'hidden'), join(folder, 'files'));
    await modelcars(['lock', '--base', bases[0] ?? ''], { cwd: folder });
    const line = ['push', '--base', bases[0] ?? '', '--registry', `${registry.host}/pushed`];
    await modelcars([...line, '--version', 'v1.0.1', '--unsafe-files', 'allow'], { cwd: folder });
    expect(await tagDigest(registry.host, 'pushed/large', 'v1.0.1')).toBe(
      await tagDigest(registry.host, 'me/large', 'v1.0.1'),
    );
  });
});
