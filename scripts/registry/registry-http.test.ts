import { createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import { contentOf, refuse, startFake, testClient } from '../../tests/support/fake-registry.ts';
import { parseRetryAfter } from '../http/retry.ts';
import { isLoopback } from '../http/transport.ts';

const home = { HOME: '/nonexistent', XDG_RUNTIME_DIR: '/nonexistent' };

describe('proxies', () => {
  const tags = (env: NodeJS.ProcessEnv, registry: string) =>
    testClient({ env: { ...home, ...env }, insecure: [registry], retry: { tries: 1 } })
      .repository(`${registry}/me/iris`)
      .tags()
      .catch((error: unknown) => error);

  test('are used for hosts that NO_PROXY does not list', async () => {
    await using proxy = await startFake({ intercept: (_, response) => refuse(response, 404) });
    const env = { HTTP_PROXY: `http://${proxy.host}`, NO_PROXY: 'other.test,10.128.0.0/14' };
    expect(await tags(env, 'registry.test:5000')).toEqual([]);
    expect(proxy.requests[0]?.path).toBe('http://registry.test:5000/v2/me/iris/tags/list?n=1000');
    expect(await tags(env, '10.132.0.1:5000')).toEqual([]);
    expect(proxy.requests).toHaveLength(2);
  });

  test.each([
    ['HTTP_PROXY', 'registry.test:5000'],
    ['HTTPS_PROXY', 'other.test'],
  ])(
    'that require a password (%s) are not retried, and their URL is not printed',
    async (variable, registry) => {
      const proxy = createServer((socket) => {
        socket.once('data', () =>
          socket.end('HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n'),
        );
        socket.on('error', () => {});
      });
      await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
      const { port } = proxy.address() as { port: number };
      const retries: string[] = [];
      const env = { ...home, [variable]: `http://me:s3cret@127.0.0.1:${port}` };
      const onRetry = (message: string) => retries.push(message);
      await using client = testClient({ env, insecure: ['registry.test'], onRetry });
      const error = await client
        .repository(`${registry}/a`)
        .tags()
        .catch((reason: unknown) => reason);
      proxy.close();
      expect(error).toMatchObject({ code: 'network', next: expect.stringContaining('HTTPS_PROXY') });
      expect(`${error} ${(error as Error).cause}`).not.toContain('s3cret');
      expect(retries).toEqual([]);
    },
  );

  test('are not used for loopback', async () => {
    await using proxy = await startFake();
    await using fake = await startFake({ intercept: (_, response) => refuse(response, 404) });
    expect(
      await tags({ http_proxy: `http://${proxy.host}`, https_proxy: `http://${proxy.host}` }, fake.host),
    ).toEqual([]);
    expect(proxy.requests).toEqual([]);
  });

  test('get no CONNECT for the address ranges of NO_PROXY', async () => {
    let connects = 0;
    const proxy = createServer((socket) => {
      connects++;
      socket.destroy();
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const port = (proxy.address() as { port: number }).port;
    const abort = AbortSignal.timeout(300);
    const client = testClient({
      env: { ...home, HTTPS_PROXY: `http://127.0.0.1:${port}`, NO_PROXY: '192.0.2.0/24' },
      signal: abort,
    });
    // 192.0.2.1 is reserved for documentation (RFC 5737).
    await expect(client.repository('192.0.2.1/me/iris').tags()).rejects.toBeDefined();
    expect(connects).toBe(0);
    await expect(client.repository('192.0.3.1/me/iris').tags()).rejects.toBeDefined();
    await client.close();
    proxy.close();
  });
});

test('a registry that refuses connections fails after two tries, with the next step', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  const retries: string[] = [];
  await using client = testClient({ onRetry: (message) => retries.push(message) });
  const error = await client
    .repository(`127.0.0.1:${port}/a`)
    .tags()
    .catch((reason: unknown) => reason);
  expect(error).toMatchObject({
    code: 'network',
    message: expect.stringContaining('refuses connections'),
    next: expect.stringContaining('NO_PROXY'),
  });
  expect(retries).toHaveLength(1);
});

test('an upload location on another host gets the bytes but no credential', async () => {
  await using storage = await startFake();
  storage.uploads.set('one', { chunks: [], size: 0 });
  await using fake = await startFake({
    intercept: (request, response) => {
      if (!request.headers.authorization)
        return refuse(response, 401, '', { 'www-authenticate': 'Basic realm="x"' });
      response.writeHead(202, { location: `http://${storage.host}/v2/x/blobs/uploads/one` }).end();
      return true;
    },
  });
  await using client = testClient({
    credentials: { find: async () => ({ kind: 'basic', username: 'me', password: 'secret' }) },
  });
  await client.repository(`${fake.host}/me/iris`).write(contentOf(Buffer.from('model')));
  expect(storage.methods()).toBe('PATCH PUT');
  expect(storage.requests.every((one) => one.headers.authorization === undefined)).toBe(true);
});

test.each([
  ['localhost', true],
  ['registry.localhost', true],
  ['127.8.9.1', true],
  ['[::1]', true],
  ['localhost.example', false],
  ['127.0.0.1.example', false],
  ['10.0.0.1', false],
])('%s is loopback: %s', (hostname, expected) => {
  expect(isLoopback(hostname)).toBe(expected);
});

test.each([
  ['0', 0],
  ['12', 12_000],
  ['86400', 86_400_000],
  ['Wed, 21 Oct 2015 07:28:30 GMT', 30_000],
  ['Wed, 21 Oct 2015 07:27:00 GMT', 0],
  ['soon', undefined],
  [undefined, undefined],
])('Retry-After %s is %s ms', (header, expected) => {
  expect(parseRetryAfter(header, Date.parse('Wed, 21 Oct 2015 07:28:00 GMT'))).toBe(expected);
});
