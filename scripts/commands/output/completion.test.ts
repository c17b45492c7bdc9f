import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { commands } from '../commands.ts';
import { completions } from './completion.ts';

let folder: string;
let file: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelcars-completion-'));
  file = join(folder, 'models.yaml');
  await writeFile(file, 'models:\n  - name: iris\n    framework: sklearn\n    source: file:iris\n');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const complete = (words: string[], shell = '/bin/bash') =>
  completions(['modelcars', ...words], commands, shell);

it('offers commands', async () => {
  expect(await complete([''])).toEqual(expect.arrayContaining(['list', 'build', 'help', 'completion']));
  expect(await complete(['bu'])).toEqual(['build']);
  expect(await complete(['help', 'in'])).toEqual(['init', 'inspect']);
  // fish omits the program's name.
  expect(await completions(['pu'], commands, '/bin/bash')).toEqual(['push', 'pull']);
});

it('offers options, except those already given that cannot repeat', async () => {
  expect(await complete(['push', '--reg'])).toEqual(['--registry']);
  const left = await complete(['push', '--registry', 'x', '--only', 'y', '--']);
  expect(left).not.toContain('--registry');
  expect(left).not.toContain('--older-than');
  expect(left).toEqual(expect.arrayContaining(['--only', '--version', '--help']));
});

it('offers model names, frameworks and option values', async () => {
  expect(await complete(['build', '-f', file, ''])).toEqual(['iris']);
  expect(await complete(['build', '-f', file, 'iris', ''])).toEqual([]);
  expect(await complete(['list', '--file', file, '--only', 'f'])).toEqual(['framework=sklearn']);
  expect(await complete(['build', '--compression', 'g'])).toEqual(['gzip']);
});

it('offers nothing without a catalog, for file names, and for commands without arguments', async () => {
  expect(await complete(['build', '-f', join(folder, 'nowhere.yaml'), ''])).toEqual([]);
  expect(await complete(['build', '-f', ''])).toEqual([]);
  expect(await complete(['clean', ''])).toEqual([]);
});

it('adds descriptions for zsh and fish', async () => {
  expect(await complete(['build', '-f', file, 'i'], '/bin/zsh')).toEqual(['iris:sklearn model']);
  expect(await complete(['cle'], '/usr/bin/fish')).toEqual(['clean\tremove what build made']);
});
