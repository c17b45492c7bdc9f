import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { temporaryPrefix } from '../../scripts/files/atomic.ts';
import { launchSilently, makeCatalog, modelcars, noise, type TestModel, tryModelcars } from '../parts/cli.ts';
import { startFake } from '../support/fake-registry.ts';
import { expectCalm, random } from './_machine.ts';

const rounds = 8;
/** Concurrent rounds: most of a round is waiting for the lock of the killed run. */
const concurrency = 4;
const small = Object.fromEntries([...Array(40).keys()].map((n) => [`part-${n}.bin`, noise(5000, n)]));
const models: TestModel[] = [1, 2].map((n) => ({
  name: `model-${n}`,
  framework: 'sklearn',
  more: { base: 'embedded' },
  files: { ...small, 'model.joblib': noise(4_000_000, n) },
}));

/** The locked catalog: every round works on a copy. */
let catalog: string;
let lock: string;
/** Milliseconds until a run begins to work. */
let start: number;
beforeAll(async () => {
  catalog = await mkdtemp(join(tmpdir(), 'modelcars-kill-'));
  await makeCatalog(catalog, models);
  lock = await readFile(join(catalog, 'models.lock.yaml'), 'utf8');
  await rm(join(catalog, '.store'), { recursive: true });
  const before = Date.now();
  await modelcars(['version', '--json'], { cwd: catalog });
  start = Date.now() - before;
});
afterAll(() => rm(catalog, { recursive: true, force: true }));

/** Runs a command and kills it after that many milliseconds; returns whether it was still running. */
async function kill(args: string[], cwd: string, after: number | (() => Promise<boolean>)): Promise<boolean> {
  const { child, hasEnded, end } = launchSilently(args, { cwd });
  if (typeof after === 'number') await Promise.race([sleep(after), end]);
  else while (!hasEnded() && !(await after())) await sleep(1);
  const killed = !hasEnded() && child.kill('SIGKILL');
  await end;
  return killed;
}

/** Each round runs in a separate copy of the catalog: killed at a random moment of the run, then checked. */
async function eachRound(
  args: (folder: string, round: number) => string[],
  check: (folder: string, round: number, stdout: string) => Promise<void>,
  prepare: (folder: string) => Promise<void> = async () => undefined,
): Promise<void> {
  const rng = random(20_261_128);
  const moments = Array.from({ length: rounds }, rng);
  const place = async (name: string) => {
    const folder = join(catalog, '..', `${catalog.split('/').at(-1)}-${name}`);
    await cp(catalog, folder, { recursive: true });
    await prepare(folder);
    return folder;
  };
  const whole = await place('whole');
  const before = Date.now();
  const stdout = await modelcars(args(whole, -1), { cwd: whole });
  const work = Math.max(50, Date.now() - before - start);
  await check(whole, -1, stdout);
  await rm(whole, { recursive: true });
  let killed = 0;
  const worker = async (first: number) => {
    for (let round = first; round < rounds; round += concurrency) {
      const folder = await place(`${round}`);
      const moment = start * 0.8 + work * 1.2 * (moments[round] ?? 0);
      if (await kill(args(folder, round), folder, moment)) killed++;
      const again = await tryModelcars(args(folder, round), { cwd: folder });
      expectCalm(again);
      expect(again.code, `round ${round}, killed after ${moment} ms: ${again.stderr}`).toBe(0);
      await check(folder, round, again.stdout);
      await rm(folder, { recursive: true });
    }
  };
  await Promise.all([...Array(concurrency).keys()].map(worker));
  expect(killed, 'some runs were killed on the way').toBeGreaterThan(0);
}

/** Files that a run left half-written. */
async function leftovers(folder: string): Promise<string[]> {
  const all = await readdir(folder, { recursive: true });
  return all.filter((name) => name.includes(temporaryPrefix) || name.includes('.modelcars-lock'));
}

test('lock, killed and run again, writes the same lock', async () => {
  await eachRound(
    () => ['lock'],
    async (folder) => {
      expect(await readFile(join(folder, 'models.lock.yaml'), 'utf8')).toBe(lock);
      expect(await leftovers(folder)).toEqual([]);
    },
    (folder) => rm(join(folder, 'models.lock.yaml')),
  );
});

test.each(['out', 'out.tar'])('build -o %s, killed and run again, makes the same images', async (output) => {
  const digests: string[] = [];
  await eachRound(
    () => ['build', '-o', output, '--verify', '--json'],
    async (folder, _, stdout) => {
      const { models }: { models: { digest: string }[] } = JSON.parse(stdout);
      digests.push(models.map(({ digest }) => digest).join());
      expect(await leftovers(folder)).toEqual([]);
    },
  );
  expect(digests).toHaveLength(rounds + 1);
  expect(new Set(digests).size).toBe(1);
  expect(digests[0]).toMatch(/sha256:/);
});

test('push, killed and run again, publishes the same images', async () => {
  await using registry = await startFake();
  const digests = new Set<string>();
  await eachRound(
    (_, round) => ['push', '--registry', `${registry.host}/r${round}`, '--json'],
    async (_, round) => {
      for (const { name } of models) {
        const tags = ['v1.0.0', 'v1.0', 'v1', 'latest'];
        const found = tags.map((tag) => registry.manifests.get(`r${round}/${name} ${tag}`)?.bytes.toString());
        expect(new Set(found).size, `${name} of round ${round}`).toBe(1);
        digests.add(`${name} ${found[0]}`);
      }
    },
  );
  expect(digests.size).toBe(models.length);
});

test('clean, killed and run again, leaves nothing', async () => {
  const round = async (at: number) => {
    const output = join(catalog, `clean-${at}`);
    await modelcars(['build', 'model-1', '-o', output], { cwd: catalog });
    const blobs = join(output, 'blobs/sha256');
    for (let n = 0; n < 1500; n++) await writeFile(join(blobs, String(n).padStart(64, '0')), '');
    const gone = async () => (await readdir(blobs).catch(() => [])).length < 1500 - at * 190;
    await kill(['clean', '--layout', output], catalog, gone);
    const again = await tryModelcars(['clean', '--layout', output], { cwd: catalog });
    expectCalm(again);
    expect(again.code, again.stderr).toBe(0);
    expect(await readdir(output).catch(() => undefined)).toBeUndefined();
  };
  await Promise.all([...Array(rounds).keys()].map(round));
});

test('clean removes what a killed build left', async () => {
  const output = join(catalog, 'left');
  await kill(
    ['build', '-o', output],
    catalog,
    async () => (await readdir(output).catch(() => [])).length > 2,
  );
  await sleep(11_000); // until its lock is stale
  const { code, stderr } = await tryModelcars(['clean', '--layout', output], { cwd: catalog });
  expect(code, stderr).toBe(0);
  expect(await readdir(output).catch(() => undefined)).toBeUndefined();
});

test('prune, killed and run again, removes the remaining entries and nothing else', async () => {
  for (let round = 0; round < rounds; round += 2) {
    // A separate store: a lock that a killed run held in an earlier one may still be fresh.
    const store = join(catalog, `.store-${round}`);
    const prune = ['prune', '--all', '--store', store];
    const files = join(store, 'files/sha256');
    for (let n = 0; n < 256; n++) {
      const folder = join(files, n.toString(16).padStart(2, '0'));
      await mkdir(folder, { recursive: true, mode: 0o700 });
      for (const end of ['', '.part']) await writeFile(join(folder, `${'0'.repeat(62)}${end}`), 'x');
    }
    const left = async () => {
      const names = await readdir(files, { recursive: true });
      return names.filter((name) => /[0-9a-f]{62}(\.part)?$/.test(name)).length;
    };
    await kill(prune, catalog, async () => (await left()) < 512 - round * 60);
    await sleep(2500); // until the lock of a run known to be dead is stale
    const again = await tryModelcars([...prune, '--json'], { cwd: catalog });
    expectCalm(again);
    expect(again.code, again.stderr).toBe(0);
    // A run killed before it signed its lock keeps a partial file locked for ten seconds.
    const { left: bytes, inUse } = JSON.parse(again.stdout);
    expect(inUse).toBeLessThan(2);
    expect([bytes, await left()]).toEqual([inUse, inUse]);
  }
});
