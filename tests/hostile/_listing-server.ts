import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { stringify } from 'yaml';
import { tryModelcars } from '../parts/cli.ts';

export interface Peer {
  url: string;
  requests: IncomingMessage[];
  /** Bytes of bodies sent by `flood`. */
  sent: number;
}

export type Answer = (request: IncomingMessage, response: ServerResponse, peer: Peer) => unknown;

/** Sends a gigabyte of blanks between two texts. */
export function flood(response: ServerResponse, peer: Peer, [start, end]: [string, string]): void {
  const blanks = Buffer.alloc(1 << 20, ' ');
  response.write(start);
  const go = (): void => {
    while (peer.sent < 1 << 30) {
      peer.sent += blanks.length;
      if (!response.write(blanks)) return void response.once('drain', go);
    }
    response.end(end);
  };
  go();
}

let folder: string;
const servers: Server[] = [];

/** Makes a folder with a catalog for each kind of source, and closes servers after each test. */
export function useListingServers(): void {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'listings-'));
    for (const [name, source] of Object.entries({ hub: 'hf://org/m', s3: 's3://models/m' })) {
      await mkdir(join(folder, name));
      const models = [{ name: 'm', framework: 'vllm', source, base: 'embedded' }];
      await writeFile(join(folder, name, 'models.yaml'), stringify({ models }));
    }
  });

  afterEach(() => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      server.close();
    }
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));
}

/** The folder made by `useListingServers`, with a catalog in hub/ and in s3/. */
export function catalogs(): string {
  return folder;
}

/** Starts a server on loopback; `answer` handles every request. */
export async function serve(answer: Answer): Promise<Peer> {
  const server = createServer((request, response) => {
    request.resume();
    response.on('error', () => {});
    peer.requests.push(request);
    answer(request, response, peer);
  });
  servers.push(server);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const peer: Peer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: [],
    sent: 0,
  };
  return peer;
}

/** Asserts that `lock` fails soon, in little memory, with a plain message and without a lock. Returns stderr. */
export async function refuse(kind: 'hub' | 's3', peer: Peer): Promise<string> {
  const env = {
    // A sixth of the largest response.
    NODE_OPTIONS: '--max-old-space-size=160',
    HF_ENDPOINT: peer.url,
    HF_TOKEN: 'hf_abcdefghijklmnopqrstuvwxyz',
    S3_ENDPOINT_URL: peer.url,
    AWS_ACCESS_KEY_ID: 'AKIAXXXXXXXXXXXXXXXX',
    AWS_SECRET_ACCESS_KEY: 'secret-of-nobody-at-all',
    AWS_CONFIG_FILE: '/nonexistent',
    AWS_SHARED_CREDENTIALS_FILE: '/nonexistent',
    AWS_EC2_METADATA_DISABLED: 'true',
  };
  const { code, stderr } = await tryModelcars(['lock'], { cwd: join(folder, kind), env, timeout: 100_000 });
  expect(code, stderr).toBe(1);
  expect(stderr).toMatch(/^error: m: /m);
  expect(stderr).not.toMatch(
    /\bbug\b|RangeError|TypeError|call stack|heap|refuses connections|does not answer|connection to .* broke/,
  );
  expect(await readdir(join(folder, kind))).not.toContain('models.lock.yaml');
  return stderr;
}
