/** Real MLServer, in a Python environment of its own, started as KServe's runtime kserve-mlserver starts it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { missing, pythonWith } from './python.ts';

/** The pin list: what MLServer 1.7.1's image holds. */
const requirements = fileURLToPath(new URL('mlserver.requirements.txt', import.meta.url));

/** KServe pkg/constants/constants.go, `MLServerModelClass…`: the model format → MLSERVER_MODEL_IMPLEMENTATION. */
const implementations = {
  sklearn: 'mlserver_sklearn.SKLearnModel',
  xgboost: 'mlserver_xgboost.XGBoostModel',
  lightgbm: 'mlserver_lightgbm.LightGBMModel',
};

export type MlserverFramework = keyof typeof implementations;

/** The sentence that says what to install, when MLServer cannot be had here; throws it where parts are required. */
export function missingMlserver(): Promise<string | undefined> {
  return missing(mlserver);
}

/** The Python that has MLServer and its runtimes; installed first when need be. Throws PartMissing without a Python. */
export async function mlserver(): Promise<{ python: string }> {
  return {
    python: await pythonWith({ name: 'mlserver', requirements, interpreters: ['python3.11', 'python3.12'] }),
  };
}

export interface Served extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`, without a slash at the end. */
  url: string;
  /** All MLServer wrote so far. */
  logs(): string;
  stop(): Promise<void>;
}

/**
 * Serves the model in `modelDir` (KServe's /mnt/models; may be a link) under `name` and waits until it is ready.
 * Fails with MLServer's log when it is not. Environment: KServe config/runtimes/kserve-mlserver.yaml and
 * inference_service_defaults.go `SetMlServerDefaults`; command: the last line of MLServer's Dockerfile.
 */
export async function serve(modelDir: string, framework: MlserverFramework, name: string): Promise<Served> {
  const { python } = await mlserver();
  const folder = await mkdtemp(join(tmpdir(), 'modelcars-mlserver-'));
  const [http, grpc, metrics] = await freePorts(3);
  const env = {
    PATH: process.env.PATH,
    HOME: folder,
    MLSERVER_MODELS_DIR: modelDir,
    MLSERVER_MODEL_IMPLEMENTATION: implementations[framework],
    MLSERVER_MODEL_NAME: name,
    MLSERVER_MODEL_URI: modelDir,
    MLSERVER_HOST: '127.0.0.1',
    MLSERVER_HTTP_PORT: `${http}`,
    MLSERVER_GRPC_PORT: `${grpc}`,
    MLSERVER_METRICS_PORT: `${metrics}`,
    // The CPU KServe's runtime may use.
    OMP_NUM_THREADS: '1',
  };
  const logFile = join(folder, 'log');
  const log = openSync(logFile, 'a');
  // Not bin/mlserver: its first line names the folder the environment was made in. A group, because it has workers.
  const command = ['-c', 'from mlserver.cli import main; main()', 'start', modelDir];
  const child = spawn(python, command, { cwd: folder, env, detached: true, stdio: ['ignore', log, log] });
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
  if (await ready(`${url}/v2/models/${name}/ready`, child)) {
    return { url, logs, stop, [Symbol.asyncDispose]: stop };
  }
  const written = logs();
  await stop();
  throw new Error(`serve ${name}: MLServer does not get ready\n${written}`);
}

/** What KServe's readiness comes down to. False when MLServer ends or two minutes pass. */
async function ready(url: string, child: ChildProcess): Promise<boolean> {
  for (let tries = 0; tries < 480 && child.exitCode === null && child.signalCode === null; tries++) {
    const response = await fetch(url).catch(() => undefined);
    await response?.arrayBuffer();
    if (response?.ok) return true;
    await sleep(250);
  }
  return false;
}

function killGroup({ pid }: ChildProcess): boolean {
  try {
    return pid !== undefined && process.kill(-pid, 'SIGKILL');
  } catch {
    return false;
  }
}

/** Different ports nobody listens on; another program may still be faster. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map(async (server) => await once(server, 'listening')));
  const ports = servers.map((server) => {
    const address = server.address();
    return address !== null && typeof address === 'object' ? address.port : 0;
  });
  await Promise.all(servers.map(async (server) => await once(server.close(), 'close')));
  return ports;
}
