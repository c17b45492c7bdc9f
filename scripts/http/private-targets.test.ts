import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { isPrivateAddress, PrivateTarget, publicLookup } from './private-targets.ts';
import { Transport } from './transport.ts';

describe('isPrivateAddress', () => {
  test.each([
    '127.0.0.1',
    '0.0.0.0',
    '10.1.2.3',
    '172.31.255.255',
    '192.168.0.1',
    '169.254.169.254', // AWS's, Azure's and Google's metadata
    '100.100.100.200', // Alibaba's metadata
    '255.255.255.255',
    '::1',
    '[::1]',
    '::',
    'fd00:ec2::254', // AWS's metadata
    'fe80::1%eth0',
    '::ffff:169.254.169.254',
    '::ffff:a9fe:a9fe',
    '64:ff9b::10.0.0.1',
    '2002:7f00:1::',
    'ff02::1',
  ])('%s is private', (address) => expect(isPrivateAddress(address)).toBe(true));

  test.each([
    '8.8.8.8',
    '172.32.0.1',
    '192.169.0.1',
    '169.253.255.255',
    '2606:4700::1111',
    '::ffff:8.8.8.8',
    '64:ff9b::8.8.8.8', // how an IPv6-only network reaches it
    '2002:808:808::',
    'registry.example',
    '',
  ])('%s is not private', (address) => expect(isPrivateAddress(address)).toBe(false));
});

describe('publicLookup', () => {
  const look = (all: boolean) =>
    new Promise((resolve) =>
      publicLookup('public.example')('localhost', { all }, (error, addresses) => resolve(error ?? addresses)),
    );

  test.each([true, false])('refuses private addresses (all: %s)', async (all) => {
    const error = await look(all);
    expect(error).toBeInstanceOf(PrivateTarget);
    expect(error).toMatchObject({ sender: 'public.example' });
  });
});

describe('a transport', () => {
  const serve = async (status = 200) => {
    let requests = 0;
    const server = createServer((_, response) => {
      requests++;
      response.writeHead(status).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    return {
      port,
      requests: () => requests,
      [Symbol.asyncDispose]: async () => {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      },
    };
  };
  const request = { method: 'GET', headers: {}, headersTimeout: 5000 } as const;

  test.each(['127.0.0.1', 'localhost', '[::ffff:127.0.0.1]', '2130706433'])(
    'follows no redirect from a public host to %s',
    async (host) => {
      await using server = await serve();
      const transport = new Transport({ env: {} });
      const url = new URL(`http://${host}:${server.port}/`);
      const sender = new URL('https://public.example/');
      const error = await transport.send(url, { ...request, sender }).catch((reason: unknown) => reason);
      expect(`${error} ${(error as Error).cause}`).toContain('private address');
      expect(() => transport.bulkPool(new URL(`http://127.0.0.1:${server.port}`), sender)).toThrow(
        PrivateTarget,
      );
      expect(server.requests()).toBe(0);
      await transport.close();
    },
  );

  test('follows a redirect to a private host only after a connection to a private sender', async () => {
    await using one = await serve();
    await using two = await serve();
    const transport = new Transport({ env: {} });
    // The sender is a host name: only the connection shows that its address is private.
    const sender = new URL(`http://localhost:${one.port}/`);
    const url = new URL(`http://127.0.0.1:${two.port}/`);
    await expect(transport.send(url, { ...request, sender })).rejects.toBeInstanceOf(PrivateTarget);
    await (await transport.send(sender, request)).body.dump();
    const answer = await transport.send(url, { ...request, sender });
    expect(answer.statusCode).toBe(200);
    await answer.body.dump();
    await transport.close();
  });

  test('opens bulk connections only to public addresses after a redirect from a public host', async () => {
    await using server = await serve();
    const transport = new Transport({ env: {} });
    const url = new URL(`http://localhost:${server.port}/`);
    const pool = transport.bulkPool(url, new URL('https://public.example/'));
    const get = pool?.get({ url, headers: {}, expect: [200], look: () => {}, take: () => undefined });
    await expect(get).rejects.toMatchObject({ cause: expect.any(PrivateTarget) });
    expect(server.requests()).toBe(0);
    await transport.close();
  });
});
