/** When a bulk connection waits, for which side, and how it is stopped. */
import { getEventListeners } from 'node:events';
import { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createSecureContext } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it, test, vi } from 'vitest';
import { ok, startRaw, until, want } from '../../../tests/support/http-server.ts';
import { BulkConnection } from './connection.ts';

const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'no failure',
    (error: unknown) => error,
  );
const connectionTo = (url: URL): BulkConnection => new BulkConnection(url, undefined, () => {});
const large = Buffer.alloc(3_000_000, 'x');
afterEach(() => vi.restoreAllMocks());

describe('a `take` that returns a promise', () => {
  it('gets no other chunk until it resolves', async () => {
    await using server = await startRaw(() => ok(large));
    let waiting = false;
    let size = 0;
    const take = async (chunk: Uint8Array) => {
      expect(waiting).toBe(false);
      waiting = true;
      size += chunk.length;
      await sleep(2);
      waiting = false;
    };
    const connection = connectionTo(server.url());
    await connection.get(want(server.url(), { take }));
    expect({ size, waiting }).toEqual({ size: large.length, waiting: false });
    expect(connection.isOpen).toBe(true);
    connection.close();
  });

  it.each([0, 1])('can reject, with %i chunks left', async (left) => {
    await using server = await startRaw(() => ok(large));
    let size = 0;
    const mine = new TypeError('mine');
    const take = (chunk: Uint8Array) => {
      size += chunk.length;
      return size === large.length || left === 1 ? Promise.reject(mine) : undefined;
    };
    const connection = connectionTo(server.url());
    expect(await failure(connection.get(want(server.url(), { take })))).toBe(mine);
    expect(connection.isOpen).toBe(false);
  });

  it.each(['in the middle', 'at the end'])('can be aborted %s', async (where) => {
    await using server = await startRaw(() => ok(where === 'at the end' ? 'hello' : large));
    const stop = new AbortController();
    const { promise, resolve } = Promise.withResolvers<void>();
    const take = vi.fn(() => promise);
    const connection = connectionTo(server.url());
    const got = failure(connection.get(want(server.url(), { take, signal: stop.signal })));
    await until(() => expect(take).toHaveBeenCalled());
    stop.abort();
    expect(await got).toMatchObject({ answered: true });
    resolve();
    await sleep(20);
    expect(take).toHaveBeenCalledTimes(1);
  });
});

test.each(['look', 'take'] as const)('an error thrown by %s is passed on unchanged', async (which) => {
  await using server = await startRaw(() => ok(large));
  for (const mine of [new Error('mine'), 'a text', undefined]) {
    const fail = () => {
      throw mine;
    };
    const connection = connectionTo(server.url());
    const got = await connection.get(want(server.url(), { [which]: fail })).then(
      () => ({ thrown: 'nothing' }),
      (thrown: unknown) => ({ thrown }),
    );
    expect(got).toEqual({ thrown: mine });
    expect(connection.isOpen).toBe(false);
  }
});

describe('a signal', () => {
  it('aborted beforehand prevents the request', async () => {
    await using server = await startRaw(() => ok('hello'));
    const signal = AbortSignal.abort();
    expect(await failure(connectionTo(server.url()).get(want(server.url(), { signal })))).toMatchObject({
      answered: false,
    });
    await sleep(20);
    expect(server.connections).toBe(0);
    const connection = connectionTo(server.url());
    await connection.get(want(server.url()));
    expect(await failure(connection.get(want(server.url(), { signal })))).toMatchObject({ answered: false });
    await until(() => expect(server.open.size).toBe(0));
    expect(server.requests).toHaveLength(1);
  });

  it('stops the request before the response, and in its body', async () => {
    await using server = await startRaw((_, { nth }) => (nth === 1 ? '' : ok(large).subarray(0, 9000)));
    for (const part of ['nothing', 'body']) {
      const stop = new AbortController();
      const request = want(server.url(), { signal: stop.signal });
      const got = failure(connectionTo(server.url()).get(request));
      const nth = part === 'nothing' ? 1 : 2;
      await until(() => expect([server.requests.length, request.text() !== '']).toEqual([nth, nth === 2]));
      stop.abort();
      expect(await got).toMatchObject({ answered: nth === 2 });
    }
    await until(() => expect(server.open.size).toBe(0));
  });
});

describe('a reused connection', () => {
  it('accumulates no listeners on its socket or the signal', async () => {
    await using server = await startRaw(() => ok(large.subarray(0, 90_000)));
    const { signal } = new AbortController();
    const touched = vi.spyOn(Socket.prototype, 'setTimeout');
    const connection = connectionTo(server.url());
    const [socket] = touched.mock.contexts as [Socket];
    const counts: unknown[] = [];
    for (let turn = 0; turn < 30; turn++) {
      await connection.get(want(server.url(), { signal, take: () => (turn % 2 ? sleep(0) : undefined) }));
      connection.rest();
      const names = socket.eventNames().map((name) => [name, socket.listenerCount(name)]);
      counts.push([names, getEventListeners(signal, 'abort').length]);
    }
    expect(server.connections).toBe(1);
    expect(counts.at(-1)).toEqual(counts[1]);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    connection.close();
  });
});

// Retried on failure: a machine may pause for longer than these times.
describe('the timeout', { retry: 3 }, () => {
  beforeEach(() => {
    // 300 ms to connect, 600 ms of silence, 40 ms idle.
    const { setTimeout } = Socket.prototype;
    vi.spyOn(Socket.prototype, 'setTimeout').mockImplementation(function (this: Socket, time, callback) {
      return setTimeout.call(this, time / 100, callback);
    });
  });

  it('expires while connecting', async () => {
    await using server = await startRaw(() => '');
    const url = new URL(server.url().href.replace('http', 'https'));
    const began = performance.now();
    const context = createSecureContext();
    const error = await failure(
      new BulkConnection(
        url,
        () => context,
        () => {},
      ).get(want(url)),
    );
    expect(error).toMatchObject({ answered: false, cause: { code: 'ETIMEDOUT' } });
    expect(performance.now() - began).toBeGreaterThan(250);
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 20);
    const stopped = new BulkConnection(
      url,
      () => context,
      () => {},
    ).get(want(url, { signal: stop.signal }));
    expect(await failure(stopped)).toMatchObject({ cause: { code: 'ECONNRESET' } });
  });

  it.each(['', 'HTTP/1.1 200 OK\r\n', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello'])(
    'expires when nothing follows %j',
    async (bytes) => {
      await using server = await startRaw(() => bytes);
      const began = performance.now();
      expect(await failure(connectionTo(server.url()).get(want(server.url())))).toMatchObject({
        answered: bytes !== '',
        cause: { code: 'ETIMEDOUT' },
      });
      expect(performance.now() - began).toBeGreaterThan(500);
    },
  );

  it('does not expire while bytes arrive', async () => {
    await using server = await startRaw(async (socket) => {
      for (const byte of ok('hello')) {
        socket.write(Buffer.of(byte));
        await sleep(20);
      }
    });
    const request = want(server.url());
    await connectionTo(server.url()).get(request);
    expect(request.text()).toBe('hello');
  });

  it('does not expire while `take` waits, only afterwards', async () => {
    // The second response stops in mid-body.
    await using server = await startRaw((_, { nth }) => ok(large).subarray(0, nth === 1 ? undefined : -9));
    for (const whole of [true, false]) {
      let size = 0;
      const take = (chunk: Uint8Array) => {
        const first = size === 0;
        size += chunk.length;
        return first || size === large.length ? sleep(900) : undefined;
      };
      const connection = connectionTo(server.url());
      const got = await connection.get(want(server.url(), { take })).catch((error: unknown) => error);
      expect(got).toMatchObject(whole ? { read: true } : { cause: { code: 'ETIMEDOUT' } });
      expect(size).toBe(large.length - (whole ? 0 : 9));
      expect(connection.isOpen).toBe(whole);
      connection.close();
    }
  });

  it('closes an idle connection, and starts anew with each request', async () => {
    await using server = await startRaw(async (socket) => {
      await sleep(100);
      socket.write(ok('hello'));
    });
    const onEnd = vi.fn();
    const connection = new BulkConnection(server.url(), undefined, onEnd);
    for (const _ of [1, 2]) {
      await connection.get(want(server.url()));
      connection.rest();
    }
    expect([server.connections, connection.isOpen]).toEqual([1, true]);
    const began = performance.now();
    await until(() => expect(onEnd).toHaveBeenCalledOnce());
    // Sooner than the timeout of a connection that waits for a response.
    expect(performance.now() - began).toBeLessThan(600);
    expect(connection.isOpen).toBe(false);
    await until(() => expect(server.open.size).toBe(0));
  });
});
