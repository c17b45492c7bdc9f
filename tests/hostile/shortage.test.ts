import { mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { temporaryPrefix } from '../../scripts/files/atomic.ts';
import { makeCatalog, modelcars, noise, root, tryModelcars } from '../parts/cli.ts';
import { missingRoot } from '../parts/parts.ts';
import { run, tryRun } from '../parts/run.ts';
import { startWeb } from '../parts/web.ts';
import { startFake } from '../support/fake-registry.ts';
import { expectCalm, expectPlainFailure, Machine, runIn } from './_machine.ts';

const program = [process.execPath, join(root, 'scripts/modelcars.ts')];

describe.skipIf(missingRoot('mount'))('a machine that is short of', () => {
  let machine: Machine;
  let folder: string;
  let digest: string;
  beforeAll(async () => {
    machine = await Machine.start();
    folder = machine.folder;
    const small = [...Array(150).keys()].map((n) => [`part-${n}.bin`, noise(3000, n)] as const);
    const files = { ...Object.fromEntries(small), 'model.joblib': noise(2_000_000, 1) };
    const models = [1, 2, 3, 4].map((n) => ({
      name: `model-${n}`,
      framework: 'sklearn',
      more: { base: 'embedded' },
      files: { ...files, 'extra.bin': noise(100_000, n) },
    }));
    await makeCatalog(folder, models);
    digest = digests(await modelcars(['build', '-o', 'right', '--json'], { cwd: folder }));
  });
  afterAll(() => machine?.[Symbol.asyncDispose]());

  const digests = (stdout: string): string =>
    JSON.parse(stdout).models.map((model: { digest: string }) => model.digest);
  /** Partial files below a folder. */
  const halves = async (path: string): Promise<string[]> =>
    (await readdir(path, { recursive: true })).filter((name) => name.includes(temporaryPrefix));
  const env = { CI: undefined, NO_COLOR: '1' };

  test('disk for the layout reports it, leaves no partial file, and resumes once space is free', async () => {
    const disk = await machine.disk('layout', 40_000_000);
    await writeFile(join(disk, 'filler'), new Uint8Array(38_000_000));
    for (const name of ['out', 'out.tar']) {
      const full = await tryModelcars(['build', '-o', join(disk, name)], { cwd: folder });
      expectPlainFailure(full);
      expect(full.stderr).toMatch(/build needs [\d.]+ MB in \S+, [\d.]+ .?B are free/);
      expect(await halves(disk)).toEqual([]);
    }
    await rm(join(disk, 'filler'));
    const built = await modelcars(['build', '-o', join(disk, 'out'), '--json'], { cwd: folder });
    expect(digests(built)).toEqual(digest);
  });

  test('inodes for the layout reports it', async () => {
    const disk = await machine.disk('inodes', 60_000_000, 8);
    const full = await tryModelcars(['build', '-o', join(disk, 'out')], { cwd: folder });
    expectPlainFailure(full);
    expect(full.stderr).toContain('no space is left on the device');
    expect(await halves(disk)).toEqual([]);
  });

  test('disk for the store builds without it, and stores no partial entry', async () => {
    const disk = await machine.disk('store', 1_000_000);
    await writeFile(join(disk, 'filler'), new Uint8Array(1_100_000)).catch(() => undefined);
    for (const args of [
      ['build', '-o', 'full-store', '--json'],
      ['lock', '--upgrade', '--json'],
    ]) {
      const result = await tryModelcars(args, { cwd: folder, env: { MODELCARS_STORE: join(disk, 'store') } });
      expectCalm(result);
      expect(result.code, result.stderr).toBe(0);
      if (args[0] === 'build') expect(digests(result.stdout)).toEqual(digest);
    }
    expect(await halves(disk)).toEqual([]);
  });

  test('disk for --keep fails, because the option asks for it', async () => {
    const content = noise(3_000_000, 9);
    await using web = await startWeb('model.joblib', content);
    const disk = await machine.disk('keep', 6_000_000);
    const cwd = join(folder, 'far');
    await mkdir(cwd);
    const entry = `{name: far, framework: sklearn, version: v1.0.0, source: "${web.url}"}`;
    await writeFile(join(cwd, 'models.yaml'), `defaults: {base: embedded}\nmodels:\n  - ${entry}\n`);
    await modelcars(['lock'], { cwd });
    await writeFile(join(disk, 'filler'), new Uint8Array(5_000_000));
    const full = await tryModelcars(['build', '--keep', '--store', join(disk, 'store')], { cwd });
    expectPlainFailure(full);
    expect(full.stderr).toMatch(/--keep needs 3\.0 MB in \S+, [\d.]+ .?B are free/);
  });

  test('disk for the lock reports it and keeps the old lock', async () => {
    const disk = await machine.disk('lock', 400_000);
    const models = (await readFile(join(folder, 'models.yaml'), 'utf8')).replaceAll(
      'file:',
      `file://${folder}/`,
    );
    await writeFile(join(disk, 'models.yaml'), models);
    await writeFile(join(disk, 'filler'), new Uint8Array(500_000)).catch(() => undefined);
    const store = { MODELCARS_STORE: join(folder, '.store') };
    const full = await tryModelcars(['lock'], { cwd: disk, env: store });
    expectPlainFailure(full);
    expect(full.stderr).toContain('no space is left on the device');
    expect((await readdir(disk)).sort()).toEqual(['filler', 'models.yaml']);
  });

  test('disk for temporary files is not affected: none are written', async () => {
    const disk = await machine.disk('tmp', 4096);
    await writeFile(join(disk, 'filler'), new Uint8Array(8192)).catch(() => undefined);
    const result = await tryModelcars(['build', '-o', 'no-tmp', '--verify', '--json'], {
      cwd: folder,
      env: { TMPDIR: disk },
    });
    expect(result.code, result.stderr).toBe(0);
    expect(digests(result.stdout)).toEqual(digest);
  });

  test('memory (256 MB): lock, build, verify and push of four models of 256 MB', {
    timeout: 400_000,
  }, async () => {
    const cwd = join(folder, 'large');
    const entries = [];
    for (let n = 1; n <= 4; n++) {
      const files = join(cwd, 'files', `${n}`);
      await mkdir(files, { recursive: true });
      await writeFile(join(files, 'model.joblib'), `${n}`);
      await truncate(join(files, 'model.joblib'), 256 * 1024 ** 2);
      entries.push(`  - {name: m${n}, framework: sklearn, version: v1.0.0, source: "file:files/${n}"}\n`);
    }
    await writeFile(join(cwd, 'models.yaml'), `defaults: {base: embedded}\nmodels:\n${entries.join('')}`);
    await using registry = await startFake({ discards: true });
    const store = { ...env, MODELCARS_STORE: join(cwd, '.store'), DOCKER_CONFIG: join(cwd, '.docker') };
    for (const args of [
      ['lock'],
      ['build', '-o', 'out'],
      ['verify', '--layout', 'out'],
      ['push', '--registry', `${registry.host}/r`, '--store', join(cwd, 'empty')],
    ]) {
      const result = await runIn(256 * 1024 ** 2, [...program, ...args], { cwd, env: store });
      expectCalm(result);
      expect(result.code, `${args[0]}: ${result.stderr}`).toBe(0);
    }
  });

  test('file descriptors (64) makes the same images, and pushes them', async () => {
    await using registry = await startFake();
    const limited = (files: number, ...args: string[]) =>
      tryRun('sh', ['-c', `ulimit -n ${files}; exec "$@"`, 'sh', ...program, ...args], {
        cwd: folder,
        env: { ...env, MODELCARS_STORE: join(folder, 'few'), DOCKER_CONFIG: join(folder, '.docker') },
      });
    for (const args of [
      ['lock', '--upgrade', '--json'],
      ['build', '-o', 'few-out', '--verify', '--json'],
      ['build', '-o', 'few-out.tar', '--json'],
      ['push', '--registry', `${registry.host}/r`, '--json'],
      ['list'],
      ['prune', '--all'],
      ['clean', '--layout', 'few-out'],
    ]) {
      const result = await limited(64, ...args);
      expectCalm(result);
      expect(result.code, `${args[0]}: ${result.stderr}`).toBe(0);
      if (args[0] === 'build') expect(digests(result.stdout)).toEqual(digest);
    }
    const few = await limited(25, 'build', '-o', 'fewer-out');
    expectCalm(few); // Node decides how few are too few; the message must be plain
    if (few.code !== 0) expect(few.stderr).toContain('ulimit -n');
  });

  test('time: a clock that is years off changes no image and blocks nothing', async () => {
    const years = 365 * 24 * 3600 * 1000;
    for (const [name, off] of [
      ['future', 20 * years],
      ['past', -50 * years],
    ] as const) {
      const shift = join(folder, `${name}.mjs`);
      await writeFile(shift, shifted(off));
      const settings = {
        cwd: folder,
        env: { NODE_OPTIONS: `--import=${shift}`, MODELCARS_STORE: join(folder, `store-${name}`) },
      };
      for (let time = 0; time < 2; time++) {
        const result = await tryModelcars(['build', '-o', name, '--verify', '--json'], settings);
        expectCalm(result);
        expect(result.code, result.stderr).toBe(0);
        expect(digests(result.stdout)).toEqual(digest);
      }
      const again = await tryModelcars(['build', '-o', name, '--json'], { ...settings, env: {} });
      expect(digests(again.stdout)).toEqual(digest);
      for (const args of [['prune', '--all'], ['lock'], ['clean', '--layout', name]])
        expect((await tryModelcars(args, settings)).code).toBe(0);
    }
  });

  test('a current folder, because it was deleted, fails with a plain message', async () => {
    const gone = join(folder, 'gone');
    await mkdir(gone);
    for (const args of [['clean'], ['list'], ['build', '-f', join(folder, 'models.yaml')]]) {
      const script = 'cd "$1" && rmdir "$1" && shift && exec "$@"';
      await mkdir(gone, { recursive: true });
      const result = await tryRun('sh', ['-c', script, 'sh', gone, ...program, ...args], { env });
      expectPlainFailure(result);
      expect(result.stderr).toContain('read the current folder: it was deleted');
    }
  });

  test('an output, because it is deleted during the build, fails with a plain message', async () => {
    await using web = await startWeb('model.joblib', noise(6_000_000, 4));
    const cwd = join(folder, 'deleted');
    await mkdir(cwd);
    const entry = `{name: far, framework: sklearn, version: v1.0.0, source: "${web.url}"}`;
    await writeFile(join(cwd, 'models.yaml'), `defaults: {base: embedded}\nmodels:\n  - ${entry}\n`);
    await modelcars(['lock'], { cwd });
    web.rate = 400_000; // slow enough for the lock's timer to notice
    web.forget();
    // The model is noise, which the check for unsafe files refuses.
    const build = ['build', '--unsafe-files', 'allow'];
    const building = tryModelcars(build, { cwd });
    while ((web.requests[0]?.sent ?? 0) < 500_000) await new Promise((resolve) => setTimeout(resolve, 20));
    await rm(join(cwd, 'out'), { recursive: true });
    const result = await building;
    expectPlainFailure(result);
    web.rate = undefined;
    await modelcars([...build, '--verify'], { cwd });
  });

  test('locales: neither the locale C nor UTF-8 file names change the image', async () => {
    const cwd = join(folder, 'names');
    const files = { 'model.joblib': 'x', 'größe-模型.txt': 'y' };
    await makeCatalog(cwd, [{ name: 'm', framework: 'sklearn', more: { base: 'embedded' }, files }]);
    const found = [];
    for (const locale of ['C', 'C.UTF-8', 'tr_TR.UTF-8', 'no_SUCH']) {
      const output = join(cwd, locale);
      const env = { LC_ALL: locale, LANG: locale, MODELCARS_STORE: join(cwd, `store-${locale}`) };
      found.push(digests(await modelcars(['build', '-o', output, '--verify', '--json'], { cwd, env })));
    }
    expect(new Set(found.map(String)).size).toBe(1);
    await run('rm', ['-rf', cwd]);
  });
});

/** A module that moves the clock by this many milliseconds. */
function shifted(off: number): string {
  return `const Real = Date;
globalThis.Date = class Date extends Real {
  constructor(...all) { if (all.length === 0) super(Real.now() + ${off}); else super(...all); }
  static now() { return Real.now() + ${off}; }
};
`;
}
