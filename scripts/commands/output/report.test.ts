import { describe, expect, it } from 'vitest';
import { ModelcarsError } from '../../errors.ts';
import type { Outcome } from '../../pipeline/types.ts';
import { createColors } from '../../terminal/color.ts';
import { createProgress } from '../../terminal/progress.ts';
import { Masker } from '../../text/mask.ts';
import type { CommandIO } from '../command.ts';
import { outcomeColumns, report } from './report.ts';

const progress = await createProgress({ stream: process.stderr, enabled: false, interactive: false });

const digest = `sha256:${'ab'.repeat(32)}`;
const done: Outcome = {
  model: 'iris',
  status: 'done',
  name: 'quay.io/me/iris',
  digest,
  size: 2_900_000,
  tags: [
    { tag: 'v1.0.0', current: true, moved: true },
    { tag: 'latest', current: false, moved: false, why: 'v1.2.0 is newer' },
  ],
};
const failed: Outcome = {
  model: 'llama',
  status: 'failed',
  error: new ModelcarsError('auth', 'read hf://org/llama: 401 with topsecret', { next: 'set HF_TOKEN' }),
};
const stopped: Outcome = {
  model: 'late',
  status: 'failed',
  error: new ModelcarsError('cancelled', 'stopped'),
};

function run(outcomes: Outcome[], json = false, width?: number) {
  const out: string[] = [];
  const err: string[] = [];
  const documents: unknown[] = [];
  const masker = new Masker();
  masker.add('topsecret');
  const colors = createColors({ isTTY: false }, {});
  const io: CommandIO = {
    print: (text) => out.push(text),
    note: (text) => err.push(text),
    printJson: (command, fields) => documents.push({ command, ...fields }),
    colors,
    errorColors: colors,
    width,
    masker,
    debug: false,
    progress,
    signal: new AbortController().signal,
  };
  const { name, digest, size, tags } = outcomeColumns;
  const code = report('push', outcomes, [name, digest, size, tags], { json }, io, {});
  return { code, out: out.join('\n'), err: err.join('\n'), documents };
}

describe('the closing table', () => {
  it('prints the failed model, the cause and the next step, with exit code 1', () => {
    const { code, out, err } = run([done, failed]);
    expect(code).toBe(1);
    expect(out.split('\n')).toEqual([
      expect.stringMatching(/^NAME +DIGEST +SIZE +TAGS +STATUS$/),
      expect.stringMatching(new RegExp(`^quay.io/me/iris +${digest} +2\\.9 MB +v1\\.0\\.0 +done$`)),
      expect.stringMatching(/^llama +- +- +- +failed$/),
    ]);
    expect(err).toContain('iris: tag latest stays: v1.2.0 is newer');
    expect(err).toContain('error: llama: read hf://org/llama: 401 with ****\nnext: set HF_TOKEN');
    expect(err).toContain('1 done, 1 failed');
  });

  it('has no notes and exit code 0 when every model succeeded', () => {
    const { code, err } = run([{ ...done, tags: [] }]);
    expect(code).toBe(0);
    expect(err).toBe('');
  });

  it('lists models interrupted by Ctrl-C as stopped, not as errors', () => {
    const { code, out, err } = run([stopped]);
    expect(code).toBe(1);
    expect(out).toMatch(/late .*stopped$/m);
    expect(err).not.toContain('error:');
  });

  it('keeps the end of a name on a narrow terminal', () => {
    const { out } = run([{ ...done, name: 'registry.example.com/team/project/iris' }], false, 70);
    expect(out).toMatch(/^….*\/project\/iris /m);
    for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(70);
  });
});

it('prints only one JSON document with --json, without secrets', () => {
  const { code, out, err, documents } = run([done, failed], true);
  expect(code).toBe(1);
  expect(out + err).toBe('');
  expect(documents).toEqual([
    {
      command: 'push',
      ok: false,
      dryRun: false,
      models: [
        done,
        {
          model: 'llama',
          status: 'failed',
          error: { code: 'auth', message: 'read hf://org/llama: 401 with ****', next: 'set HF_TOKEN' },
        },
      ],
    },
  ]);
});
