/** A server of the benchmark in a process of its own, so that it takes no time from the measured ones' parent. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface ServerProcess {
  /** The first line that it prints: its host or URL. */
  address: string;
  pid: number | undefined;
  stop(): void;
}

/**
 * Runs a file of bench/ that prints its address and ends with its standard input; `input` is its first line. Ends with
 * this process. Fails when it ends before it prints a line.
 */
export async function startServer(file: string, args: string[] = [], input?: string): Promise<ServerProcess> {
  const child = spawn(process.execPath, [file, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  if (input !== undefined) child.stdin.write(`${input}\n`);
  const stop = (): void => {
    child.kill('SIGKILL');
  };
  process.once('exit', stop);
  for await (const address of createInterface({ input: child.stdout })) {
    return {
      address,
      pid: child.pid,
      stop: () => {
        process.off('exit', stop);
        stop();
      },
    };
  }
  throw new Error(`start ${file}: it ended`);
}
