import { expect, it } from 'vitest';
import { run, stream } from './run-program.ts';

const { signal } = new AbortController();

it('gives to a program what another one writes', async () => {
  const input = stream('sh', ['-c', 'echo one; echo two'], signal);
  expect((await run('wc', ['-l'], { input })).stdout.trim()).toBe('2');
});

it('fails when the one that writes does, though the other one is content', async () => {
  const input = stream('sh', ['-c', 'echo one; echo broken >&2; exit 3'], signal);
  await expect(run('cat', [], { input })).rejects.toThrow(/^run sh -c: failed\nbroken/);
});

it('waits for no more input than there is, nor for its writer where nobody reads on', async () => {
  const endless = stream('sh', ['-c', 'yes'], signal);
  expect((await run('head', ['-1'], { input: endless })).stdout).toBe('y\n');
  expect((await run('cat', [], { input: 'text' })).stdout).toBe('text');
});

it('stops both when it is told to', async () => {
  const controller = new AbortController();
  const input = stream('sh', ['-c', 'sleep 60'], controller.signal);
  const ran = run('cat', [], { input, signal: controller.signal });
  setTimeout(() => controller.abort(), 200);
  await expect(ran).rejects.toThrow();
});

it('tells each line of stderr once it is whole', async () => {
  const lines: string[] = [];
  const script = "printf ' • Pre' >&2; sleep 0.1; printf 'paring\\r\\n\\n ✓ Ready\\rend' >&2";
  await run('sh', ['-c', script], { onLine: (line) => lines.push(line) });
  expect(lines).toEqual(['• Preparing', '✓ Ready', 'end']);
});
