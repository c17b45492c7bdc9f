import { createHash } from 'node:crypto';
import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchSilently, modelcars, noise } from '../parts/cli.ts';
import { startWeb, type Web } from '../parts/web.ts';
import { storeDefects } from '../support/store-defects.ts';

const size = 24_000_000;
const content = noise(size, 7);
const sha256 = createHash('sha256').update(content).digest('hex');

let folder: string;
let web: Web;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelcars-store-kill-'));
  web = await startWeb('model.joblib', content);
  const models = `models:\n  - name: far\n    framework: sklearn\n    version: v1.0.0\n    source: ${web.url}\n`;
  await writeFile(join(folder, 'models.yaml'), `defaults:\n  base: embedded\n${models}`);
  await modelcars(['lock'], { cwd: folder });
});
afterAll(async () => {
  await web?.[Symbol.asyncDispose]();
  if (folder) await rm(folder, { recursive: true, force: true });
});

let builds = 0;
/** Arguments of a build into a new folder: a killed run leaves a lock behind, for which the next would wait. */
const build = (): string[] => ['build', '-o', join(folder, `out-${builds++}`), '--keep'];
const inStore = (name: string) => ({ cwd: folder, env: { MODELCARS_STORE: join(folder, name) } });
const kept = (name: string) => join(folder, name, 'files/sha256', sha256.slice(0, 2), sha256.slice(2));
const sizeOf = async (path: string) => (await stat(path).catch(() => undefined))?.size ?? 0;
const defects = (name: string) => storeDefects(join(folder, name), content);

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
    const { child, hasEnded, end } = launchSilently(build(), inStore(store));
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
    await modelcars(build(), inStore(`killed-${n}`));
    expect(await sizeOf(kept(`killed-${n}`))).toBe(size);
    expect(await defects(`killed-${n}`)).toEqual([]);
  }
});
