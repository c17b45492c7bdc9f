import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import {
  all,
  content,
  locked,
  read,
  send,
  server,
  source,
  useServer,
} from '../../../tests/support/https-source.ts';
import { failure, sha256 } from '../../../tests/support/outcome.ts';
import { openSource } from '../index.ts';

useServer();

describe('resolve', () => {
  it('names the file by the last part of the URL, and hashes its content', async () => {
    server.answer = (request, response) => send(request, response);
    expect(await source.resolve(`${server.origin}/a/my%20model.onnx?download=true`, all)).toEqual({
      revision: `sha256:${sha256(content)}`,
      files: [{ path: 'my model.onnx', size: content.length, sha256: sha256(content) }],
    });
    expect(server.requests.map(({ url }) => url)).toEqual(['/a/my%20model.onnx?download=true']);
    expect(server.requests[0]?.headers).not.toHaveProperty('authorization');
  });

  it('is available through openSource', async () => {
    server.answer = (request, response) => send(request, response);
    const { files } = await openSource(`${server.origin}/x`, { directory: '/' }).resolve(
      `${server.origin}/x`,
      all,
    );
    expect(files).toEqual([{ path: 'x', size: content.length, sha256: sha256(content) }]);
  });

  it('requests no file that is not selected', async () => {
    const { files } = await source.resolve(`${server.origin}/model.onnx`, (path) => path !== 'model.onnx');
    expect(files).toEqual([]);
    expect(server.requests).toEqual([]);
  });

  it('resumes where a connection broke, if the file is unchanged', async () => {
    server.answer = (request, response, number) =>
      send(request, response, { cut: number < 3 ? 100_000 : undefined });
    const { revision } = await source.resolve(`${server.origin}/model.onnx`, all);
    expect(revision).toBe(`sha256:${sha256(content)}`);
    expect(server.requests.map(({ headers }) => [headers.range, headers['if-range']])).toEqual([
      [undefined, undefined],
      ['bytes=100000-', '"one"'],
      ['bytes=200000-', '"one"'],
    ]);
  });

  it.each([
    ['the only version', '"one"'],
    ['only the second version, when the file changed in between', '"two"'],
    ['only the second reading, when there is no ETag', ''],
  ])('passes to a tap %s', async (_, after) => {
    const other = after === '"one"' ? content : Buffer.from(content).reverse();
    server.answer = (request, response, number) =>
      number === 1
        ? send(request, response, { etag: after === '' ? '' : '"one"', cut: 100_000 })
        : send(request, response, { etag: after, body: other });
    const ended: [string, number, string, Buffer][] = [];
    await source.resolve(`${server.origin}/model.onnx`, all, undefined, ({ path, size }) => {
      const chunks: Buffer[] = [];
      return {
        update: (chunk) => void chunks.push(Buffer.from(chunk)),
        end: async (digest) => void ended.push([path, size, digest, Buffer.concat(chunks)]),
      };
    });
    expect(ended).toEqual([['model.onnx', other.length, sha256(other), other]]);
  });

  it.each([
    ['a changed ETag', '"one"', '"two"'],
    ['no ETag', '', ''],
    ['weak ETags', 'W/"one"', 'W/"one"'],
  ])('never mixes two versions: %s', async (_, before, after) => {
    const other = Buffer.from(content).reverse();
    server.answer = (request, response, number) =>
      number === 1
        ? send(request, response, { etag: before, cut: 100_000 })
        : send(request, response, { etag: after, body: other });
    const { files } = await source.resolve(`${server.origin}/model.onnx`, all);
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
  ])('rejects %s', async (_, headers, body, words) => {
    server.answer = (_request, response) => response.writeHead(200, headers).end(body);
    const error = await failure(source.resolve(`${server.origin}/model.onnx`, all));
    expect(error).toMatchObject({ code: 'source', message: expect.stringContaining(words) });
    expect(error.next).toBeDefined();
  });

  it('accepts a page with the name of one', async () => {
    server.answer = (_request, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('x');
    expect((await source.resolve(`${server.origin}/card.html`, all)).files).toHaveLength(1);
  });
});

describe('open', () => {
  it('reads from any offset', async () => {
    server.answer = (request, response) => send(request, response);
    expect((await read()).equals(content)).toBe(true);
    expect((await read(123_456)).equals(content.subarray(123_456))).toBe(true);
  });

  it('skips bytes that a server without ranges repeats', async () => {
    server.answer = (request, response, number) =>
      send(request, response, { ranges: false, etag: '', cut: number < 3 ? number * 100_000 : undefined });
    expect((await read(50_000)).equals(content.subarray(50_000))).toBe(true);
    expect(server.requests).toHaveLength(3);
  });

  it('completes when the connection breaks after the last byte', async () => {
    server.answer = (_request, response, number) => {
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
      'at least',
    ],
  ])('refuses %s', async (_, misbehave, words) => {
    server.answer = (_request, response) => misbehave(response);
    const error = await failure(read());
    expect(error).toMatchObject({
      code: 'integrity',
      message: expect.stringContaining(`it has ${words}`),
      next: expect.stringContaining('modelcars lock'),
    });
  });

  it('reports that the file was replaced meanwhile', async () => {
    server.answer = (request, response, number) =>
      number === 1
        ? send(request, response, { cut: 100_000 })
        : send(request, response, { etag: '"two"', body: Buffer.from(content).reverse() });
    const error = await failure(read());
    expect(error).toMatchObject({
      code: 'integrity',
      message: expect.stringContaining('changed on the server'),
    });
  });

  it('stops at once on abort', async () => {
    const stop = new AbortController();
    server.answer = (request, response) => {
      send(request, response, { cut: 100_000 });
      setTimeout(() => stop.abort(), 5);
    };
    expect(await failure(read(0, locked, stop.signal))).toMatchObject({ code: 'cancelled' });
  });
});
