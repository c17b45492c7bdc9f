import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Referrers } from '../../scripts/registry/referrers.ts';
import { launchSilently, makeCatalog, modelcars, noise, type TestModel } from '../parts/cli.ts';
import { missingParts } from '../parts/parts.ts';
import { type Registry, startRegistry } from '../parts/registry.ts';
import { holesBehind, tagDigest, tagsOf } from '../parts/tags.ts';
import { testClient } from '../support/fake-registry.ts';

const missing = await missingParts('docker-registry', 'distribution');
const rounds = 12;

const files = Object.fromEntries([1, 2, 3].map((n) => [`part-${n}.bin`, noise(n * 700_000, n)]));
const models: TestModel[] = [
  { name: 'large', framework: 'sklearn', files: { ...files, 'model.joblib': noise(3_000_000, 9) } },
];

describe.skipIf(missing)('a promotion', () => {
  let dev: Registry;
  let prod: Registry;
  let folder: string;
  let signed: number;

  beforeAll(async () => {
    dev = await startRegistry({ kind: 'docker-registry' });
    prod = await startRegistry({ kind: 'distribution' });
    folder = await mkdtemp(join(tmpdir(), 'modelcars-promote-'));
    await makeCatalog(folder, models);
    await modelcars(['push', '--base', 'embedded', '--registry', `${dev.host}/dev`], { cwd: folder });
    await using client = testClient();
    const repository = client.repository(`${dev.host}/dev/large`, { push: true });
    const root = await repository.resolve('v1.0.0');
    if (root === undefined) throw new Error('nothing was pushed');
    const listing = new Referrers(repository);
    for (const text of ['one', 'two'])
      await listing.attach(root, {
        artifactType: 'application/x',
        content: Buffer.from(text),
        annotations: {},
      });
    signed = (await listing.list(root.digest)).length;
  });
  afterAll(async () => {
    await dev?.stop();
    await prod?.stop();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  const args = (to: string): string[] => [
    ...['promote', 'large', '--from', `${dev.host}/dev`, '--to', `${prod.host}/${to}`],
  ];

  test(`stopped at ${rounds} moments, shows no incomplete image; the next one completes`, async () => {
    await modelcars(args('measure'), { cwd: folder });
    const requests = prod.requests().length;
    let interrupted = 0;
    for (let round = 0; round < rounds; round++) {
      const to = `round${round}`;
      const before = prod.requests().length;
      const { child, hasEnded, end } = launchSilently(args(to), { cwd: folder });
      const after = Math.floor((requests * round) / rounds);
      while (!hasEnded() && prod.requests().length - before < after) await sleep(3);
      if (!hasEnded() && child.kill(round % 2 === 0 ? 'SIGINT' : 'SIGKILL')) interrupted++;
      await end;
      const tags = await tagsOf(prod.host, `${to}/large`);
      // Signatures come first: an image that can be pulled by its tag has all of them.
      for (const tag of tags.filter((one) => one.startsWith('v'))) {
        expect(await holesBehind(prod.host, `${to}/large`, tag)).toEqual([]);
        expect(await listed(to)).toBe(signed);
      }
      await modelcars(args(to), { cwd: folder });
      expect(await tagDigest(prod.host, `${to}/large`, 'v1.0.0')).toBe(
        await tagDigest(dev.host, 'dev/large', 'v1.0.0'),
      );
      expect(await holesBehind(prod.host, `${to}/large`, 'v1.0.0')).toEqual([]);
      expect(await listed(to)).toBe(signed);
    }
    expect(interrupted).toBeGreaterThan(rounds / 2);
  });

  /** Referrers of the destination's image. */
  const listed = async (to: string): Promise<number> => {
    await using client = testClient();
    const repository = client.repository(`${prod.host}/${to}/large`);
    const root = await repository.resolve('v1.0.0');
    return root === undefined ? 0 : (await new Referrers(repository).list(root.digest)).length;
  };
});
