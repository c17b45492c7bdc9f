import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeCatalog, modelcars, root } from '../parts/cli.ts';

/** Standard output and standard error that accept no data. */
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'output-'));
  const more = { base: 'embedded' };
  await makeCatalog(folder, [
    { name: 'iris', framework: 'sklearn', files: { 'model.joblib': 'x'.repeat(5000) }, more },
    { name: 'tulip', framework: 'sklearn', files: { 'model.joblib': 'y'.repeat(5000) }, more },
  ]);
  await modelcars(['build'], { cwd: folder });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const program = join(root, 'scripts', 'modelcars.ts');
const environment = () => ({
  ...process.env,
  CI: '',
  NO_COLOR: '1',
  MODELCARS_STORE: join(folder, '.store'),
  MY_PASSWORD: 'nobody-may-see-this',
});

/** Runs the command line through a shell that redirects it; the exit code is the program's own. */
async function redirected(words: string, redirections: string): Promise<{ code: number; stderr: string }> {
  const line = `"${process.execPath}" "${program}" ${words} ${redirections}`;
  try {
    const { stderr } = await promisify(execFile)('bash', ['-c', line], { cwd: folder, env: environment() });
    return { code: 0, stderr };
  } catch (error) {
    const { code, stderr } = error as { code: number; stderr: string };
    return { code, stderr };
  }
}

describe('a full disk behind stdout', () => {
  test.each([
    'list',
    'list --json',
    'lock --json',
    'build --json',
    'verify',
    'inspect iris:v1.0.0 --json',
    'manifest --registry quay.io/me',
    'clean --dry-run',
    'split',
    'version',
    'completion',
    '--help',
  ])('is an error of one line for `%s`', async (words) => {
    const { code, stderr } = await redirected(words, '> /dev/full');
    expect(code).toBe(1);
    const said = stderr.split('\n').filter((line) => /^(error|next): /.test(line));
    expect(said).toEqual([
      'error: write standard output: no space is left on the device',
      expect.stringMatching(/^next: redirect it/),
    ]);
    expect(stderr).not.toMatch(/\bat .*:\d+|ENOSPC/);
  });

  test('hides no other failure, and keeps its exit code', async () => {
    const wrong = await redirected('list nosuch', '> /dev/full');
    expect(wrong).toEqual({ code: 2, stderr: expect.stringMatching(/^error: .*nosuch.*\nnext: .*\n$/) });
    const { code, stderr } = await redirected('list nobody-may-see-this --json', '> /dev/full');
    expect(code).toBe(2);
    expect(stderr.match(/^error: .*$/gm)).toEqual([
      expect.stringContaining('no model'),
      'error: write standard output: no space is left on the device',
    ]);
    expect(stderr).not.toContain('nobody-may-see-this');
  });
});

test('stdout that is not open for writing is an error', async () => {
  const { code, stderr } = await redirected('list', '1< /dev/null');
  expect(code).toBe(1);
  expect(stderr).toMatch(/^error: write standard output: it is not open for writing$/m);
});

describe('a reader that closes the pipe', () => {
  /** Closes stdout before the program can write, and waits for the program to end. */
  async function unread(words: string[]): Promise<{ code: number | null; stderr: string }> {
    const child = spawn(process.execPath, [program, ...words], {
      cwd: folder,
      env: environment(),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.destroy();
    const ended = new Promise<number | null>((done) => child.once('close', done));
    return { stderr: await text(child.stderr), code: await ended };
  }

  test.each([
    ['list'],
    ['list --json'],
    ['inspect iris:v1.0.0 --json'],
    ['--help'],
    ['completion'],
    ['version'],
  ])('is no error for `%s`', async (words) => {
    expect(await unread(words.split(' '))).toEqual({ code: 0, stderr: '' });
  });

  test('does not turn a failure into success', async () => {
    const { code, stderr } = await unread(['verify', '--layout', 'nowhere', '--json']);
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    const models = await unread(['verify', '--version', 'v9.9.9']);
    expect(models.code).toBe(1);
    expect(models.stderr).toMatch(/2 failed/);
    expect(models.stderr).not.toMatch(/EPIPE/);
  });

  test('does not stop what the command does', async () => {
    const { code } = await unread(['build', '--output', 'second']);
    expect(code).toBe(0);
    await modelcars(['verify', '--layout', 'second'], { cwd: folder });
  });
});

describe('stderr that cannot be written', () => {
  test.each([
    ['list', 0],
    ['build --output third', 0],
    ['list nosuch', 2],
    ['verify --layout nowhere', 1],
  ])('leaves the exit code of `%s`', async (words, code) => {
    expect((await redirected(words, '2> /dev/full')).code).toBe(code);
    expect((await redirected(words, '2>&1 > /dev/full 2> /dev/full')).code).toBe(code === 0 ? 1 : code);
  });
});
