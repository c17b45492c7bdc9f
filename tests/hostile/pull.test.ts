import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchSilently, makeCatalog, modelcars, noise, tryModelcars } from '../parts/cli.ts';
import { type FakeRegistry, startFake } from '../support/fake-registry.ts';

const weights = noise(8_000_000, 1);
let folder: string;
let registry: FakeRegistry;
/** What the registry does with the bytes of the large layer. */
let manner: 'well' | 'slow' | 'wrong' = 'well';
/** Bytes of blobs that were sent. */
let sent = 0;

beforeAll(async () => {
  registry = await startFake({
    async intercept(request, response, fake) {
      const digest = /\/blobs\/(sha256:[0-9a-f]{64})$/.exec(request.url ?? '')?.[1];
      if (request.method !== 'GET' || digest === undefined) return false;
      const bytes = [...fake.blobs].find(([key]) => key.endsWith(digest))?.[1];
      if (bytes === undefined || bytes.length < 1_000_000) return false;
      const start = Number(/^bytes=(\d+)/.exec(request.headers.range ?? '')?.[1] ?? 0);
      const range = { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` };
      response.writeHead(start > 0 ? 206 : 200, { 'content-length': bytes.length - start, ...range });
      for (let at = start; at < bytes.length && !response.destroyed; at += 400_000) {
        const chunk = Buffer.from(bytes.subarray(at, at + 400_000));
        if (manner === 'wrong') chunk[2000] = (chunk[2000] ?? 0) ^ 1;
        sent += chunk.length;
        response.write(chunk);
        if (manner === 'slow') await sleep(60);
      }
      response.end();
      return true;
    },
  });
  folder = await mkdtemp(join(tmpdir(), 'modelcars-hostile-pull-'));
  const files = { 'model.joblib': weights, 'README.md': 'read me' };
  await makeCatalog(folder, [{ name: 'iris', framework: 'sklearn', files }], 'v1.0.0');
  await modelcars(['push', '--registry', `${registry.host}/me`, '--base', 'embedded'], { cwd: folder });
});
afterAll(async () => {
  await registry?.[Symbol.asyncDispose]();
  if (folder) await rm(folder, { recursive: true, force: true });
});

const pull = (to: string) => ['pull', `${registry.host}/me/iris:v1.0.0`, '--output', to];

test.each(['SIGKILL', 'SIGINT'] as const)(
  'a pull that %s stops shows no folder, and continues',
  async (signal) => {
    manner = 'slow';
    sent = 0;
    const to = join(folder, signal);
    const { child, hasEnded, end } = launchSilently(pull(to), { cwd: folder });
    while (!hasEnded() && sent < 5_000_000) await sleep(5);
    child.kill(signal);
    await end;
    expect(await readdir(folder)).not.toContain(signal);
    expect(await readdir(folder)).toContain(`.${signal}.modelcars-pull`);
    manner = 'well';
    const { stdout } = await tryModelcars([...pull(to), '--json'], { cwd: folder });
    const { received, resumed } = JSON.parse(stdout);
    // What was in buffers and sockets is lost.
    expect(resumed).toBeGreaterThan(500_000);
    expect(received).toBeLessThan(weights.length - resumed + 100_000);
    expect((await readFile(join(to, 'model.joblib'))).equals(weights)).toBe(true);
    expect(await readdir(folder)).not.toContain(`.${signal}.modelcars-pull`);
  },
);

test('wrong bytes make no folder, and are not used again', async () => {
  manner = 'wrong';
  const to = join(folder, 'wrong');
  const { code, stderr } = await tryModelcars(pull(to), { cwd: folder });
  expect([code, stderr]).toEqual([1, expect.stringMatching(/digest|SHA-256/)]);
  expect(await readdir(folder)).not.toContain('wrong');
  manner = 'well';
  await modelcars(pull(to), { cwd: folder });
  expect((await readFile(join(to, 'model.joblib'))).equals(weights)).toBe(true);
});

test.each(['layout', 'layout.tar'])(
  'a byte between the files of a layer in %s is found, too',
  async (name) => {
    const layout = join(folder, name);
    await modelcars(['build', '--base', 'embedded', '--output', layout], { cwd: folder });
    const file = name.endsWith('.tar') ? layout : await blobWith(layout, 'read me');
    const bytes = await readFile(file);
    // No file has it, and readers of tars skip it: only the digest of the layer tells.
    const padding = bytes.indexOf('read me\0') + 100;
    expect(bytes[padding]).toBe(0);
    bytes[padding] = 1;
    await writeFile(file, bytes);
    const to = join(folder, `from-${name}`);
    const words = ['pull', 'iris:v1.0.0', '--layout', layout, '--output', to];
    const { code, stderr } = await tryModelcars(words, { cwd: folder });
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^error: .*blob sha256:\w+ has digest /m)]);
    expect(await readdir(folder)).not.toContain(`from-${name}`);
  },
);

async function blobWith(layout: string, text: string): Promise<string> {
  const blobs = join(layout, 'blobs', 'sha256');
  for (const name of await readdir(blobs))
    if ((await readFile(join(blobs, name))).includes(`${text}\0`)) return join(blobs, name);
  throw new Error(`no blob has ${text}`);
}
