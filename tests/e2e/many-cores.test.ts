/** Large files are hashed in threads when the machine has more than two cores; these programs see 16. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchModelcars, makeCatalog, noise, root, tryModelcars } from '../parts/cli.ts';
import { startFake } from '../support/fake-registry.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelcars-cores-'));
  const files = { 'weights.bin': noise(70_000_000, 1), 'config.json': '{}' };
  await makeCatalog(folder, [{ name: 'large', framework: 'custom', files }]);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const manyCores = { NODE_OPTIONS: `--import=${join(root, 'tests/support/many-cores.ts')}` };
const build = (output: string, compression: string, env = {}) =>
  tryModelcars(
    ['build', '--base', 'embedded', '--output', output, '--compression', compression, '--verify', '--json'],
    { cwd: folder, env: { ...env, MODELCARS_STORE: join(folder, `${output}-store`) } },
  );

test.each(['none', 'zstd'])('%s: threads build the image that one thread builds', async (compression) => {
  const alone = await build(`alone-${compression}`, compression);
  const threaded = await build(`threaded-${compression}`, compression, manyCores);
  expect(alone, alone.stderr).toMatchObject({ code: 0, stderr: expect.not.stringContaining('thread:') });
  expect(threaded, threaded.stderr).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('thread: hash'),
  });
  const digestOf = ({ stdout }: { stdout: string }): string => JSON.parse(stdout).models[0].digest;
  expect(digestOf(threaded)).toBe(digestOf(alone));
});

test('Ctrl-C ends a push whose threads are hashing', async () => {
  const { promise: uploading, resolve } = Promise.withResolvers<void>();
  // A registry that takes the first bytes of the upload, and no more.
  await using fake = await startFake({
    intercept: ({ method }) => {
      if (method !== 'PATCH') return false;
      resolve();
      return true;
    },
  });
  const args = ['push', '--base', 'embedded', '--registry', `${fake.host}/me`];
  const child = launchModelcars(args, { cwd: folder, env: manyCores });
  let stderr = '';
  child.stdout?.resume();
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const end = new Promise((ended) => child.once('close', ended));
  const patience = setTimeout(() => child.kill('SIGKILL'), 60_000);
  await Promise.race([uploading, end]);
  child.kill('SIGINT');
  await end;
  clearTimeout(patience);
  expect(child.signalCode, stderr).not.toBe('SIGKILL');
  expect(stderr).toContain('thread: hash');
  expect(fake.manifests.size).toBe(0);
});
