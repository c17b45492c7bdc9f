import { afterEach, describe, expect, it, vi } from 'vitest';
import { ModelcarsError } from '../errors.ts';
import { readOverrides } from './args/overrides.ts';
import { commands } from './commands.ts';
import { parseCommandLine } from './parse.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

/** The error for a rejected command line. */
async function refusal(words: string[]): Promise<ModelcarsError> {
  const error: unknown = await parseCommandLine(words, 80).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(ModelcarsError);
  return error as ModelcarsError;
}

async function help(words: string[]): Promise<string> {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  expect(await parseCommandLine(words, 80)).toBeUndefined();
  return log.mock.calls.join('\n');
}

describe('flags', () => {
  const parse = async (...words: string[]) => (await parseCommandLine(words, 80))?.args;

  it('can come before or after the command', async () => {
    expect(await parse('--json', '--dry-run', 'push', 'iris', '-f', 'x.yaml')).toMatchObject({
      json: true,
      dryRun: true,
      models: ['iris'],
      file: 'x.yaml',
    });
    expect(await parse('push', '-n')).toMatchObject({
      json: false,
      dryRun: true,
      models: [],
      file: 'models.yaml',
    });
  });

  it('with list values do not consume model names', async () => {
    const flags = await parse('push', '--only', 'framework=sklearn', 'iris', '--only', 'name=i*', 'wine');
    expect(flags).toMatchObject({ only: ['framework=sklearn', 'name=i*'], models: ['iris', 'wine'] });
  });

  it('of a scan: alone, or with a scanner', async () => {
    expect(await parse('push', 'iris', '--scan')).toMatchObject({ scan: {}, models: ['iris'] });
    expect(await parse('push', '--scan', '--smoke')).toMatchObject({ scan: {}, smoke: true });
    expect(await parse('push', '--scan=trivy', 'iris')).toMatchObject({ scan: { scanner: 'trivy' } });
    expect((await parse('push', 'iris'))?.scan).toBeUndefined();
    expect(await refusal(['push', '--scan', 'iris'])).toMatchObject({
      message: '--scan iris: must be grype or trivy',
      next: expect.stringContaining('behind the names of models'),
    });
    expect((await refusal(['scan', '--max-db-age', '0'])).message).toContain('whole number of days');
  });

  it('of a policy: exactly one kind', async () => {
    expect(await parse('policy', '--kyverno')).toMatchObject({ kind: 'kyverno' });
    expect(await parse('policy', '--kyverno=image-validating', 'iris')).toMatchObject({
      kind: 'kyverno-image-validating',
      models: ['iris'],
    });
    expect(await parse('policy', '--openshift')).toMatchObject({ kind: 'openshift' });
    const one = 'policy takes one of --kyverno, --openshift and --sigstore';
    expect((await refusal(['policy'])).message).toBe(one);
    expect((await refusal(['policy', '--openshift', '--sigstore'])).message).toBe(one);
    expect((await refusal(['policy', '--kyverno', 'iris'])).message).toBe(
      '--kyverno iris: can only be followed by image-validating',
    );
  });

  it('become overrides only when given', async () => {
    expect(readOverrides((await parse('push')) ?? {})).toEqual({});
    const words =
      '--registry q.io/me --version v1.0.0 --tag a,b --tag c --platform linux/amd64 --mirror x=y/z=1';
    expect(readOverrides((await parse('push', ...words.split(' '))) ?? {})).toEqual({
      registry: 'q.io/me',
      version: 'v1.0.0',
      tags: ['a', 'b', 'c'],
      platforms: ['linux/amd64'],
      mirrors: { x: 'y/z=1' },
    });
    expect(readOverrides((await parse('push', '--no-floating-tags')) ?? {})).toEqual({ floatingTags: false });
  });

  it('distinguish --frozen, --no-frozen and neither', async () => {
    expect(await parse('build', '--frozen')).toMatchObject({ frozen: true });
    expect(await parse('build', '--no-frozen')).toMatchObject({ frozen: false });
    expect(await parse('build')).toMatchObject({ frozen: undefined });
  });

  it('keep names that look like numbers as strings', async () => {
    expect(await parse('build', '007', '1e3')).toMatchObject({ models: ['007', '1e3'] });
    expect(await parse('build', '--version', '1.10')).toMatchObject({ version: '1.10' });
  });
});

describe('wrong usage', () => {
  it.each([
    [[], 'name a command', 'run `modelcars help`'],
    [['biuld'], 'unknown command `biuld`; did you mean `build`?', 'run `modelcars help`'],
    [['nonsense'], 'unknown command `nonsense`', 'run `modelcars help`'],
    [
      ['build', '--regsitry', 'x'],
      'unknown option --regsitry; did you mean --registry?',
      'run `modelcars build --help`',
    ],
    [
      ['build', '--dry-rnu'],
      'unknown option --dry-rnu; did you mean --dry-run?',
      'run `modelcars build --help`',
    ],
    [['clean', '--registry', 'x'], 'unknown option --registry for `clean`', 'run `modelcars clean --help`'],
    [['build', '-z'], 'unknown option -z', 'run `modelcars build --help`'],
    [['clean', 'iris'], 'clean takes no words, but got `iris`', 'run `modelcars clean --help`'],
    [['build', '--registry'], '--registry needs a value', 'run `modelcars build --help`'],
    [
      ['build', '--compression', 'bz2'],
      '--compression "bz2": must be one of "none", "gzip", "zstd"',
      'run `modelcars build --help`',
    ],
    [['inspect'], 'inspect needs <image>', 'run `modelcars inspect --help`'],
    [['version', 'list'], 'version takes no words, but got `list`', 'run `modelcars version --help`'],
  ])('%j', async (words, message, next) => {
    expect(await refusal(words)).toMatchObject({ code: 'usage', message, next, exitCode: 2 });
  });

  it.each([
    [['build', '--registry='], '--registry needs a value'],
    [['build', '--concurrency', '0'], '--concurrency must be a whole number from 1 to 64'],
    [['build', '--concurrency', 'four'], '--concurrency must be a whole number from 1 to 64'],
    [['build', '--version', 'v1', '--version', 'v2'], '--version is given 2 times: one is enough'],
    [['build', '--frozen', '--no-frozen'], '--frozen and --no-frozen exclude each other'],
    [['build', '--mirror', 'x'], '--mirror x: must be FROM=TO'],
  ])('%j', async (words, message) => {
    expect(await refusal(words)).toMatchObject({ code: 'usage', message });
  });

  it.each([
    ['push', '--password', 'hunter2hunter2'],
    ['push', '--token=hunter2hunter2'],
    ['push', '--hf-token', 'hunter2hunter2'],
    ['push', '-p', 'hunter2hunter2'],
    ['push', '--unheard-of', 'hunter2hunter2'],
  ])('never repeats a possible secret: %s %s', async (...words) => {
    const { message, next } = await refusal(words);
    expect(`${message} ${next}`).not.toContain('hunter2');
    if (!words.includes('--unheard-of')) expect(message).toContain('secrets are never flags');
  });
});

describe('help', () => {
  it('shows every command, the variables and the exit codes', async () => {
    const text = await help(['help']);
    for (const { name, describe } of commands) {
      expect(text).toMatch(new RegExp(`modelcars ${name}.* ${describe.split(' ')[0]}`));
    }
    expect(text).toContain('MODELCARS_REGISTRY_PASSWORD');
    expect(text).toContain('Exit codes: 0 done, 1 failed, 2 wrong usage');
    expect(text.match(/^ *modelcars completion /gm)).toHaveLength(1);
  });

  it.each([
    ['help', 'push'],
    ['push', '--help'],
    ['push', '-h'],
  ])('of one command: %s %s', async (...words) => {
    const text = await help(words);
    expect(text).toMatch(/^modelcars push \[model\.\.\] \[options\]/);
    expect(text).toContain('--registry');
    expect(text).toContain('Examples:');
    expect(text).not.toContain('--older-than');
  });

  it.each([['help'], ...commands.map(({ name }) => [name, '--help'])])(
    'fits 80 columns: %s',
    async (...words) => {
      for (const line of (await help(words)).split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    },
  );
});
