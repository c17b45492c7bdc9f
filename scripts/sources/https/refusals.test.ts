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
import { failure } from '../../../tests/support/outcome.ts';
import { get } from './get.ts';
import { httpsSource } from './source.ts';

useServer();

describe('redirects', () => {
  const hop = (response: ServerResponse, location: string, status = 302) =>
    response.writeHead(status, { location }).end();

  it('follows five, relative ones too, and keeps the original name', async () => {
    server.answer = (request, response, number) =>
      number <= 5
        ? hop(response, `../${number}/blob`, [301, 302, 303, 307, 308][number - 1])
        : send(request, response);
    const { files } = await source.resolve(`${server.origin}/models/model.onnx`, all);
    expect(files).toEqual([locked]);
    expect(server.requests).toHaveLength(6);
  });

  it('fails at the sixth', async () => {
    server.answer = (_request, response) => hop(response, '/again');
    const error = await failure(source.resolve(`${server.origin}/model.onnx`, all));
    expect(error).toMatchObject({
      code: 'source',
      message: expect.stringContaining('redirects more than 5 times'),
    });
    expect(server.requests).toHaveLength(6);
  });

  it.each([
    ['to another scheme', 'ftp://host/x', 'ftp:'],
    ['with credentials', 'http://me:hunter22@127.0.0.1/x', 'user and password'],
    ['to nowhere', 'http://[', 'something that is no URL'],
  ])('follows none %s', async (_, location, words) => {
    server.answer = (_request, response) => hop(response, location);
    const error = await failure(source.resolve(`${server.origin}/model.onnx`, all));
    expect(error).toMatchObject({ code: 'source', message: expect.stringContaining(words) });
    expect(error.message).not.toContain('hunter22');
  });

  it('never follows from https to http, not even to loopback', async () => {
    const transport = {
      send: async () => {
        const headers = { location: `${server.origin}/model.onnx` };
        const body = { dump: async () => undefined };
        return { statusCode: 302, headers, body } as never;
      },
    };
    const url = new URL('https://example.com/model.onnx');
    const error = await failure(get(transport, { what: 'read it', url, offset: 0 }));
    expect(error.message).toMatch(/^read it: example\.com redirects to http:.*, which is not https$/);
    expect(server.requests).toEqual([]);
  });
});

describe('retries', () => {
  it.each([429, 500, 502, 503, 504])('happen after %i', async (status) => {
    server.answer = (request, response, number) =>
      number === 1 ? response.writeHead(status, { 'retry-after': '0' }).end() : send(request, response);
    expect((await read()).equals(content)).toBe(true);
  });

  it('wait as long as the server asks', async () => {
    server.answer = (request, response, number) =>
      number === 1 ? response.writeHead(503, { 'retry-after': '1' }).end() : send(request, response);
    const start = Date.now();
    await read();
    expect(Date.now() - start).toBeGreaterThanOrEqual(950);
  });

  it('end after the allowed tries without a new byte, and are counted anew after one', async () => {
    server.answer = (request, response, number) =>
      send(request, response, { cut: number === 1 ? 100_000 : 0 });
    expect(await failure(read())).toMatchObject({ code: 'network' });
    expect(server.requests).toHaveLength(4 - 1);
    server.requests.length = 0;
    server.answer = (request, response, number) =>
      send(request, response, { cut: number < 30 ? 10_000 : undefined });
    expect((await read()).equals(content)).toBe(true);
  });

  it('are reported, with the query masked', async () => {
    const told: string[] = [];
    server.answer = (request, response, number) =>
      number === 1 ? response.writeHead(503).end() : send(request, response);
    const patient = httpsSource({ env: {}, retry: { delay: 1 }, onRetry: (line) => told.push(line) });
    await patient.resolve(`${server.origin}/model.onnx?version=private`, all);
    expect(told).toEqual([
      expect.stringMatching(/model\.onnx\?\*\*\*\*: .* returned 503 \(server error\); try 2 in 1 s$/),
    ]);
  });

  it('end when a file without an ETag breaks repeatedly', async () => {
    server.answer = (request, response) => send(request, response, { etag: '', cut: 100_000 });
    expect(await failure(source.resolve(`${server.origin}/model.onnx`, all))).toMatchObject({
      code: 'network',
    });
    expect(server.requests).toHaveLength(3);
  });
});

describe('an error', () => {
  it.each([
    [404, 'source', 'no such file (404)'],
    [410, 'source', 'no such file (410)'],
    [401, 'auth', 'requires authentication (401)'],
    [403, 'auth', 'requires authentication (403)'],
    [418, 'source', 'answered 418'],
    [429, 'network', 'no more requests for now (429)'],
    [503, 'network', 'returned 503 (server error)'],
  ])('%i', async (status, code, words) => {
    server.answer = (_request, response) =>
      response.writeHead(status, { 'retry-after': '0' }).end('secret detail');
    const error = await failure(source.resolve(`${server.origin}/model.onnx?version=private`, all));
    expect(error.message).toMatch(
      /^read http:\/\/127\.0\.0\.1:\d+\/model\.onnx\?\*\*\*\*: 127\.0\.0\.1:\d+ /,
    );
    expect(error).toMatchObject({ code, message: expect.stringContaining(words), next: expect.any(String) });
    expect(error.message).not.toContain('private');
    expect(server.requests).toHaveLength(code === 'network' ? 3 : 1);
  });

  it('reports a refused connection', async () => {
    await server.close();
    const error = await failure(source.resolve(`${server.origin}/model.onnx`, all));
    expect(error).toMatchObject({ code: 'network', message: expect.stringContaining('refuses connections') });
    server.close = async () => {};
  });

  it('reports a server without TLS', async () => {
    server.answer = (_request, response) => response.end();
    const error = await failure(
      source.resolve(`${server.origin.replace('http:', 'https:')}/model.onnx`, all),
    );
    expect(error).toMatchObject({ code: 'network', message: expect.stringContaining('does not speak TLS') });
  });

  it('reports a URI that the catalog rejects', async () => {
    const error = await failure(source.resolve('https://me:hunter22@host/model.onnx', all));
    expect(error.message).toContain('without user and password');
    expect(error.message).not.toContain('hunter22');
  });
});
