import { expect, it } from 'vitest';
import { run, stream } from './run-program.ts';

const { signal } = new AbortController();

it('pipes the output of one program into another', async () => {
  const input = stream('sh', ['-c', 'echo one; echo two'], signal);
  expect((await run('wc', ['-l'], { input })).stdout.trim()).toBe('2');
});

it('fails when the writing program fails, even if the other succeeds', async () => {
  const input = stream('sh', ['-c', 'echo one; echo broken >&2; exit 3'], signal);
  await expect(run('cat', [], { input })).rejects.toThrow(/^run sh -c: failed\nbroken/);
});

it('does not wait for more input, nor for a writer whose reader has exited', async () => {
  const endless = stream('sh', ['-c', 'yes'], signal);
  expect((await run('head', ['-1'], { input: endless })).stdout).toBe('y\n');
  expect((await run('cat', [], { input: 'text' })).stdout).toBe('text');
});

it('stops both programs on abort', async () => {
  const controller = new AbortController();
  const input = stream('sh', ['-c', 'sleep 60'], controller.signal);
  const ran = run('cat', [], { input, signal: controller.signal });
  setTimeout(() => controller.abort(), 200);
  await expect(ran).rejects.toThrow();
});

it('passes on each line of stderr when it is complete', async () => {
  const lines: string[] = [];
  const script = "printf ' • Pre' >&2; sleep 0.1; printf 'paring\\r\\n\\n ✓ Ready\\rend' >&2";
  await run('sh', ['-c', script], { onLine: (line) => lines.push(line) });
  expect(lines).toEqual(['• Preparing', '✓ Ready', 'end']);
});
