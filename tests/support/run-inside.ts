import { runProgram } from '../../scripts/commands/program.ts';
import { checkDocument } from './json-document.ts';
import { neutral, type Run } from './run-program.ts';

/**
 * For tests of what commands do and print: runs a command line in this process, in a tenth of the time that a process of
 * its own takes to start. Folder, environment and output are those of the process, so runs must not overlap.
 */
export async function modelcarsInside(
  words: string[],
  { cwd, env = {} }: { cwd: string; env?: NodeJS.ProcessEnv },
): Promise<Run & { code: number }> {
  const before = { cwd: process.cwd(), env: process.env };
  const streams = [capture(process.stdout), capture(process.stderr)] as const;
  process.chdir(cwd);
  process.env = { ...before.env, ...neutral, ...env };
  let code: number;
  try {
    code = await runProgram(words);
  } finally {
    process.chdir(before.cwd);
    process.env = before.env;
    for (const { release } of streams) release();
  }
  const [stdout, stderr] = streams.map(({ text }) => text()) as [string, string];
  checkDocument(words, stdout);
  return { code, stdout, stderr };
}

/** Collects what is written to a stream, until it is released without the listeners that were added since. */
function capture(stream: NodeJS.WriteStream): { text(): string; release(): void } {
  const { write } = stream;
  const listeners = stream.listeners('error');
  let text = '';
  stream.write = (chunk: Uint8Array | string, ...more: unknown[]) => {
    text += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
    const done = more.find((one) => typeof one === 'function');
    if (done) process.nextTick(done);
    return true;
  };
  return {
    text: () => text,
    release() {
      stream.write = write;
      for (const added of stream.listeners('error').filter((one) => !listeners.includes(one)))
        stream.off('error', added as (error: Error) => void);
    },
  };
}
