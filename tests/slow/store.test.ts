import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { launchModelcars, launchSilently, modelcars, noise, tryModelcars } from '../parts/cli.ts';
import { startHub } from '../parts/hub.ts';
import { generatedHash } from '../parts/hub-content.ts';
import { missingParts, missingRoot } from '../parts/parts.ts';
import { startRegistry } from '../parts/registry.ts';
import { run } from '../parts/run.ts';
import { startWeb, type Web } from '../parts/web.ts';
import { storeDefects } from '../support/store-defects.ts';

const size = 24_000_000;
const content = noise(size, 7);
const sha256 = createHash('sha256').update(content).digest('hex');

let folder: string;
let web: Web;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelcars-store-'));
  web = await startWeb('model.joblib', content);
  const models = `models:\n  - name: far\n    framework: sklearn\n    version: v1.0.0\n    source: ${web.url}\n`;
  await writeFile(join(folder, 'models.yaml'), `defaults:\n  base: embedded\n${models}`);
  await modelcars(['lock'], { cwd: folder });
});
afterAll(async () => {
  await web?.[Symbol.asyncDispose]();
  if (folder) await rm(folder, { recursive: true, force: true });
});
beforeEach(() => {
  web.rate = undefined;
  web.forget();
});

let builds = 0;
/** Arguments of a build into a new folder: a killed run leaves a lock behind, for which the next would wait. */
const build = (...more: string[]): string[] => [
  'build',
  '--unsafe-files',
  'allow',
  '-o',
  join(folder, `out-${builds++}`),
  ...more,
];
const inStore = (name: string) => ({ cwd: folder, env: { MODELCARS_STORE: join(folder, name) } });
const kept = (name: string) => join(folder, name, 'files/sha256', sha256.slice(0, 2), sha256.slice(2));
const sizeOf = async (path: string) => (await stat(path).catch(() => undefined))?.size ?? 0;

const defects = (name: string) => storeDefects(join(folder, name), content);

/** Waits until a process has ended. */
const ended = (child: ReturnType<typeof launchModelcars>) =>
  new Promise<number | null>((resolve) => child.once('close', resolve));

test('--keep fills the store, and the next build makes no request', async () => {
  const first = JSON.parse(await modelcars(build('--keep', '--json'), inStore('fill')));
  expect(web.requests).toHaveLength(1);
  const second = JSON.parse(await modelcars(build('--json'), inStore('fill')));
  expect(web.requests).toHaveLength(1);
  expect(second.models[0].digest).toBe(first.models[0].digest);
  await modelcars(build(), inStore('not kept'));
  expect(web.requests).toHaveLength(2);
  expect(await sizeOf(kept('not kept'))).toBe(0);
});

test('a corrupt file in the store is reported and downloaded again', async () => {
  await modelcars(build('--keep'), inStore('damaged'));
  await chmod(kept('damaged'), 0o600);
  await writeFile(kept('damaged'), Buffer.from(content).fill(0, 12_000_000, 12_000_001));
  web.forget();
  const { code, stderr } = await tryModelcars(build('--keep'), inStore('damaged'));
  expect(code).toBe(0);
  expect(stderr).toContain('the copy in the store is damaged');
  expect(web.requests).toHaveLength(1);
  expect(await defects('damaged')).toEqual([]);
});

test.skipIf(await missingParts('docker-registry'))('push --keep fills it as well', async () => {
  await using registry = await startRegistry({ kind: 'docker-registry' });
  const push = (path: string) => [
    'push',
    '--unsafe-files',
    'allow',
    '--keep',
    '--registry',
    `${registry.host}/${path}`,
  ];
  await modelcars(push('one'), inStore('pushed'));
  await modelcars(push('two'), inStore('pushed'));
  expect(web.requests).toEqual([{ start: 0, sent: size }]);
  expect(await defects('pushed')).toEqual([]);
  expect(await sizeOf(kept('pushed'))).toBe(size);
});

test('two processes that need the same file download it once', async () => {
  web.rate = 8_000_000;
  const both = await Promise.all([1, 2].map(() => tryModelcars(build('--keep'), inStore('shared'))));
  expect(both.map(({ code }) => code)).toEqual([0, 0]);
  expect(web.requests).toEqual([{ start: 0, sent: size }]);
  expect(both.map(({ stderr }) => stderr).join()).toContain(
    'waiting for another modelcars that is fetching it',
  );
  expect(await defects('shared')).toEqual([]);
});

test('a killed download in ranges resumes at the end of its partial file', async () => {
  const weights = { size: 48_000_000, generate: 5 };
  await using hub = await startHub({
    models: { 'org/model': { files: { 'model.joblib': weights } } },
    throttle: 3_000_000,
  });
  const entry = '  - { name: far, framework: sklearn, version: v1.0.0, source: "hf://org/model" }\n';
  await writeFile(join(folder, 'hub.yaml'), `defaults:\n  base: embedded\nmodels:\n${entry}`);
  const surroundings = {
    cwd: folder,
    env: { ...inStore('hub').env, HF_ENDPOINT: hub.url, HF_HOME: join(folder, 'home'), HF_TOKEN: undefined },
  };
  const args = build('--keep', '--no-frozen', '-f', 'hub.yaml');
  const child = launchModelcars(args, surroundings);
  child.stdout?.resume();
  child.stderr?.resume();
  const end = ended(child);
  const hash = generatedHash(weights);
  const path = join(folder, 'hub/files/sha256', hash.slice(0, 2), hash.slice(2));
  while ((await sizeOf(`${path}.part`)) < 10_000_000) await sleep(5);
  child.kill('SIGKILL');
  await end;
  const part = await sizeOf(`${path}.part`);
  expect(part).toBeLessThan(weights.size);
  const before = hub.requests().length;
  await rm(args[args.indexOf('-o') + 1] ?? '', { recursive: true }); // its lock would be waited for
  await modelcars(args, surroundings);
  const starts = hub
    .requests()
    .slice(before)
    // Without a lock, the first KiB is read to see whether the file is a model at all.
    .filter((request) => request.part === 'cdn' && request.bytes > 1024)
    .map(({ range }) => Number(/^bytes=(\d+)-/.exec(range ?? '')?.[1]));
  expect(Math.min(...starts)).toBe(part);
  expect(
    createHash('sha256')
      .update(await readFile(path))
      .digest('hex'),
  ).toBe(hash);
});

/** Stores take turns, so that a store's lock is stale by its next turn. */
const stores = 5;
const rounds = 100;
test(`killed at ${rounds} random moments, trusts no wrong byte and fetches no kept byte again`, {
  timeout: 1_800_000,
}, async () => {
  web.rate = 40_000_000;
  const tally = { killed: 0, resumed: 0, whole: 0 };
  for (let round = 0; round < rounds; round++) {
    const store = `killed-${round % stores}`;
    const path = kept(store);
    if ((await sizeOf(path)) > 0) {
      await chmod(path, 0o600);
      await rm(path);
    }
    const before = await sizeOf(`${path}.part`);
    web.forget();
    const { child, hasEnded, end } = launchSilently(build('--keep'), inStore(store));
    // Some moments are before the first byte, some after the last.
    const moment = Math.random() * (size - before) * 1.15;
    const sent = () => web.requests.reduce((sum, request) => sum + request.sent, 0);
    if (before < size) {
      while (!hasEnded() && sent() < Math.min(moment, size - before)) await sleep(2);
      await sleep(Math.random() * (moment > size - before ? 150 : 10));
      if (!hasEnded() && child.kill('SIGKILL')) tally.killed++;
    }
    await end; // a complete partial file only lacks its final name: this run renames it, or no later round would fetch
    if (before === size) expect(await sizeOf(path), `round ${round}`).toBe(size);
    expect(await defects(store), `round ${round}`).toEqual([]);
    expect(
      web.requests.map(({ start }) => start),
      `round ${round}: the part has ${before} bytes`,
    ).toEqual(web.requests.length === 0 ? [] : [before]);
    if (before > 0 && web.requests.length > 0) tally.resumed++;
    if ((await sizeOf(path)) > 0) tally.whole++;
    await rm(join(folder, `out-${builds - 1}`), { recursive: true, force: true });
  }
  expect(tally.killed).toBeGreaterThan(rounds / 2);
  expect(tally.resumed).toBeGreaterThan(rounds / 4);
  expect(tally.whole).toBeGreaterThan(0);
  web.rate = undefined;
  for (let n = 0; n < stores; n++) {
    await modelcars(build('--keep'), inStore(`killed-${n}`));
    expect(await sizeOf(kept(`killed-${n}`))).toBe(size);
    expect(await defects(`killed-${n}`)).toEqual([]);
  }
});

describe.skipIf(missingRoot('mount'))('on a disk of 40 MB', () => {
  const mounted: string[] = [];
  const mount = async (name: string): Promise<string> => {
    const path = join(folder, name);
    await mkdir(path);
    await run('mount', ['-t', 'tmpfs', '-o', 'size=40m,mode=700', 'tmpfs', path]);
    mounted.push(path);
    return path;
  };
  afterAll(async () => {
    for (const path of mounted) await run('umount', ['-l', path]);
  });

  test('a build that cannot fit fails before the first byte', async () => {
    const disk = await mount('small');
    await writeFile(join(disk, 'filler'), new Uint8Array(25_000_000));
    const output = join(disk, 'out');
    const built = await tryModelcars(
      ['build', '--unsafe-files', 'allow', '-o', output],
      inStore('elsewhere'),
    );
    expect(built.code).toBe(1);
    expect(built.stderr).toMatch(
      /error: far: build needs 27 MB in \S+small\/out, 17 MB are free\nnext: free some space/,
    );
    const keeping = await tryModelcars(build('--keep', '--store', disk), { cwd: folder });
    expect(keeping.code).toBe(1);
    expect(keeping.stderr).toMatch(/--keep needs 24 MB in \S+small, 17 MB are free/);
    expect(web.requests).toEqual([]);
    const archive = await tryModelcars(
      ['build', '--unsafe-files', 'allow', '-o', `${output}.tar`],
      inStore('elsewhere'),
    );
    expect(archive.stderr).toMatch(/build needs 27 MB/);
    expect((await readdir(disk)).filter((name) => name.endsWith('.tar'))).toEqual([]);
  });

  test('a disk that fills up fails the build, and the next build resumes', async () => {
    const disk = await mount('filling');
    web.rate = 10_000_000;
    const building = tryModelcars(build('--keep'), inStore('filling'));
    while ((web.requests[0]?.sent ?? 0) < 5_000_000) await sleep(10);
    await writeFile(join(disk, 'filler'), new Uint8Array(30_000_000)).catch(() => undefined);
    const { code, stderr } = await building;
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /keep model\.joblib in the store: no space is left on the device\nnext: free some/,
    );
    expect(await defects('filling')).toEqual([]);
    const part = await sizeOf(`${kept('filling')}.part`);
    expect(part).toBeGreaterThan(1_000_000);
    await rm(join(disk, 'filler'));
    web.forget();
    web.rate = undefined;
    await modelcars(build('--keep'), inStore('filling'));
    expect(web.requests.map(({ start }) => start)).toEqual([part]);
    expect(await sizeOf(kept('filling'))).toBe(size);
  });
});
