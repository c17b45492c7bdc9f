/** The test hub in a separate process, so that it takes no time from the measured ones. */
import { createInterface } from 'node:readline';
import { type HubOptions, startHub } from '../tests/parts/hub.ts';
import { startServer } from './server-process.ts';

export interface BenchHub {
  url: string;
  pid: number | undefined;
  stop(): void;
}

/** Starts the hub; resolves when it responds, which is after it has hashed its files. */
export async function startBenchHub(options: HubOptions): Promise<BenchHub> {
  const { address, pid, stop } = await startServer(import.meta.filename, [], JSON.stringify(options));
  return { url: address, pid, stop };
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
