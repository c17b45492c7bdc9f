/** The real MLServer on a folder of files, without a pod, for checks that `modelcars smoke --local` does not make. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mlserverCommand, mlserverEnvironment } from '../../scripts/kserve/local/server/mlserver.ts';
import { freePorts, waitReady } from '../../scripts/kserve/local/server/server-command.ts';
import { missing, pythonWith } from './python.ts';

export type MlserverFramework = 'sklearn' | 'xgboost' | 'lightgbm';

/** The message with what to install if MLServer is missing; throws it where parts are required. */
export function missingMlserver(): Promise<string | undefined> {
  return missing(mlserver);
}

/** A Python with MLServer and its runtimes; installed first if needed. Throws PartMissing without a Python. */
export async function mlserver(): Promise<{ python: string }> {
  return { python: await pythonWith(mlserverEnvironment) };
}

export interface Served extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`, without a trailing slash. */
  url: string;
  /** All output of MLServer so far. */
  logs(): string;
  stop(): Promise<void>;
}

/**
 * Serves the model in `modelDir` (KServe's /mnt/models; may be a link) under `name` and waits until it is ready. Fails
 * with MLServer's log if it does not become ready. `python`: the Python to use instead of the part's.
 */
export async function serve(
  modelDir: string,
  framework: MlserverFramework | 'catboost' | 'mlflow',
  name: string,
  python?: string,
): Promise<Served> {
  const own = python ?? (await mlserver()).python;
  const folder = await mkdtemp(join(tmpdir(), 'modelcars-mlserver-'));
  const [http = 0, grpc = 0, metrics = 0] = await freePorts(3);
  const { argv, env } = mlserverCommand(own, framework, {
    models: modelDir,
    name,
    ports: [http, grpc, metrics],
  });
  const logFile = join(folder, 'log');
  const log = openSync(logFile, 'a');
  const [program, ...words] = argv;
  // A process group, because it has workers.
  const child = spawn(program, words, {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder, ...env },
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  const kill = (): boolean => killGroup(child);
  process.once('exit', kill);
  const logs = (): string => readFileSync(logFile, 'utf8');
  const stop = async (): Promise<void> => {
    kill();
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    process.off('exit', kill);
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  };
  const url = `http://127.0.0.1:${http}`;
  const signal = new AbortController().signal;
  const ended = (): boolean => child.exitCode !== null || child.signalCode !== null;
  if ((await waitReady(ended, url, [`/v2/models/${name}/ready`], { seconds: 120, signal })) === 'ready') {
    return { url, logs, stop, [Symbol.asyncDispose]: stop };
  }
  const written = logs();
  await stop();
  throw new Error(`serve ${name}: MLServer does not get ready\n${written}`);
}

function killGroup({ pid }: ChildProcess): boolean {
  try {
    return pid !== undefined && process.kill(-pid, 'SIGKILL');
  } catch {
    return false;
  }
}
