import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { launchModelcars, tryModelcars } from '../parts/cli.ts';

/** Output of a run after its first failure, while other requests are in flight. */
let folder: string;
const servers: Server[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'aftermath-'));
});
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
  await rm(folder, { recursive: true, force: true });
});

async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer((request, response) => {
    request.resume();
    response.on('error', () => {});
    answer(request, response);
  });
  servers.push(server);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const commit = 'a'.repeat(40);
const info = JSON.stringify({ id: 'org/m', sha: commit, lastModified: '2024-01-01', gated: false });

/** Lines that warn, or report connections that the program closed itself. */
const noise = (stderr: string) =>
  stderr.split('\n').filter((line) => /warning:|destroyed|abort|closed|no answer|try \d/i.test(line));

test.each<[string, (request: IncomingMessage, response: ServerResponse) => void]>([
  ['in its headers', () => {}],
  [
    'in its list of files',
    (request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      if (request.url?.includes('/revision/')) response.end(info);
      else response.write('[');
    },
  ],
])('a failing base prints no warning about a hub that is still busy %s', async (_, answer) => {
  let asked = 0;
  const hub = await serve((request, response) => {
    asked++;
    answer(request, response);
  });
  const registry = await serve((_request, response) => {
    // Wait until the hub has received a request.
    const wait = setInterval(() => {
      if (asked === 0) return;
      clearInterval(wait);
      setTimeout(() => response.writeHead(404).end(), 300);
    }, 20);
  });
  const models = [
    {
      name: 'm',
      framework: 'vllm',
      source: 'hf://org/m',
      base: `${registry}/base:1`,
      platforms: ['linux/amd64'],
    },
  ];
  await writeFile(join(folder, 'models.yaml'), stringify({ models }));
  const env = { HF_ENDPOINT: `http://${hub}`, HF_TOKEN: '' };
  const before = Date.now();
  const { code, stderr } = await tryModelcars(['lock'], { cwd: folder, env, timeout: 40_000 });
  expect(code).toBe(1);
  expect(stderr).toMatch(/^error: m: .*base/m);
  expect(noise(stderr)).toEqual([]);
  // It used to wait a minute for retries whose client was gone.
  expect(Date.now() - before).toBeLessThan(30_000);
  const requests = asked;
  await new Promise((done) => setTimeout(done, 500));
  expect(asked).toBe(requests);
});

test('Ctrl-C prints no warning about the connections it closes', async () => {
  let asked = 0;
  const hub = await serve((_request, response) => {
    asked++;
    response.writeHead(200, { 'content-type': 'application/json' }).write('{');
  });
  const models = ['m', 'n'].map((name) => ({
    name,
    framework: 'vllm',
    source: `hf://org/${name}`,
    base: 'embedded',
  }));
  await writeFile(join(folder, 'models.yaml'), stringify({ models }));
  const child = launchModelcars(['lock'], {
    cwd: folder,
    env: { HF_ENDPOINT: `http://${hub}`, HF_TOKEN: '' },
  });
  let stderr = '';
  child.stderr?.on('data', (text) => {
    stderr += text;
  });
  const ended = new Promise<number | null>((done) => child.once('close', done));
  const wait = setInterval(() => {
    if (asked < 2) return;
    clearInterval(wait);
    child.kill('SIGINT');
  }, 20);
  expect(await ended).toBe(130);
  expect(noise(stderr)).toEqual([expect.stringContaining('stopping…')]);
});

test('an image is abandoned at once when one part fails', async () => {
  const digest = (letter: string) => `sha256:${letter.repeat(64)}`;
  let asked = 0;
  const mediaType = 'application/vnd.oci.image.index.v1+json';
  const manifests = ['a', 'b', 'c'].map((letter) => ({
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    digest: digest(letter),
    size: 100,
    platform: { os: 'linux', architecture: `a${letter}` },
  }));
  const index = JSON.stringify({ schemaVersion: 2, mediaType, manifests });
  const root = `sha256:${createHash('sha256').update(index).digest('hex')}`;
  const registry = await serve((request, response) => {
    if (request.url === '/v2/') return response.end('{}');
    if (request.url?.endsWith('/v1') || request.url?.endsWith(root)) {
      const headers = { 'content-type': mediaType, 'content-length': index.length };
      response.writeHead(200, { ...headers, 'docker-content-digest': root });
      return response.end(request.method === 'HEAD' ? undefined : index);
    }
    asked++;
    if (request.url?.endsWith(digest('a'))) setTimeout(() => response.writeHead(404).end(), 500);
  });
  const before = Date.now();
  const { code, stderr } = await tryModelcars(['inspect', `${registry}/me/x:v1`], {
    cwd: folder,
    timeout: 40_000,
  });
  expect(code, stderr).toBe(1);
  expect(stderr.match(/^error: /gm)).toHaveLength(1);
  expect(noise(stderr)).toEqual([]);
  expect(Date.now() - before).toBeLessThan(30_000);
  expect(asked).toBeLessThanOrEqual(4);
});
