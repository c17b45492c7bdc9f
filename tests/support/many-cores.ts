/**
 * Loaded into a program before its own code (`--import`): it sees a machine of 16 cores, and prints the name of each thread
 * that it starts.
 */
import { syncBuiltinESMExports } from 'node:module';
import os from 'node:os';
import threads, { type WorkerOptions } from 'node:worker_threads';

const { Worker } = threads;
os.availableParallelism = () => 16;
threads.Worker = class extends Worker {
  constructor(code: string | URL, options?: WorkerOptions) {
    super(code, options);
    process.stderr.write(`thread: ${options?.name}\n`);
  }
};
syncBuiltinESMExports();
