import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commands } from './_all.ts';
import { modelcars } from './_spawn.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelcars-cli-'));
  await writeFile(
    join(folder, 'models.yaml'),
    ['models:', '  - name: iris', '    framework: sklearn', '    source: file:iris'].join('\n'),
  );
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const run = (...words: string[]) => modelcars(words, { cwd: folder });

describe('help', () => {
  it('shows every command, the variables and the exit codes', async () => {
    const { code, stdout, stderr } = await run('help');
    expect(code).toBe(0);
    expect(stderr).toBe('');
    for (const { name, describe } of commands)
      expect(stdout).toMatch(new RegExp(`modelcars ${name}.* ${describe.split(' ')[0]}`));
    expect(stdout).toContain('MODELCARS_REGISTRY_PASSWORD');
    expect(stdout).toContain('Exit codes: 0 done, 1 failed, 2 wrong usage');
  });

  it.each([
    ['help', 'push'],
    ['push', '--help'],
    ['push', '-h'],
  ])('of one command: %s %s', async (...words) => {
    const { code, stdout } = await run(...words);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^modelcars push \[model\.\.\] \[options\]/);
    expect(stdout).toContain('--registry');
    expect(stdout).toContain('Examples:');
    expect(stdout).not.toContain('--output');
  });

  it('fits 80 columns', async () => {
    for (const words of [['help'], ...commands.map(({ name }) => ['help', name])]) {
      const { stdout } = await run(...words);
      for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    }
  });

  it.each([['version'], ['-V'], ['--version']])('the version of the program: %s', async (word) => {
    expect((await run(word)).stdout).toMatch(/^modelcars \d+\.\d+\.\d+ \(node v24\./);
  });
});

describe('wrong usage', () => {
  it.each([
    [[], 'name a command', 'modelcars help'],
    [['biuld'], 'unknown command `biuld`; did you mean `build`?', 'modelcars help'],
    [['nonsense'], 'unknown command `nonsense`', 'modelcars help'],
    [
      ['build', '--regsitry', 'x'],
      'unknown option --regsitry; did you mean --registry?',
      'modelcars build --help',
    ],
    [['build', '--dry-rnu'], 'unknown option --dry-rnu; did you mean --dry-run?', 'modelcars build --help'],
    [['clean', '--registry', 'x'], 'unknown option --registry for `clean`', 'modelcars clean --help'],
    [['build', '-z'], 'unknown option -z', 'modelcars build --help'],
    [['clean', 'iris'], 'clean takes no words, but got `iris`', 'modelcars clean --help'],
    [['build', '--registry'], '--registry needs a value', 'modelcars build --help'],
    [['build', '--registry='], '--registry needs a value', ''],
    [['build', '--compression', 'bz2'], '--compression "bz2": must be one of "none", "gzip", "zstd"', ''],
    [['build', '--concurrency', '0'], '--concurrency must be a whole number from 1 to 64', ''],
    [['build', '--version', 'v1', '--version', 'v2'], '--version is given 2 times', ''],
    [['build', '--frozen', '--no-frozen'], '--frozen and --no-frozen exclude each other', ''],
    [['build', '--mirror', 'x'], '--mirror x: must be FROM=TO', ''],
    [['inspect'], 'inspect needs <image>', 'modelcars inspect --help'],
    [['list', 'irs'], 'did you mean `iris`?', 'modelcars list'],
  ])('%j', async (words, message, next) => {
    const { code, stdout, stderr } = await run(...words);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^error: /);
    expect(stderr).toContain(message);
    expect(stderr).toContain(next);
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  it.each([
    ['push', '--password', 'hunter2hunter2'],
    ['push', '--token=hunter2hunter2'],
    ['push', '--hf-token', 'hunter2hunter2'],
    ['push', '-p', 'hunter2hunter2'],
  ])('never repeats a secret: %s %s', async (...words) => {
    const { code, stdout, stderr } = await run(...words);
    expect(code).toBe(2);
    expect(stderr).toContain('secrets are never flags');
    expect(stdout + stderr).not.toContain('hunter2');
  });
});

describe('a wrong catalog', () => {
  it('that is not there', async () => {
    const { code, stderr } = await run('list', '-f', 'nowhere/models.yaml');
    expect(code).toBe(2);
    expect(stderr).toContain('nowhere/models.yaml');
    expect(stderr).toContain('next: ');
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  it('that has mistakes: file, line and column', async () => {
    const file = join(folder, 'wrong.yaml');
    await writeFile(file, 'models:\n  - name: iris\n    framwork: sklearn\n');
    const { code, stderr } = await run('build', '-f', file);
    expect(code).toBe(2);
    expect(stderr).toMatch(/wrong\.yaml:3:\d+/);
  });
});

describe('--json', () => {
  it.each([
    [['build', '--nope', '--json'], 'usage'],
    [['--json', 'build', '--nope'], 'usage'],
    [['list', '--json', '-f', 'nowhere.yaml'], 'catalog'],
  ])('%j prints one error document on stdout and nothing on stderr', async (words, expected) => {
    const { code, stdout, stderr } = await run(...words);
    expect(code).toBe(2);
    expect(stderr).toBe('');
    const document = JSON.parse(stdout);
    expect(Object.keys(document)).toEqual(['error']);
    expect(document.error).toMatchObject({
      code: expected,
      message: expect.any(String),
      next: expect.any(String),
    });
  });
});

describe('completion', () => {
  const complete = async (words: string[], shell = '/bin/bash') => {
    const { code, stdout, stderr } = await modelcars(['--get-yargs-completions', 'modelcars', ...words], {
      cwd: folder,
      env: { SHELL: shell },
    });
    expect(code).toBe(0);
    expect(stderr).toBe('');
    return stdout.split('\n').filter((line) => line);
  };

  it('of commands', async () => {
    expect(await complete([''])).toEqual(expect.arrayContaining(['list', 'build', 'help', 'completion']));
    expect(await complete(['bu'])).toEqual(['build']);
    expect(await complete(['help', 'in'])).toEqual(['inspect']);
  });

  it('of options, without those that are there', async () => {
    expect(await complete(['push', '--re'])).toEqual(['--registry']);
    const left = await complete(['push', '--registry', 'x', '--only', 'y', '--']);
    expect(left).not.toContain('--registry');
    expect(left).toEqual(expect.arrayContaining(['--only', '--version', '--help']));
  });

  it('of model names and values', async () => {
    expect(await complete(['build', ''])).toEqual(['iris']);
    expect(await complete(['build', 'iris', ''])).toEqual([]);
    expect(await complete(['build', '--compression', 'g'])).toEqual(['gzip']);
    expect(await complete(['list', '--only', 'f'])).toEqual(['framework=sklearn']);
    expect(await complete(['build', '--file', 'nowhere.yaml', ''])).toEqual([]);
  });

  it('with descriptions in zsh and fish', async () => {
    expect(await complete(['build', 'i'], '/bin/zsh')).toEqual(['iris:sklearn model']);
    expect(await complete(['cl'], '/usr/bin/fish')).toEqual(['clean\tremove what build made']);
  });

  it.each([
    ['/bin/bash', 'complete -o bashdefault'],
    ['/bin/zsh', '#compdef modelcars'],
    ['/usr/bin/fish', 'complete -f -c modelcars'],
  ])('script for %s', async (shell, text) => {
    const { code, stdout } = await modelcars(['completion'], { env: { SHELL: shell } });
    expect(code).toBe(0);
    expect(stdout).toContain(text);
    expect(stdout).toContain('modelcars --get-yargs-completions');
  });
});
