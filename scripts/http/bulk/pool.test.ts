import { setTimeout as sleep } from 'node:timers/promises';
import { createSecureContext } from 'node:tls';
import { afterEach, describe, expect, it, test } from 'vitest';
import { ok, startRaw, until, want } from '../../../tests/support/http-server.ts';
import { BulkPool } from './pool.ts';

const made: BulkPool[] = [];
const newPool = (): BulkPool => {
  const pool = new BulkPool(createSecureContext);
  made.push(pool);
  return pool;
};
afterEach(() => {
  for (const pool of made.splice(0)) pool.close();
});
const settle = (): Promise<void> => sleep(30);

describe('BulkPool', () => {
  it('reuses connections, and opens no more than there are concurrent requests', async () => {
    await using server = await startRaw(async (socket) => {
      await sleep(2);
      socket.write(ok('hello'));
    });
    const pool = newPool();
    const some = async () => {
      for (let turn = 0; turn < 20; turn++) {
        const request = want(server.url());
        await pool.get(request);
        expect(request.text()).toBe('hello');
      }
    };
    await Promise.all([some(), some(), some()]);
    expect([server.connections, server.requests.length]).toEqual([3, 60]);
    pool.close();
    await until(() => expect(server.open.size).toBe(0));
  });

  it('has separate connections for each host and port', async () => {
    await using one = await startRaw(() => ok('one'));
    await using other = await startRaw(() => ok('other'));
    const pool = newPool();
    for (const _ of [1, 2]) {
      for (const [server, text] of [[one, 'one'] as const, [other, 'other'] as const]) {
        const request = want(server.url());
        await pool.get(request);
        expect(request.text()).toBe(text);
      }
    }
    expect([one.connections, other.connections]).toEqual([1, 1]);
  });

  it('repeats a request on a new connection when the idle one was closed, or is reset by the request', async () => {
    await using server = await startRaw((socket, { turn }) => {
      if (turn > 1) socket.resetAndDestroy();
      else socket.write(ok('hello'));
    });
    const pool = newPool();
    const all = () => Promise.all([1, 2, 3].map(() => pool.get(want(server.url()))));
    await all();
    // All three idle connections are tried, and all three requests repeated on new ones.
    await all();
    expect([server.connections, server.requests.length]).toEqual([6, 9]);
    for (const socket of server.open) socket.end();
    await until(() => expect(server.open.size).toBe(0));
    const request = want(server.url());
    await pool.get(request);
    expect(request.text()).toBe('hello');
    expect([server.connections, server.requests.length]).toEqual([7, 10]);
  });

  it('does not repeat a request after a byte of the response, nor after a new connection failed', async () => {
    await using server = await startRaw((socket, { nth }) => {
      if (nth === 1) return socket.write(ok('hello'));
      if (nth === 2) socket.write('H');
      return setTimeout(() => socket.destroy(), 10);
    });
    const pool = newPool();
    await pool.get(want(server.url()));
    await expect(pool.get(want(server.url()))).rejects.toMatchObject({ answered: true });
    await expect(pool.get(want(server.url()))).rejects.toMatchObject({ answered: false });
    expect([server.connections, server.requests.length]).toEqual([2, 3]);
  });

  it('does not repeat a request once aborted', async () => {
    await using server = await startRaw((_, { nth }) => (nth < 3 ? ok('hello') : ''));
    const pool = newPool();
    await Promise.all([1, 2].map(() => pool.get(want(server.url()))));
    const stop = new AbortController();
    const got = pool.get(want(server.url(), { signal: stop.signal })).catch((error: unknown) => error);
    await until(() => expect(server.requests).toHaveLength(3));
    stop.abort();
    expect(await got).toMatchObject({ answered: false });
    // The other connection is still idle.
    await until(() => expect(server.open.size).toBe(1));
    await settle();
    expect([server.connections, server.requests.length, server.open.size]).toEqual([2, 3, 1]);
  });

  it('reuses no connection that sent excess bytes or whose reader failed', async () => {
    await using server = await startRaw((_, { nth }) =>
      nth === 1 ? Buffer.concat([ok('hello'), Buffer.from('HTTP/1.1 200 OK\r\n')]) : ok('hello'),
    );
    const pool = newPool();
    await expect(pool.get(want(server.url()))).rejects.toMatchObject({ answered: true });
    const take = () => {
      throw new Error('enough');
    };
    await expect(pool.get(want(server.url(), { take }))).rejects.toThrow('enough');
    const request = want(server.url());
    await pool.get(request);
    expect(request.text()).toBe('hello');
    expect(server.connections).toBe(3);
  });

  test.each([
    ['in chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', false],
    ['without a length', 'HTTP/1.1 200 OK\r\n\r\n', false],
    ['of an unexpected status', 'HTTP/1.1 503 No\r\n\r\n', true],
    ['with a length', ok('hello'), true],
  ])('learns whether a host fits from bodies %s: %#', async (_, bytes, fits) => {
    await using server = await startRaw(() => bytes);
    const pool = newPool();
    expect(pool.fits(server.url())).toBe(true);
    await pool.get(want(server.url()));
    expect(pool.fits(server.url('/other'))).toBe(fits);
    expect(pool.fits(new URL('http://other.test/'))).toBe(true);
  });

  it('leaves no connection open for a request that it refused', async () => {
    await using server = await startRaw(() => ok('hello'));
    const got = newPool().get(want(server.url(), { headers: { range: 'a\nb' } }));
    await expect(got).rejects.toMatchObject({ code: 'usage' });
    await settle();
    await until(() => expect(server.open.size).toBe(0));
  });

  it('ends running requests when closed', async () => {
    await using server = await startRaw(() => 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello');
    const pool = newPool();
    const request = want(server.url());
    const got = pool.get(request).catch((error: unknown) => error);
    await until(() => expect(request.text()).toBe('hello'));
    pool.close();
    expect(await got).toMatchObject({ answered: true });
  });

  it('connects to IPv6 addresses, and tries each address of a name', async () => {
    await using six = await startRaw(() => ok('six'), { host: '::1' });
    const request = want(six.url());
    await newPool().get(request);
    expect(request.text()).toBe('six');
    expect(six.requests[0]?.head).toContain(`\r\nhost: [::1]:${six.url().port}\r\n`);
    await using four = await startRaw(() => ok('four'));
    const named = want(new URL(`http://localhost:${four.url().port}/`));
    await newPool().get(named);
    expect(named.text()).toBe('four');
  });
});
