import {
  chmod,
  chown,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Store } from '../../scripts/store/store.ts';
import { makeCatalog, modelcars, noise, tryModelcars } from '../parts/cli.ts';
import { missingRoot } from '../parts/parts.ts';
import { expectCalm, expectPlainFailure, Machine, programAt, runAs } from './_machine.ts';

const nobody = 65_534;

describe.skipIf(missingRoot('setpriv'))('a store that another user can write to', () => {
  let machine: Machine;
  let folder: string;
  let right: string;
  let program: string[];
  beforeAll(async () => {
    machine = await Machine.start();
    folder = machine.folder;
    await chmod(folder, 0o755);
    await makeCatalog(folder, [
      {
        name: 'iris',
        framework: 'sklearn',
        more: { base: 'embedded' },
        files: { 'model.joblib': noise(50_000, 1) },
      },
    ]);
    // Layers in the lock would take precedence over the store.
    const lock = join(folder, 'models.lock.yaml');
    await writeFile(lock, (await readFile(lock, 'utf8')).replace(/^ {4}layers:\n(?: {6,}.*\n)+/m, ''));
    right = await digestOf('right', join(folder, 'right-store'));
    program = programAt(await machine.program());
  });
  afterAll(() => machine?.[Symbol.asyncDispose]());

  const inStore = (store: string, env = {}) => ({ cwd: folder, env: { MODELCARS_STORE: store, ...env } });
  const build = (output: string, ...more: string[]) => [
    'build',
    '-o',
    join(folder, output),
    '--json',
    ...more,
  ];
  async function digestOf(output: string, store: string): Promise<string> {
    return JSON.parse(await modelcars(build(output), inStore(store))).models[0].digest;
  }

  /** A store with a wrong digest for the model's layer: that of another layer, which the output has as well. */
  async function poisoned(name: string, more = 0): Promise<{ store: string; output: string }> {
    const store = join(folder, name);
    const output = `${name}-out`;
    await digestOf(output, store);
    const [record = ''] = await readdir(join(store, 'layers'));
    const opened = await Store.open(store);
    const key = record.replace('.json', '');
    const known = await opened.layer(key);
    if (known === undefined) throw new Error('nothing was remembered');
    const other = `sha256:${'e'.repeat(64)}` as const;
    await writeFile(join(folder, output, 'blobs/sha256', 'e'.repeat(64)), new Uint8Array(known.size + more));
    const size = known.size + more;
    await opened.rememberLayer(key, { digest: other, diffId: other, size });
    return { store, output };
  }

  test('a poisoned record is used in a trusted store, so this suite can fail', async () => {
    const { store, output } = await poisoned('own');
    expect(await digestOf(output, store)).not.toBe(right);
  });

  test('a record of another size than planned is ignored, even in a trusted store', async () => {
    const { store, output } = await poisoned('size', 512);
    expect(await digestOf(output, store)).toBe(right);
  });

  test.each(['.', 'layers', 'compile', 'files', 'blobs'])(
    'by the mode of %s, is warned of once, and no digest of it is used',
    async (part) => {
      const { store, output } = await poisoned(`mode-${part.length}${part[0]}`);
      await chmod(join(store, part), 0o777);
      const result = await tryModelcars(build(output), inStore(store));
      expectCalm(result);
      expect(result.code, result.stderr).toBe(0);
      expect(JSON.parse(result.stdout).models[0].digest).toBe(right);
      expect(result.stderr.match(/warning: the store .+ is not trusted/g)).toHaveLength(1);
      expect(result.stderr).toContain(
        `other users can write to ${join(store, part)} (mode 0777); this run uses no compiled code and no digests from it, and writes nothing to it (to fix: chmod go-w ${join(store, part)})`,
      );
      await chmod(join(store, part), 0o700);
      expect((await tryModelcars(['version', '--json'], inStore(store))).stderr).toBe('');
    },
  );

  test('is not used by root either, and gets no file of root', async () => {
    const { store, output } = await poisoned('owner');
    await chown(store, nobody, nobody);
    const before = await readdir(store, { recursive: true });
    const { code, stdout, stderr } = await tryModelcars(build(output, '--keep'), inStore(store));
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout).models[0].digest).toBe(right);
    expect(stderr).toContain(`${store} belongs to user ${nobody}, and this process runs as user 0`);
    expect(stderr).toContain('run as that user (without sudo)');
    expect(stderr).toContain('--keep: no model file is kept');
    expect(await readdir(store, { recursive: true })).toEqual(before);
  });

  test("is not created in another user's home", async () => {
    const home = join(folder, 'home');
    await mkdir(home);
    await chown(home, nobody, nobody);
    const env = { HOME: home, MODELCARS_STORE: undefined, XDG_CACHE_HOME: undefined };
    const { code, stderr } = await tryModelcars(build('home-out'), { cwd: folder, env });
    expect(code, stderr).toBe(0);
    expect(stderr).toContain(`${home} belongs to user ${nobody}`);
    expect(await readdir(home)).toEqual([]);
  });

  test('is not used through a link of that user', async () => {
    const { store, output } = await poisoned('linked');
    const shared = join(folder, 'shared');
    await mkdir(shared);
    await chmod(shared, 0o1777);
    await symlink(store, join(shared, 'store'));
    await rename(join(shared, 'store'), join(shared, 'theirs'));
    await runAs(nobody, ['ln', '-s', store, join(shared, 'store')], {});
    const { stdout, stderr } = await tryModelcars(build(output), inStore(join(shared, 'store')));
    expect(stderr).toContain(`${join(shared, 'store')} belongs to user ${nobody}`);
    expect(JSON.parse(stdout).models[0].digest).toBe(right);
  });

  test('has no compiled code run from it or written to it', async () => {
    const store = join(folder, 'compiled');
    await modelcars(['version', '--json'], inStore(store));
    expect((await stat(store)).mode & 0o777).toBe(0o700);
    expect((await stat(join(store, 'compile'))).mode & 0o777).toBe(0o700);
    const env = { NODE_DEBUG_NATIVE: 'COMPILE_CACHE' };
    const used = (stderr: string) => /reading cache from/.test(stderr);
    expect(used((await tryModelcars(['version', '--json'], inStore(store, env))).stderr)).toBe(true);
    await chmod(join(store, 'compile'), 0o777);
    expect(used((await tryModelcars(['version', '--json'], inStore(store, env))).stderr)).toBe(false);
  });

  test('commands that need a store refuse', async () => {
    const store = join(folder, 'refused');
    await modelcars(['version', '--json'], inStore(store));
    await chmod(store, 0o777);
    for (const args of [
      ['prune', '--all'],
      ['bases'],
      ['cluster'],
      ['smoke', '--local', '--layout', 'right'],
    ]) {
      const result = await tryModelcars(args, inStore(store));
      expectPlainFailure(result);
      expect(result.stderr).toMatch(/^error: .+: \S+ is not trusted: other users can write to/m);
      expect(result.stderr).toContain(`next: chmod go-w ${store}`);
    }
  });

  test('two users on one store at once: both make the right image, the second is warned', async () => {
    const store = join(folder, 'both');
    await modelcars(['version', '--json'], inStore(store));
    const theirs = join(folder, 'theirs');
    await mkdir(theirs);
    await chown(theirs, nobody, nobody);
    const args = ['build', '-o', join(theirs, 'out'), '--json'];
    const env = { MODELCARS_STORE: store, HOME: theirs, NO_COLOR: '1', CI: undefined };
    const [ours, other] = await Promise.all([
      tryModelcars(build('both-out'), inStore(store)),
      runAs(nobody, [...program, ...args], { cwd: folder, env }),
    ]);
    expect(ours.stderr).not.toContain('not trusted');
    expect(other.stderr).toContain(`${store} belongs to user 0, and this process runs as user ${nobody}`);
    for (const result of [ours, other]) {
      expectCalm(result);
      expect(result.code, result.stderr).toBe(0);
      expect(JSON.parse(result.stdout).models[0].digest).toBe(right);
    }
  });

  test('a user without a writable home runs without a store', async () => {
    const theirs = join(folder, 'homeless');
    await mkdir(theirs);
    await chown(theirs, 12_345, 12_345);
    for (const home of [undefined, '', '/nonexistent', '/proc']) {
      const env = { HOME: home, MODELCARS_STORE: undefined, XDG_CACHE_HOME: undefined, CI: undefined };
      const args = ['build', '-o', join(theirs, 'out'), '--json'];
      const result = await runAs(12_345, [...program, ...args], { cwd: folder, env });
      expectCalm(result);
      expect(result.code, result.stderr).toBe(0);
      expect(JSON.parse(result.stdout).models[0].digest).toBe(right);
      await rm(join(theirs, 'out'), { recursive: true });
    }
  });

  test.each([0o000, 0o777])(
    'umask %o changes neither the image nor whom the store is open to',
    async (umask) => {
      const theirs = join(folder, `umask-${umask}`);
      await mkdir(theirs);
      await chown(theirs, nobody, nobody);
      const store = join(theirs, 'new', 'store');
      const args = [...program, 'build', '--json', '--verify', '-o', join(theirs, 'out')];
      const script = `umask ${umask.toString(8)}; exec "$@"`;
      const env = { MODELCARS_STORE: store, HOME: theirs, CI: undefined };
      for (let run = 0; run < 2; run++) {
        const result = await runAs(nobody, ['sh', '-c', script, 'sh', ...args], { cwd: folder, env });
        expect(result.code, result.stderr).toBe(0);
        expect(result.stderr).not.toContain('not trusted');
        expect(JSON.parse(result.stdout).models[0].digest).toBe(right);
      }
      for (const name of ['', 'compile', 'layers', 'files', 'blobs'])
        expect((await stat(join(store, name))).mode & 0o777).toBe(0o700);
      expect(JSON.parse(await readFile(join(theirs, 'out/index.json'), 'utf8')).manifests).toHaveLength(1);
    },
  );
});
