import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { modelcars } from '../../tests/support/run-program.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelcars-cli-'));
  await writeFile(
    join(folder, 'models.yaml'),
    'models:\n  - name: iris\n    framework: sklearn\n    source: file:iris\n',
  );
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const run = (...words: string[]) => modelcars(words, { cwd: folder });

it.each([['version'], ['-V'], ['--version']])('shows its own version: %s', async (word) => {
  expect((await run(word)).stdout).toMatch(/^modelcars \d+\.\d+\.\d+ \(node v24\./);
});

it('shows its help on stdout', async () => {
  const { code, stdout, stderr } = await run('help');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^modelcars <command>/);
});

describe('an error', () => {
  it.each([
    ['the command line', ['build', '--regsitry', 'x'], 'did you mean --registry?'],
    ['a model name', ['list', 'irs'], 'did you mean `iris`?'],
    ['the file name', ['list', '-f', 'nowhere/models.yaml'], 'nowhere/models.yaml'],
  ])('in %s is printed without a stack, with a next step and exit code 2', async (_, words, message) => {
    const { code, stdout, stderr } = await run(...words);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^error: .*\nnext: .*\n$/);
    expect(stderr).toContain(message);
  });

  it('in the catalog is printed with file, line and column', async () => {
    await writeFile(join(folder, 'wrong.yaml'), 'models:\n  - name: iris\n    framwork: sklearn\n');
    const { code, stderr } = await run('build', '-f', 'wrong.yaml');
    expect(code).toBe(2);
    expect(stderr).toMatch(/wrong\.yaml:3:\d+/);
  });

  it.each([
    [['build', '--nope', '--json'], 'usage'],
    [['--json', 'build', '--nope'], 'usage'],
    [['list', '--json', '-f', 'nowhere.yaml'], 'catalog'],
  ])('is one document on stdout with --json: %j', async (words, expected) => {
    const { code, stdout, stderr } = await run(...words);
    expect({ code, stderr }).toEqual({ code: 2, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({
      schemaVersion: 1,
      command: words.find((word) => !word.startsWith('-')),
      ok: false,
      error: { code: expected, message: expect.any(String), next: expect.any(String) },
    });
  });
});

it.each([
  ['/bin/bash', 'complete -o bashdefault'],
  ['/bin/zsh', '#compdef modelcars'],
  ['/usr/bin/fish', 'complete -c modelcars'],
])('prints a completion script for %s, or for the shell that is named', async (shell, text) => {
  const chosen = await modelcars(['completion'], { env: { SHELL: shell } });
  const named = await modelcars(['completion', basename(shell)], { env: { SHELL: '/bin/ksh' } });
  expect(chosen).toMatchObject({ code: 0, stdout: expect.stringContaining(text) });
  expect(named.stdout).toBe(chosen.stdout);
});

it('rejects another shell', async () => {
  const { code, stderr } = await modelcars(['completion', 'zhs']);
  expect(code).toBe(2);
  expect(stderr).toMatch(/^error: completion zhs: expected bash, zsh, fish; did you mean `zsh`\?/);
});

it('returns completions to that script', async () => {
  const { code, stdout, stderr } = await run('--get-yargs-completions', 'modelcars', 'build', '');
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'iris\n', stderr: '' });
});
