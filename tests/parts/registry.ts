/** Real registries for tests: Debian's docker-registry 2.8 and distribution 3, each on a free port of 127.0.0.1. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { hash } from 'bcryptjs';
import { type Certificates, makeCertificates } from './certificates.ts';
import { part } from './parts.ts';
import { startTokenServer, type TokenServer, type TokenServerOptions } from './tokens.ts';

export interface RegistryOptions {
  kind: 'docker-registry' | 'distribution';
  /** `none` by default. */
  auth?: 'none' | 'basic' | 'token';
  tls?: boolean;
  /** The address to listen on; 127.0.0.1 by default. */
  address?: string;
  /** A folder to keep the storage in; a temporary one, removed by stop(), by default. */
  root?: string;
  /** For `auth: 'token'`. */
  tokens?: Pick<TokenServerOptions, 'lifetime' | 'grant'>;
}

/** One request, as in the registry's access log; `path` includes the query. */
export interface RegistryRequest {
  method: string;
  path: string;
  status: number;
}

export interface Registry extends AsyncDisposable {
  kind: RegistryOptions['kind'];
  /** `ADDRESS:PORT`, the prefix of a repository's name. A restart keeps the port. */
  host: string;
  /** With the scheme, without a trailing slash. */
  url: string;
  /** The authority that signed the server's certificate, PEM; with `tls` only. */
  caFile?: string;
  username?: string;
  password?: string;
  /** With `auth: 'token'` only. */
  tokens?: TokenServer;
  /** All output of the registry, across restarts. */
  log(): string;
  /** All requests answered so far; the log line is written before a short response. */
  requests(): RegistryRequest[];
  /** The folder with the blobs (`docker/registry/v2/…`). */
  storage: string;
  /** Kills the registry (without a chance to clean up) and restarts it on the same port and storage. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts one and waits until it responds. Throws PartMissing if the machine cannot have this kind. */
export async function startRegistry(options: RegistryOptions): Promise<Registry> {
  const program = await part(options.kind);
  const folder = await mkdtemp(join(tmpdir(), 'modelcars-registry-'));
  const storage = options.root ?? join(folder, 'storage');
  await mkdir(storage, { recursive: true });
  const tls = options.tls ? await makeCertificates(folder) : undefined;
  const account = { username: 'tester', password: randomBytes(18).toString('base64url') };
  const tokens =
    options.auth === 'token'
      ? await startTokenServer({ ...options.tokens, ...account, folder, ...(tls && { tls }) })
      : undefined;
  if (options.auth === 'basic') {
    await writeFile(join(folder, 'htpasswd'), `${account.username}:${await hash(account.password, 5)}\n`);
  }
  const logFile = join(folder, 'log');
  const log = (): string => readFileSync(logFile, 'utf8');
  const start = async (address: string): Promise<ChildProcess> => {
    await writeFile(join(folder, 'config.yml'), settings({ address, storage, folder, tls, tokens, options }));
    return run(program, join(folder, 'config.yml'), logFile);
  };

  let child = await start(`${options.address ?? '127.0.0.1'}:0`);
  const dispose = async (): Promise<void> => {
    await kill(child);
    await tokens?.stop();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const host = await listening(child, log);
    return {
      kind: options.kind,
      host,
      url: `${tls ? 'https' : 'http'}://${host}`,
      ...(tls && { caFile: tls.caFile }),
      ...(options.auth !== undefined && options.auth !== 'none' && account),
      ...(tokens && { tokens }),
      log,
      requests: accessLogReader(logFile),
      storage,
      restart: async () => {
        await kill(child);
        const before = log().length;
        child = await start(host);
        await listening(child, () => log().slice(before));
      },
      stop: dispose,
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

interface Settings {
  address: string;
  storage: string;
  folder: string;
  tls: Certificates | undefined;
  tokens: TokenServer | undefined;
  options: RegistryOptions;
}

/** The configuration file: JSON is YAML, and both versions read it. */
function settings({ address, storage, folder, tls, tokens, options }: Settings): string {
  const realm = 'modelcars test registry';
  return JSON.stringify({
    version: '0.1',
    log: { level: 'info' },
    storage: {
      filesystem: { rootdirectory: storage },
      cache: { blobdescriptor: 'inmemory' },
      delete: { enabled: true },
    },
    http: {
      addr: address,
      ...(tls && { tls: { certificate: tls.certificateFile, key: tls.keyFile } }),
    },
    ...(options.auth === 'basic' && { auth: { htpasswd: { realm, path: join(folder, 'htpasswd') } } }),
    ...(tokens && {
      auth: {
        token: {
          realm: tokens.realm,
          service: tokens.service,
          issuer: tokens.issuer,
          rootcertbundle: tokens.certificateFile,
        },
      },
    }),
  });
}

function run(program: string, config: string, logFile: string): ChildProcess {
  const log = openSync(logFile, 'a');
  // By default, version 3 sends traces to port 4318.
  const env = { PATH: process.env.PATH, OTEL_TRACES_EXPORTER: 'none' };
  const child = spawn(program, ['serve', config], { stdio: ['ignore', log, log], env });
  closeSync(log);
  const stop = (): boolean => child.kill('SIGKILL');
  process.once('exit', stop);
  child.once('exit', () => process.off('exit', stop));
  return child;
}

/** Waits for the log line with the port, which is open by then. */
async function listening(child: ChildProcess, log: () => string): Promise<string> {
  for (let tries = 0; tries < 600; tries++) {
    const address = /listening on ([\d.]+:\d+)/.exec(log())?.[1];
    if (address) return address;
    if (child.exitCode !== null) break;
    await sleep(50);
  }
  throw new Error(`start registry: it does not listen\n${log()}`);
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
}

/** Reads Apache's combined log format, one line per request; each call parses only the lines added since the last. */
function accessLogReader(file: string): () => RegistryRequest[] {
  const requests: RegistryRequest[] = [];
  let position = 0;
  return () => {
    const bytes = readFrom(file, position);
    const whole = bytes.subarray(0, bytes.lastIndexOf(10) + 1);
    position += whole.length;
    const lines = whole.toString().matchAll(/^\S+ - \S+ \[[^\]]+\] "([A-Z]+) (\S+) HTTP\/[\d.]+" (\d{3}) /gm);
    for (const [, method = '', path = '', status] of lines) {
      requests.push({ method, path, status: Number(status) });
    }
    return [...requests];
  };
}

function readFrom(file: string, position: number): Buffer {
  const descriptor = openSync(file, 'r');
  try {
    const bytes = Buffer.alloc(fstatSync(descriptor).size - position);
    return bytes.subarray(0, readSync(descriptor, bytes, 0, bytes.length, position));
  } finally {
    closeSync(descriptor);
  }
}
