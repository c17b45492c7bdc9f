/** The test hub in a separate process, so that it takes no time from the measured ones. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { type HubOptions, startHub } from '../tests/parts/hub.ts';

export interface BenchHub {
  url: string;
  stop(): void;
}

/** Starts the hub; resolves when it responds, which is after it has hashed its files. */
export async function startBenchHub(options: HubOptions): Promise<BenchHub> {
  const child = spawn(process.execPath, [import.meta.filename], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.write(`${JSON.stringify(options)}\n`);
  const stop = (): void => {
    child.kill('SIGKILL');
  };
  process.once('exit', stop);
  for await (const url of createInterface({ input: child.stdout })) {
    return {
      url,
      stop: () => {
        process.off('exit', stop);
        stop();
      },
    };
  }
  throw new Error('start hub: it ended');
}

/** Reads the options from the first line, prints the URL, and exits with its parent. */
async function serve(): Promise<void> {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const { value } = await lines.next();
  const hub = await startHub(JSON.parse(value ?? '{}') as HubOptions);
  console.log(hub.url);
  await lines.next();
  process.exit(0);
}

if (import.meta.main) await serve();
