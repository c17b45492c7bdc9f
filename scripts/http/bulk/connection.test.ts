import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, describe, expect, it, test, vi } from 'vitest';
import { giveRoom, ok, startRaw, until, want } from '../../../tests/support/http-server.ts';
import { BulkConnection } from './connection.ts';
import { ConnectionLost } from './response.ts';

const connections: BulkConnection[] = [];
const connectionTo = (url: URL, onEnd: (connection: BulkConnection) => void = () => {}): BulkConnection => {
  const connection = new BulkConnection(url, undefined, onEnd);
  connections.push(connection);
  return connection;
};
afterEach(() => {
  for (const connection of connections.splice(0)) connection.close();
});
/** The error of a request, of any kind. */
const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'no failure',
    (error: unknown) => error,
  );
/** Waits until bytes in flight have arrived. */
const settle = (): Promise<void> => sleep(30);

describe('a bulk connection', () => {
  it('requests path and query with the given headers', async () => {
    await using server = await startRaw(() => ok('hello'));
    const url = new URL(`${server.url('/a%20b/ü?x=1&y= 2')}#part`);
    const request = want(url, { headers: { range: 'bytes=0-4' } });
    const answer = await connectionTo(url).get(request);
    expect(answer).toMatchObject({ status: 200, read: true, length: 5, headers: { 'content-length': '5' } });
    expect(request.text()).toBe('hello');
    expect(server.requests[0]?.head.split('\r\n')).toEqual([
      'GET /a%20b/%C3%BC?x=1&y=%202 HTTP/1.1',
      `host: ${url.host}`,
      'connection: keep-alive',
      'range: bytes=0-4',
    ]);
  });

  test.each(['a\r\nX-Evil: 1', 'a\nb', 'a\0', 'a\x7f', 'ā'])('refuses the header value %j', async (value) => {
    await using server = await startRaw(() => ok());
    const sent = connectionTo(server.url()).get(want(server.url(), { headers: { authorization: value } }));
    expect(await failure(sent)).toMatchObject({
      code: 'usage',
      message: expect.not.stringContaining(value),
    });
    await settle();
    expect(server.requests).toEqual([]);
  });

  it('reads any body in any fragments, many on one connection', async () => {
    const plan = fc.record({
      body: fc.uint8Array({ maxLength: 3000 }),
      before: fc.array(fc.constantFrom(100, 102, 103), { maxLength: 2 }),
      cuts: fc.array(fc.integer({ min: 1, max: 900 }), { maxLength: 5 }),
      pause: fc.boolean(),
      wait: fc.boolean(),
      rooms: fc.array(fc.integer({ min: 1, max: 700 }), { maxLength: 4 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(plan, { minLength: 1, maxLength: 6 }), async (plans) => {
        await using server = await startRaw(async (socket, { turn }) => {
          const { body = new Uint8Array(), before = [], cuts = [], pause } = plans[turn - 1] ?? {};
          const interim = before.map((status) => `HTTP/1.1 ${status} Wait\r\nLink: </a>\r\n\r\n`).join('');
          let rest = Buffer.concat([Buffer.from(interim), ok(body)]);
          for (const cut of cuts) {
            socket.write(rest.subarray(0, cut));
            rest = rest.subarray(cut);
            await (pause ? sleep(1) : undefined);
          }
          socket.write(rest);
        });
        const connection = connectionTo(server.url());
        for (const { body, wait, rooms } of plans) {
          const { take, whole, filled } = giveRoom(body.length, rooms, wait ? () => sleep(0) : undefined);
          expect(await connection.get(want(server.url(), { take }))).toMatchObject({ read: true });
          expect(filled()).toBe(body.length);
          expect(whole.equals(body)).toBe(true);
          connection.rest();
        }
        expect(server.connections).toBe(1);
        connection.close();
      }),
      { numRuns: 100 },
    );
  });

  it('reads a head that arrives byte by byte', async () => {
    await using server = await startRaw(async (socket) => {
      for (const byte of ok('hello', 'X-A: b')) {
        socket.write(Buffer.of(byte));
        await sleep(1);
      }
    });
    const request = want(server.url());
    expect(await connectionTo(server.url()).get(request)).toMatchObject({ headers: { 'x-a': 'b' } });
    expect(request.text()).toBe('hello');
    expect(request.chunks.length).toBeGreaterThan(1);
  });

  it('passes on the head before the body, without interim responses', async () => {
    await using server = await startRaw(() =>
      Buffer.concat([Buffer.from('HTTP/1.1 103 Early Hints\r\nContent-Length: 9\r\n\r\n'), ok('hello')]),
    );
    const seen: unknown[] = [];
    const look = (head: { status: number; length: number | undefined }) => {
      seen.push(head.status, head.length);
    };
    const take = () => void seen.push('body');
    await connectionTo(server.url()).get(want(server.url(), { look, take, expect: [103, 200] }));
    expect(seen).toEqual([200, 5, 'body']);
  });

  test.each([
    ['of an unexpected status', 'HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nhello', 404],
    ['after a protocol switch', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n', 101],
    ['in chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n', 200],
    [
      'with a content coding',
      'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello',
      200,
    ],
    ['without a length', 'HTTP/1.1 200 OK\r\n\r\nhello', 200],
    ['with a folded line', 'HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 5\r\n\r\nhello', 0],
    ['with two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello', 0],
    ['of another protocol', 'SSH-2.0-OpenSSH_9.2\r\n', 0],
    ['of HTTP/0.9', 'hello', 0],
  ])('leaves a body %s unread and closes at once', async (_, bytes, status) => {
    await using server = await startRaw(() => bytes);
    const look = vi.fn();
    const request = want(server.url(), { look });
    const connection = connectionTo(server.url());
    expect(await connection.get(request)).toMatchObject({ status, read: false });
    expect(look).not.toHaveBeenCalled();
    expect(request.chunks).toEqual([]);
    expect(connection.isOpen).toBe(false);
    await until(() => expect(server.open.size).toBe(0));
  });

  test.each([
    [204, 'HTTP/1.1 204 No Content\r\n\r\n'],
    [304, 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n'],
    [200, 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'],
  ])('reads a %i without a body, and can be reused', async (status, bytes) => {
    await using server = await startRaw(() => bytes);
    const connection = connectionTo(server.url());
    for (const _ of [1, 2]) {
      const request = want(server.url(), { expect: [status] });
      expect(await connection.get(request)).toMatchObject({ status, read: true });
      expect(request.chunks).toEqual([]);
    }
    expect(server.connections).toBe(1);
  });

  test.each([
    ['HTTP/1.0', 'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello'],
    ['connection: close', ok('hello', 'Connection: close')],
  ])('is not reused after %s', async (_, bytes) => {
    await using server = await startRaw(() => bytes);
    const ended: BulkConnection[] = [];
    const connection = connectionTo(server.url(), (one) => ended.push(one));
    const request = want(server.url());
    expect(await connection.get(request)).toMatchObject({ read: true, keepAlive: false });
    expect(request.text()).toBe('hello');
    expect(connection.isOpen).toBe(false);
    expect(await failure(connection.get(want(server.url())))).toMatchObject({ answered: false });
    await until(() => expect(ended).toEqual([connection]));
    expect(await failure(connection.get(want(server.url())))).toBeInstanceOf(ConnectionLost);
    expect(server.requests).toHaveLength(1);
  });
});

describe('a broken bulk connection', () => {
  const tooMuch = Buffer.concat([ok('hello'), Buffer.from('HTTP/1.1 200 OK\r\n')]);
  test.each([
    ['a head without end', `HTTP/1.1 200 OK\r\nX: ${'a'.repeat(66_000)}`, 'its head has no end'],
    ['a head of 64 KiB and more', ok('', `X: ${'a'.repeat(66_000)}`), 'its head has no end'],
    ['more than Content-Length', tooMuch, 'it sent more than its Content-Length'],
  ])('reports %s', async (_, bytes, message) => {
    await using server = await startRaw(() => bytes);
    const connection = connectionTo(server.url());
    const error = await failure(connection.get(want(server.url())));
    expect(error).toMatchObject({ answered: true, cause: { message } });
    expect(error).toBeInstanceOf(ConnectionLost);
    expect(connection.isOpen).toBe(false);
  });

  test.each([
    ['before a byte', '', false],
    ['in the head', 'HTTP/1.1 200', true],
    ['in the body', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello', true],
  ])('reports an end and a reset %s', async (_, bytes, answered) => {
    await using server = await startRaw(async (socket, { nth }) => {
      socket.write(bytes);
      await sleep(10);
      if (nth === 1) socket.end();
      else socket.resetAndDestroy();
    });
    for (const _ of ['end', 'reset']) {
      const connection = connectionTo(server.url());
      expect(await failure(connection.get(want(server.url())))).toMatchObject({
        answered,
        cause: { code: 'ECONNRESET' },
      });
      expect(connection.isOpen).toBe(false);
    }
  });

  it('is not reused after unrequested bytes', async () => {
    await using server = await startRaw(() => ok('hello'));
    const connection = connectionTo(server.url());
    await connection.get(want(server.url()));
    connection.rest();
    expect(connection.isOpen).toBe(true);
    for (const socket of server.open) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil');
    await until(() => expect([connection.isOpen, server.open.size]).toEqual([false, 0]));
  });

  it('reports a refused connection', async () => {
    const gone = await startRaw(() => ok());
    const url = gone.url();
    await gone[Symbol.asyncDispose]();
    expect(await failure(connectionTo(url).get(want(url)))).toMatchObject({
      answered: false,
      cause: { code: 'ECONNREFUSED' },
    });
  });
});
