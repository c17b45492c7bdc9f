import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ModelcarsError } from '../../errors.ts';
import type { LockedFile } from '../../model/types.ts';
import { get } from '../get.ts';
import { openSource } from '../index.ts';
import { httpsSource } from './source.ts';

const content = Buffer.from(Array.from({ length: 300_000 }, (_, at) => (at * 7 + (at >> 8)) % 251));
const source = httpsSource({ env: {}, retry: { tries: 3, delay: 1 } });
const all = () => true;

let origin: string;
let requests: IncomingMessage[];
let answer: (request: IncomingMessage, response: ServerResponse, number: number) => void;
let close: () => Promise<void>;

beforeEach(async () => {
  requests = [];
  const server = createServer((request, response) => {
    requests.push(request);
    answer(request, response, requests.length);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
});
afterEach(async () => await close());

/** Sends a file as a good server does: ranges, If-Range, an ETag. `cut`: the connection breaks after so many bytes. */
function send(
  request: IncomingMessage,
  response: ServerResponse,
  options: { body?: Buffer; etag?: string; ranges?: boolean; cut?: number | undefined } = {},
): void {
  const { body = content, etag = '"one"', ranges = true, cut } = options;
  const match = /^bytes=(\d+)-$/.exec(request.headers.range ?? '');
  const same = request.headers['if-range'] === undefined || request.headers['if-range'] === etag;
  const start = ranges && match && same ? Number(match[1]) : 0;
  const tag = etag === '' ? {} : { etag };
  const rest = body.subarray(start);
  if (start > 0) {
    const range = `bytes ${start}-${body.length - 1}/${body.length}`;
    response.writeHead(206, { ...tag, 'content-range': range, 'content-length': rest.length });
  } else response.writeHead(200, { ...tag, 'content-length': rest.length });
  if (cut === undefined) response.end(rest);
  else response.write(rest.subarray(0, cut), () => setTimeout(() => response.destroy(), 20));
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function failure(promise: Promise<unknown>): Promise<ModelcarsError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ModelcarsError);
  return error as ModelcarsError;
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

const locked: LockedFile = { path: 'model.onnx', size: content.length, sha256: sha256(content) };
const read = (offset = 0, file = locked, signal?: AbortSignal) =>
  collect(source.open(`${origin}/model.onnx`, `sha256:${file.sha256}`, file, offset, signal));

describe('resolve', () => {
  it("names the file as the URL's last part and hashes what comes", async () => {
    answer = (request, response) => send(request, response);
    expect(await source.resolve(`${origin}/a/my%20model.onnx?download=true`, all)).toEqual({
      revision: `sha256:${sha256(content)}`,
      files: [{ path: 'my model.onnx', size: content.length, sha256: sha256(content) }],
    });
    expect(requests.map(({ url }) => url)).toEqual(['/a/my%20model.onnx?download=true']);
    expect(requests[0]?.headers).not.toHaveProperty('authorization');
  });

  it('is what openSource gives for https', async () => {
    answer = (request, response) => send(request, response);
    const { files } = await openSource(`${origin}/x`, '/').resolve(`${origin}/x`, all);
    expect(files).toEqual([{ path: 'x', size: content.length, sha256: sha256(content) }]);
  });

  it('asks for nothing that is not chosen', async () => {
    const { files } = await source.resolve(`${origin}/model.onnx`, (path) => path !== 'model.onnx');
    expect(files).toEqual([]);
    expect(requests).toEqual([]);
  });

  it('goes on where a connection broke, if the server still has the same', async () => {
    answer = (request, response, number) =>
      send(request, response, { cut: number < 3 ? 100_000 : undefined });
    const { revision } = await source.resolve(`${origin}/model.onnx`, all);
    expect(revision).toBe(`sha256:${sha256(content)}`);
    expect(requests.map(({ headers }) => [headers.range, headers['if-range']])).toEqual([
      [undefined, undefined],
      ['bytes=100000-', '"one"'],
      ['bytes=200000-', '"one"'],
    ]);
  });

  it.each([
    ['one version of it', '"one"'],
    ['the second version alone, where it changed in between', '"two"'],
    ['a second reading alone, where no ETag says whether it changed', ''],
  ])('shows a tap %s', async (_, after) => {
    const other = after === '"one"' ? content : Buffer.from(content).reverse();
    answer = (request, response, number) =>
      number === 1
        ? send(request, response, { etag: after === '' ? '' : '"one"', cut: 100_000 })
        : send(request, response, { etag: after, body: other });
    const ended: [string, number, string, Buffer][] = [];
    await source.resolve(`${origin}/model.onnx`, all, undefined, ({ path, size }) => {
      const chunks: Buffer[] = [];
      return {
        update: (chunk) => void chunks.push(Buffer.from(chunk)),
        end: async (digest) => void ended.push([path, size, digest, Buffer.concat(chunks)]),
      };
    });
    expect(ended).toEqual([['model.onnx', other.length, sha256(other), other]]);
  });

  it.each([
    ['a server that says so', '"one"', '"two"'],
    ['a server that tells no versions apart', '', ''],
    ['weak ETags', 'W/"one"', 'W/"one"'],
  ])('never mixes two versions: %s', async (_, before, after) => {
    const other = Buffer.from(content).reverse();
    answer = (request, response, number) =>
      number === 1
        ? send(request, response, { etag: before, cut: 100_000 })
        : send(request, response, { etag: after, body: other });
    const { files } = await source.resolve(`${origin}/model.onnx`, all);
    expect(files).toEqual([{ path: 'model.onnx', size: other.length, sha256: sha256(other) }]);
  });

  it.each([
    [
      'a web page',
      { 'content-type': 'text/html; charset=utf-8' },
      '<!doctype html>',
      'a web page, not a file',
    ],
    [
      'a Git LFS pointer',
      {},
      `version https://git-lfs.github.com/spec/v1\noid sha256:${'a'.repeat(64)}\nsize 14246826\n`,
      'Git LFS pointer',
    ],
    ['a compressed file', { 'content-encoding': 'gzip' }, 'x', 'compressed (gzip)'],
  ])('takes %s for no model', async (_, headers, body, words) => {
    answer = (_request, response) => response.writeHead(200, headers).end(body);
    const error = await failure(source.resolve(`${origin}/model.onnx`, all));
    expect(error).toMatchObject({ code: 'source', message: expect.stringContaining(words) });
    expect(error.next).toBeDefined();
  });

  it('takes a page that is meant to be one', async () => {
    answer = (_request, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('x');
    expect((await source.resolve(`${origin}/card.html`, all)).files).toHaveLength(1);
  });
});

describe('redirects', () => {
  const hop = (response: ServerResponse, location: string, status = 302) =>
    response.writeHead(status, { location }).end();

  it('follows five, relative ones too, and keeps the first name', async () => {
    answer = (request, response, number) =>
      number <= 5
        ? hop(response, `../${number}/blob`, [301, 302, 303, 307, 308][number - 1])
        : send(request, response);
    const { files } = await source.resolve(`${origin}/models/model.onnx`, all);
    expect(files).toEqual([locked]);
    expect(requests).toHaveLength(6);
  });

  it('follows no sixth', async () => {
    answer = (_request, response) => hop(response, '/again');
    const error = await failure(source.resolve(`${origin}/model.onnx`, all));
    expect(error).toMatchObject({
      code: 'source',
      message: expect.stringContaining('more than 5 redirects'),
    });
    expect(requests).toHaveLength(6);
  });

  it.each([
    ['to another scheme', 'ftp://host/x', 'ftp:'],
    ['with credentials', 'http://me:hunter22@127.0.0.1/x', 'user and password'],
    ['to nowhere', 'http://[', 'nowhere'],
  ])('follows none %s', async (_, location, words) => {
    answer = (_request, response) => hop(response, location);
    const error = await failure(source.resolve(`${origin}/model.onnx`, all));
    expect(error).toMatchObject({ code: 'source', message: expect.stringContaining(words) });
    expect(error.message).not.toContain('hunter22');
  });

  it('never leaves TLS, not even for this machine', async () => {
    const transport = {
      send: async () => {
        const headers = { location: `${origin}/model.onnx` };
        const body = { dump: async () => undefined };
        return { statusCode: 302, headers, body } as never;
      },
    };
    const url = new URL('https://example.com/model.onnx');
    const error = await failure(get(transport, { what: 'read it', url, offset: 0 }));
    expect(error.message).toMatch(/^read it: example\.com redirects to http:.*, not https$/);
    expect(requests).toEqual([]);
  });
});

describe('open', () => {
  it('reads from any byte', async () => {
    answer = (request, response) => send(request, response);
    expect((await read()).equals(content)).toBe(true);
    expect((await read(123_456)).equals(content.subarray(123_456))).toBe(true);
  });

  it('reads over what a server without ranges sends again', async () => {
    answer = (request, response, number) =>
      send(request, response, { ranges: false, etag: '', cut: number < 3 ? number * 100_000 : undefined });
    expect((await read(50_000)).equals(content.subarray(50_000))).toBe(true);
    expect(requests).toHaveLength(3);
  });

  it('ends when the connection broke after the last byte', async () => {
    answer = (_request, response, number) => {
      if (number > 1) response.writeHead(416, { 'content-range': `bytes */${content.length}` }).end();
      else {
        response.writeHead(200, { 'transfer-encoding': 'chunked' });
        response.write(content, () => setTimeout(() => response.destroy(), 20));
      }
    };
    expect((await read()).equals(content)).toBe(true);
  });

  it.each([
    [
      'another size',
      (response: ServerResponse) => response.writeHead(200, { 'content-length': 3 }).end('new'),
      '3',
    ],
    [
      'more bytes',
      (response: ServerResponse) => response.writeHead(200).end(Buffer.concat([content, content])),
      'more',
    ],
  ])('refuses %s', async (_, misbehave, words) => {
    answer = (_request, response) => misbehave(response);
    const error = await failure(read());
    expect(error).toMatchObject({
      code: 'integrity',
      message: expect.stringContaining(`it has ${words}`),
      next: expect.stringContaining('modelcars lock'),
    });
  });

  it('says when the file was replaced meanwhile', async () => {
    answer = (request, response, number) =>
      number === 1
        ? send(request, response, { cut: 100_000 })
        : send(request, response, { etag: '"two"', body: Buffer.from(content).reverse() });
    const error = await failure(read());
    expect(error).toMatchObject({
      code: 'integrity',
      message: expect.stringContaining('changed on the server'),
    });
  });

  it('stops at once when told to', async () => {
    const stop = new AbortController();
    answer = (request, response) => {
      send(request, response, { cut: 100_000 });
      setTimeout(() => stop.abort(), 5);
    };
    expect(await failure(read(0, locked, stop.signal))).toMatchObject({ code: 'cancelled' });
  });
});

describe('patience', () => {
  it.each([429, 500, 502, 503, 504])('asks again after %i', async (status) => {
    answer = (request, response, number) =>
      number === 1 ? response.writeHead(status, { 'retry-after': '0' }).end() : send(request, response);
    expect((await read()).equals(content)).toBe(true);
  });

  it('waits as long as the server asks', async () => {
    answer = (request, response, number) =>
      number === 1 ? response.writeHead(503, { 'retry-after': '1' }).end() : send(request, response);
    const start = Date.now();
    await read();
    expect(Date.now() - start).toBeGreaterThanOrEqual(950);
  });

  it('gives up after as many tries as told without a new byte, and starts counting when one comes', async () => {
    answer = (request, response, number) => send(request, response, { cut: number === 1 ? 100_000 : 0 });
    expect(await failure(read())).toMatchObject({ code: 'network' });
    expect(requests).toHaveLength(4 - 1);
    requests.length = 0;
    answer = (request, response, number) =>
      send(request, response, { cut: number < 30 ? 10_000 : undefined });
    expect((await read()).equals(content)).toBe(true);
  });

  it('tells of every new try', async () => {
    const told: string[] = [];
    answer = (request, response, number) =>
      number === 1 ? response.writeHead(503).end() : send(request, response);
    const patient = httpsSource({ env: {}, retry: { delay: 1 }, onRetry: (line) => told.push(line) });
    await patient.resolve(`${origin}/model.onnx?version=private`, all);
    expect(told).toEqual([
      expect.stringMatching(/model\.onnx\?\*\*\*\*: .* returned 503 \(server error\); try 2 in 1 s$/),
    ]);
  });

  it('ends though a file without versions breaks again and again', async () => {
    answer = (request, response) => send(request, response, { etag: '', cut: 100_000 });
    expect(await failure(source.resolve(`${origin}/model.onnx`, all))).toMatchObject({ code: 'network' });
    expect(requests).toHaveLength(3);
  });
});

describe('what an error says', () => {
  it.each([
    [404, 'source', 'no such file (404)'],
    [410, 'source', 'no such file (410)'],
    [401, 'auth', 'requires authentication (401)'],
    [403, 'auth', 'requires authentication (403)'],
    [418, 'source', 'answered 418'],
    [429, 'network', 'no more requests for now (429)'],
    [503, 'network', 'returned 503 (server error)'],
  ])('%i', async (status, code, words) => {
    answer = (_request, response) => response.writeHead(status, { 'retry-after': '0' }).end('secret detail');
    const error = await failure(source.resolve(`${origin}/model.onnx?version=private`, all));
    expect(error.message).toMatch(
      /^read http:\/\/127\.0\.0\.1:\d+\/model\.onnx\?\*\*\*\*: 127\.0\.0\.1:\d+ /,
    );
    expect(error).toMatchObject({ code, message: expect.stringContaining(words), next: expect.any(String) });
    expect(error.message).not.toContain('private');
    expect(requests).toHaveLength(code === 'network' ? 3 : 1);
  });

  it('nobody there: two tries', async () => {
    await close();
    const error = await failure(source.resolve(`${origin}/model.onnx`, all));
    expect(error).toMatchObject({ code: 'network', message: expect.stringContaining('refuses connections') });
    close = async () => {};
  });

  it('no TLS', async () => {
    answer = (_request, response) => response.end();
    const error = await failure(source.resolve(`${origin.replace('http:', 'https:')}/model.onnx`, all));
    expect(error).toMatchObject({ code: 'network', message: expect.stringContaining('does not speak TLS') });
  });

  it('a URI that the catalog would have refused', async () => {
    const error = await failure(source.resolve('https://me:hunter22@host/model.onnx', all));
    expect(error.message).toContain('without user and password');
    expect(error.message).not.toContain('hunter22');
  });
});
