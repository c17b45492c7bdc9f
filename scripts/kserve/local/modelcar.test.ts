import { spawn } from 'node:child_process';
import { expect, it } from 'vitest';
import { prefetch } from './modelcar.ts';
import type { Pod } from './pod.ts';

/** A pod that runs this script in place of every command of the image. */
function podOf(script: string): Pod {
  return {
    inImage: () => spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'pipe'] }),
    serve: () => {
      throw new Error('no server is asked for');
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}

const image = { env: [], entrypoint: [] };

it('joins a line that arrives in pieces, as nsenter writes it', async () => {
  const pieces = ['nsenter: ', 'failed to execute sh', ': No such file or directory\\n', 'and the last'];
  const script = pieces.map((piece) => `printf '${piece}' >&2`).join('; sleep 0.1; ');
  expect(await prefetch(podOf(`${script}; exit 127`), image)).toEqual({
    code: 127,
    lines: ['nsenter: failed to execute sh: No such file or directory', 'and the last'],
  });
});

it('keeps the last hundred lines that are not empty', async () => {
  const { lines } = await prefetch(podOf('seq 200; echo'), image);
  expect(lines).toEqual(Array.from({ length: 100 }, (_, index) => `${index + 101}`));
});
