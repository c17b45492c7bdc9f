import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launchSilently, makeCatalog, modelcars, noise, type TestModel } from '../parts/cli.ts';
import { missingParts } from '../parts/parts.ts';
import { type Registry, startRegistry } from '../parts/registry.ts';
import { holesBehind, tagDigest, tagsOf } from '../parts/tags.ts';

const missing = await missingParts('docker-registry', 'distribution');
const rounds = 50;
/** Each is interrupted in turn, so that some rounds start with an empty repository and some with a half-filled one. */
const repositories = 5;

/** Files large enough for a layer each, and enough of them that a push makes many requests. */
const files = Object.fromEntries([1, 2, 3, 4].map((n) => [`part-${n}.bin`, noise(n * 700_000, n)]));
const models: TestModel[] = [
  { name: 'large', framework: 'sklearn', files: { ...files, 'model.joblib': noise(3_000_000, 9) } },
  { name: 'small', framework: 'sklearn', files: { 'model.joblib': 'small', 'README.md': 'small' } },
];

describe.skipIf(missing).each(['docker-registry', 'distribution'] as const)('a push to %s', (kind) => {
  let registry: Registry;
  let folder: string;

  beforeAll(async () => {
    registry = await startRegistry({ kind });
    folder = await mkdtemp(join(tmpdir(), 'modelcars-interrupt-'));
    await makeCatalog(folder, models);
  });
  afterAll(async () => {
    await registry?.stop();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  const pushArgs = (prefix: string, version: string): string[] => [
    ...['push', '--base', 'embedded', '--registry', `${registry.host}/${prefix}`, '--version', version],
  ];

  /** Starts a push and sends it a signal once the registry has answered so many requests and a moment more. */
  const interrupt = async (args: string[], signal: 'SIGKILL' | 'SIGINT', after: number): Promise<boolean> => {
    const before = registry.requests().length;
    const { child, hasEnded, end } = launchSilently(args, { cwd: folder });
    while (!hasEnded() && registry.requests().length - before < after) await sleep(3);
    await sleep(Math.random() * 15);
    const interrupted = !hasEnded() && child.kill(signal);
    const patience = setTimeout(() => child.kill('SIGKILL'), 20_000);
    await end;
    clearTimeout(patience);
    if (signal === 'SIGINT') expect(child.signalCode, 'SIGINT ends the program in time').not.toBe('SIGKILL');
    return interrupted;
  };

  /**
   * Missing content of any tag below a prefix. A tag alone gets five seconds to appear: the registry continues the request
   * of a dead client, and lists a tag a moment before it can be read (registry/storage/tagstore.go, Tag). Nothing
   * behind a readable tag may be missing, not even for a moment.
   */
  const holes = async (prefix: string): Promise<string[]> => {
    const found: string[] = [];
    for (const { name } of models) {
      const repository = `${prefix}/${name}`;
      const seen = new Set<string>();
      for (const tag of await tagsOf(registry.host, repository)) {
        for (let tries = 0; tries < 250 && !(await tagDigest(registry.host, repository, tag)); tries++)
          await sleep(20);
        const lacking = await holesBehind(registry.host, repository, tag, seen);
        found.push(...lacking.map((digest) => `${repository}:${tag} lacks ${digest}`));
      }
    }
    return found;
  };

  test(`killed at ${rounds} moments, never shows a tag that does not resolve; the next one completes`, {
    timeout: 900_000,
  }, async () => {
    await modelcars(pushArgs('measure', 'v1.0.0'), { cwd: folder });
    const requests = registry.requests().length;
    let interrupted = 0;
    for (let round = 0; round < rounds; round++) {
      const after = Math.floor(Math.random() * requests);
      const signal = round % 2 === 0 ? 'SIGKILL' : 'SIGINT';
      const prefix = `r${round % repositories}`;
      if (await interrupt(pushArgs(prefix, `v1.0.${round}`), signal, after)) interrupted++;
      expect(await holes(prefix), `round ${round}: ${signal} after ${after} of ${requests} requests`).toEqual(
        [],
      );
    }
    expect(interrupted).toBeGreaterThan(rounds / 2);

    for (let n = 0; n < repositories; n++) {
      // The version interrupted last: its uploaded parts must not block the rest.
      const version = `v1.0.${rounds - repositories + n}`;
      await modelcars(pushArgs(`r${n}`, version), { cwd: folder });
      for (const { name } of models) {
        const repository = `r${n}/${name}`;
        const digest = await tagDigest(registry.host, repository, version);
        expect(digest).toMatch(/^sha256:/);
        for (const tag of ['v1.0', 'v1', 'latest']) {
          expect(await tagDigest(registry.host, repository, tag), `${repository}:${tag}`).toBe(digest);
        }
      }
      expect(await holes(`r${n}`)).toEqual([]);
    }
  });

  test('the check above sees a missing layer', async () => {
    const repository = 'measure/large';
    expect(await holesBehind(registry.host, repository, 'v1.0.0')).toEqual([]);
    const links = join(registry.storage, 'docker/registry/v2/repositories', repository, '_layers');
    await rm(links, { recursive: true });
    await registry.restart();
    expect((await holesBehind(registry.host, repository, 'v1.0.0')).length).toBeGreaterThan(0);
  });
});
