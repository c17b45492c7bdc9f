/** HttpClient.receive: over a bulk connection where possible, otherwise through undici. */
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, describe, expect, it, test, vi } from 'vitest';
import { makeCertificates } from '../../tests/parts/certificates.ts';
import { ok, startRaw, until } from '../../tests/support/http-server.ts';
import { BulkPool } from './bulk/pool.ts';
import { type GetRequest, HttpClient, type RefusedResponse, type ResponseInfo } from './client.ts';
import { RequestFailure } from './failure.ts';
import { Transport } from './transport.ts';

afterEach(() => vi.restoreAllMocks());

/** A client, the responses it received and those it refused. */
function setUp(env: NodeJS.ProcessEnv = {}, caFile?: string) {
  const transport = new Transport({ env, ...(caFile !== undefined && { caFile }) });
  const refusals: RefusedResponse[] = [];
  const seen: ResponseInfo[] = [];
  const overBulk = vi.spyOn(BulkPool.prototype, 'get');
  const client = new HttpClient({
    transport,
    retry: { tries: 3, delay: 0 },
    authorize: (url) => `Bearer for-${url.port}`,
    mayBePlain: () => true,
    refused: ({ what }, answer) => {
      refusals.push(answer);
      const details = { code: 'source', status: answer.status } as const;
      return new RequestFailure(`${what}: ${answer.status} ${answer.body}`, details);
    },
  });
  const receive = async (url: URL, more: Partial<GetRequest> = {}, size?: 'large' | 'small') => {
    const chunks: Buffer[] = [];
    await client.receive(
      { what: 'read it', url, expect: [200], ...more },
      (one) => void seen.push(one),
      (chunk) => void chunks.push(Buffer.from(chunk)),
      size,
    );
    return Buffer.concat(chunks).toString('latin1');
  };
  const dispose = () => transport.close();
  return { client, transport, refusals, seen, overBulk, receive, [Symbol.asyncDispose]: dispose };
}
const heads = (server: { requests: { head: string }[] }) => server.requests.map(({ head }) => head);
const answer = (status: number, body: string, ...headers: string[]): string =>
  [`HTTP/1.1 ${status} -`, ...headers, `Content-Length: ${body.length}`, '', body].join('\r\n');

describe('a large body', () => {
  it('uses a bulk connection, a small one does not', async () => {
    await using server = await startRaw(() => ok('hello', 'X-A: b'));
    await using my = setUp();
    expect(await my.receive(server.url(), {}, 'small')).toBe('hello');
    expect(my.overBulk).not.toHaveBeenCalled();
    expect(await my.receive(server.url())).toBe('hello');
    expect(my.overBulk).toHaveBeenCalledOnce();
    for (const { status, header, url } of my.seen) {
      expect([status, header('x-a'), header('x-b'), url]).toEqual([200, 'b', undefined, server.url()]);
    }
    for (const head of heads(server)) {
      expect(head).toContain(`\r\nauthorization: Bearer for-${server.url().port}`);
      expect(head).toContain('\r\naccept-encoding: identity');
      expect(head).toContain('\r\nuser-agent: modelcars');
    }
  });

  it('leaves no connection open when the transport is closed', async () => {
    await using server = await startRaw(() => ok('hello'));
    await using my = setUp();
    await my.receive(server.url());
    expect(server.open.size).toBe(1);
    await my.transport.close();
    await until(() => expect(server.open.size).toBe(0));
  });

  it('arrives complete in any framing', async () => {
    const turn = fc.record({
      form: fc.constantFrom('length', 'close', 'chunked', '1.0'),
      body: fc.string({ maxLength: 2000 }).map((text) => Buffer.from(text)),
      cut: fc.integer({ min: 1, max: 300 }),
    });
    const sent = (form: string, body: Buffer): Buffer => {
      const close = 'Connection: close';
      const chunk = body.length > 0 ? [`${body.length.toString(16)}\r\n`, body, '\r\n'] : [];
      const parts = {
        length: [ok(body)],
        close: [ok(body, close)],
        chunked: ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', ...chunk, '0\r\n\r\n'],
        '1.0': ['HTTP/1.0 200 OK\r\n\r\n', body],
      }[form] ?? [''];
      return Buffer.concat(parts.map((part) => Buffer.from(part as string)));
    };
    await fc.assert(
      fc.asyncProperty(fc.array(turn, { minLength: 1, maxLength: 5 }), async (turns) => {
        let now = turns[0];
        await using server = await startRaw(async (socket) => {
          const { form = '', body = Buffer.alloc(0), cut = 1 } = now ?? {};
          const all = sent(form, body);
          socket.write(all.subarray(0, cut));
          await sleep(0);
          if (form === 'close' || form === '1.0') socket.end(all.subarray(cut));
          else socket.write(all.subarray(cut));
        });
        await using my = setUp();
        for (now of turns) expect(await my.receive(server.url())).toBe(now.body.toString('latin1'));
        // A body form that bulk connections cannot read costs one extra request, once.
        expect(server.requests.length - turns.length).toBeLessThanOrEqual(1);
      }),
      { numRuns: 30 },
    );
  });

  it('from a host with chunked responses tries a bulk connection only once', async () => {
    const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n';
    await using server = await startRaw(() => chunked);
    await using my = setUp();
    for (const _ of [1, 2, 3]) expect(await my.receive(server.url())).toBe('hello');
    expect(my.overBulk).toHaveBeenCalledOnce();
    expect(server.requests).toHaveLength(4);
  });

  it('on another host is requested without the credentials', async () => {
    await using other = await startRaw(() => ok('hello'));
    await using server = await startRaw(() => answer(302, 'moved', `Location: ${other.url('/x')}`));
    await using my = setUp();
    expect(await my.receive(server.url())).toBe('hello');
    expect(heads(other).join()).not.toContain('authorization');
    expect(my.seen.map(({ url }) => url.href)).toEqual([other.url('/x').href]);
  });
});

describe('a refusal', () => {
  test.each([403, 404, 410])('%i is reported with the text of its body', async (status) => {
    await using server = await startRaw(() => answer(status, 'signature ran out'));
    await using my = setUp();
    await expect(my.receive(server.url())).rejects.toMatchObject({
      message: `read it: ${status} signature ran out`,
      status,
    });
  });

  test.each([
    [429, 'Retry-After: 7', 7000],
    [503, 'Retry-After: 7', 7000],
    [429, 'RateLimit: "api";r=0;t=55', 56_000],
    [500, 'X: y', undefined],
  ])('%i with %s is not retried at once', async (status, header, retryAfter) => {
    await using server = await startRaw(() => answer(status, 'not now', header));
    await using my = setUp();
    await expect(my.receive(server.url())).rejects.toMatchObject({ status });
    expect(my.refusals).toMatchObject([{ status, retryAfter, url: server.url() }]);
    expect(server.requests).toHaveLength(1);
    expect(my.transport.bulkPool(server.url())).toBeDefined();
  });
});

describe('a failure', () => {
  it.each([
    ['reset', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello'],
    ['reset in the head', 'HTTP/1.1 200 OK\r\n'],
    ['not HTTP', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!'],
  ])('of the connection (%s) is a retryable network error', async (_, bytes) => {
    await using server = await startRaw(async (socket) => {
      socket.write(bytes);
      await sleep(10);
      socket.resetAndDestroy();
    });
    await using my = setUp();
    const { host } = server.url();
    await expect(my.receive(server.url())).rejects.toMatchObject({
      code: 'network',
      retryable: true,
      message: expect.stringContaining(`read it: the connection to ${host} broke (`),
    });
    expect(my.overBulk).toHaveBeenCalledOnce();
  });

  it('thrown by the reader or caused by an abort is passed on', async () => {
    await using server = await startRaw(() => ok('hello').subarray(0, -1));
    await using my = setUp();
    const call: GetRequest = { what: 'read it', url: server.url(), expect: [200] };
    const mine = new Error('mine');
    const fail = () => {
      throw mine;
    };
    for (const size of ['large', 'small'] as const) {
      await expect(my.client.receive(call, fail, () => undefined, size)).rejects.toBe(mine);
      await until(() => expect(server.open.size).toBe(0));
      await expect(my.client.receive(call, () => {}, fail, size)).rejects.toBe(mine);
      const later = () => Promise.reject(mine);
      await expect(my.client.receive(call, () => {}, later, size)).rejects.toBe(mine);
      const signal = AbortSignal.timeout(30);
      await expect(my.receive(server.url(), { signal }, size)).rejects.toMatchObject({ code: 'cancelled' });
      await expect(my.receive(server.url(), { signal }, size)).rejects.toMatchObject({ code: 'cancelled' });
    }
  });

  it('of TLS names the next step', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'receive-'));
    const tls = await makeCertificates(folder);
    await using server = await startRaw(() => ok('hello'), { tls });
    const plain = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    plain.listen(0, '127.0.0.1');
    await using misnamed = await startRaw(() => ok('hello'), { tls, host: '127.0.0.2' });
    await using stranger = setUp();
    await using my = setUp({}, tls.caFile);
    const distrusted = {
      code: 'network',
      message: expect.stringContaining('shows a certificate that is not trusted'),
      next: expect.stringContaining('--ca-file'),
      retryable: false,
    };
    expect(await my.receive(server.url())).toBe('hello');
    await expect(stranger.receive(server.url())).rejects.toMatchObject(distrusted);
    const at = (host: string, port: string) => new URL(`https://${host}:${port}/`);
    const elsewhere = at('127.0.0.2', misnamed.url().port);
    await expect(my.receive(elsewhere)).rejects.toMatchObject(distrusted);
    await expect(
      my.receive(at('127.0.0.1', String((plain.address() as AddressInfo).port))),
    ).rejects.toMatchObject({
      message: expect.stringContaining('does not speak TLS'),
      next: expect.stringContaining('http, not https'),
    });
    plain.close();
    expect([server, misnamed].map(({ requests }) => requests.length)).toEqual([1, 0]);
    await rm(folder, { recursive: true });
  });
});

describe('a proxy', () => {
  it('is used without bulk connections, except for NO_PROXY and loopback hosts', async () => {
    await using proxy = await startRaw(() => ok('hello'));
    const env = { HTTP_PROXY: proxy.url('/').href, NO_PROXY: '10.0.0.0/8' };
    await using my = setUp(env);
    expect(await my.receive(new URL('http://hub.test/file'))).toBe('hello');
    expect(my.overBulk).not.toHaveBeenCalled();
    expect(heads(proxy)).toEqual([expect.stringMatching(/^GET http:\/\/hub\.test\/file HTTP\/1\.1\r\n/)]);
    expect(my.transport.bulkPool(new URL('http://10.1.2.3/'))).toBeDefined();
    expect(my.transport.bulkPool(new URL('https://hub.test/'))).toBeDefined();
    await using server = await startRaw(() => ok('direct'));
    expect(await my.receive(server.url())).toBe('direct');
    expect(my.overBulk).toHaveBeenCalledOnce();
    await using secure = setUp({ https_proxy: proxy.url('/').href });
    expect(secure.transport.bulkPool(new URL('https://hub.test/'))).toBeUndefined();
  });
});
