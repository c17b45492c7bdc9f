/** Large files are hashed in threads when the machine has more than two cores; these programs see 16. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchModelcars, makeCatalog, noise, root, tryModelcars } from '../parts/cli.ts';
import { startRegistry } from '../parts/registry.ts';
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

test.each(['none', 'gzip', 'zstd'])('%s: threads check what a pull writes', async (compression) => {
  await using registry = await startRegistry({ kind: 'docker-registry' });
  const place = ['--registry', `${registry.host}/me`];
  const options = ['--base', 'embedded', '--compression', compression, '--no-frozen'];
  // Not the store of the next test, whose push has to hash.
  const env = { MODELCARS_STORE: join(folder, 'push-store') };
  const pushed = await tryModelcars(['push', ...options, ...place], { cwd: folder, env });
  expect(pushed, pushed.stderr).toMatchObject({ code: 0 });
  const output = join(folder, `pulled-${compression}`);
  const pulled = await tryModelcars(['pull', `${registry.host}/me/large:v1.0.0`, '--output', output], {
    cwd: folder,
    env: manyCores,
  });
  expect(pulled, pulled.stderr).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('thread: hash'),
  });
  expect((await readFile(join(output, 'weights.bin'))).equals(noise(70_000_000, 1))).toBe(true);
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
