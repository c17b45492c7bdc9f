import { randomBytes } from 'node:crypto';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { type Content, type Descriptor, mediaTypes } from '../../scripts/image/types.ts';
import { credentialsFor } from '../../scripts/registry/auth/credentials.ts';
import type { Credential } from '../../scripts/registry/auth/types.ts';
import { RegistryClient, type RegistryOptions } from '../../scripts/registry/client.ts';
import type { Repository } from '../../scripts/registry/repository.ts';
import { missingParts } from '../parts/parts.ts';
import { type Registry, startRegistry } from '../parts/registry.ts';
import { contentOf, sha256 } from '../support/fake-registry.ts';
import { download, largeBlob, noCredentials, smallBlob } from './_registry.ts';

/** A client with the test account of a registry; `host` is the proxy's if one is used. */
function clientFor(registry: Registry, options: RegistryOptions = {}, host = registry.host): RegistryClient {
  const { username, password, caFile } = registry;
  const credential: Credential | undefined =
    username && password ? { kind: 'basic', username, password } : undefined;
  return new RegistryClient({
    env: noCredentials,
    retry: { delay: 50 },
    ...(caFile === undefined ? {} : { caFile }),
    ...(credential ? { credentials: credentialsFor(host, credential) } : {}),
    ...options,
  });
}

/** Pushes an image of two layers and tags it. */
async function pushImage(repository: Repository, layers: Content[], tag: string) {
  const written = await Promise.all(layers.map((layer) => repository.write(layer)));
  const configBytes = Buffer.from(
    '{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}',
  );
  const config = await repository.write(
    contentOf(configBytes, {
      mediaType: mediaTypes.config,
      size: configBytes.length,
      digest: sha256(configBytes),
    }),
  );
  const bytes = Buffer.from(
    JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers: written }),
  );
  const manifest = await repository.write(
    contentOf(bytes, { mediaType: mediaTypes.manifest, size: bytes.length }),
  );
  await repository.tag(tag, manifest);
  return { manifest, layers: written };
}

/** Forwards connections to a registry and, once armed, breaks one after that many bytes. */
async function startCutter(target: string) {
  let left = Number.POSITIVE_INFINITY;
  const sockets = new Set<Socket>();
  const server = createServer((inside) => {
    const outside = connect(Number(target.split(':')[1]), '127.0.0.1');
    for (const socket of [inside, outside]) sockets.add(socket.on('error', () => {}));
    outside.on('close', () => inside.destroy()).pipe(inside);
    inside.on('close', () => outside.end());
    inside.on('data', (chunk) => {
      left -= chunk.length;
      const last = left <= 0;
      outside.write(chunk);
      if (!last) return;
      left = Number.POSITIVE_INFINITY;
      inside.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    cutAfter: (bytes: number) => {
      left = bytes;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe.each(['docker-registry', 'distribution'] as const)('%s', async (kind) => {
  const missing = await missingParts(kind);

  describe.skipIf(missing)('as it is', () => {
    test.each([
      ['none', false],
      ['none', true],
      ['basic', false],
      ['basic', true],
      ['token', false],
      ['token', true],
    ] as const)('stores and returns an image (auth %s, TLS %s)', async (auth, tls) => {
      await using registry = await startRegistry({ kind, auth, tls });
      await using pusher = clientFor(registry);
      const repository = pusher.repository(`${registry.host}/team/model`);
      const known = { size: smallBlob.length, digest: sha256(smallBlob) };
      const { manifest, layers } = await pushImage(
        repository,
        [contentOf(largeBlob), contentOf(smallBlob, known)],
        'v1.0.0',
      );

      await using puller = clientFor(registry);
      const pulled = puller.repository(`${registry.host}/team/model`);
      expect(await pulled.resolve('v1.0.0')).toEqual(manifest);
      expect(await pulled.resolve('v9')).toBeUndefined();
      expect(await pulled.tags()).toEqual(['v1.0.0']);
      expect(sha256(await pulled.read(manifest))).toBe(manifest.digest);
      expect((await download(pulled, layers[0] as Descriptor)).equals(largeBlob)).toBe(true);
      expect(
        (await download(pulled, layers[1] as Descriptor, 100_000)).equals(smallBlob.subarray(100_000)),
      ).toBe(true);
      expect(await puller.repository(`${registry.host}/not/there`).tags()).toEqual([]);
    });

    test('an image pushed again sends no blob; into another repository its blobs are mounted', async () => {
      await using registry = await startRegistry({ kind, auth: 'token' });
      await using client = clientFor(registry);
      const contents = [largeBlob, smallBlob].map((bytes) =>
        contentOf(bytes, { size: bytes.length, digest: sha256(bytes) }),
      );
      await pushImage(client.repository(`${registry.host}/team/one`), contents, 'v1');
      await using again = clientFor(registry);
      const before = registry.requests().length;
      await pushImage(again.repository(`${registry.host}/team/one`), contents, 'v2');
      await pushImage(again.repository(`${registry.host}/team/two`), contents, 'v1');
      const later = registry.requests().slice(before);
      expect(later.filter(({ method, path }) => method !== 'HEAD' && path.includes('/one/blobs/'))).toEqual(
        [],
      );
      const two = later.filter(
        ({ path, status }) => path.includes('/two/blobs/') && status !== 401 && status !== 404,
      );
      expect(two.map(({ method, status }) => `${method} ${status}`)).toEqual([
        'POST 201',
        'POST 201',
        'POST 201',
      ]);
      expect(contents.map((content) => content.opened.length)).toEqual([1, 1]);
    });

    test('an upload whose connection breaks ends with the right bytes', async () => {
      await using registry = await startRegistry({ kind });
      await using cutter = await startCutter(registry.host);
      await using client = clientFor(registry, {}, cutter.host);
      const repository = client.repository(`${cutter.host}/team/model`);
      await repository.tags();
      const large = randomBytes(30_000_000);
      const content = contentOf(large, { size: large.length }, 65_536);
      let told = 0;
      cutter.cutAfter(20_000_000);
      const layer = await repository.write(content, {
        onBytes: (count) => {
          told += count;
        },
      });
      expect(layer.digest).toBe(sha256(large));
      expect(told).toBe(large.length);
      expect((await download(repository, layer)).equals(large)).toBe(true);
      expect(content.opened).toHaveLength(2);
      // Version 3 keeps the session and reports its offset; 2.8 drops it, and the layer starts again.
      if (kind === 'distribution') expect(content.opened[1]).toBeGreaterThan(0);
      else expect(content.opened[1]).toBe(0);
    });

    test('a registry killed during an upload and restarted gets the layer', async () => {
      await using registry = await startRegistry({ kind });
      await using client = clientFor(registry, { retry: { delay: 200 } });
      const large = randomBytes(8_000_000);
      let restarted: Promise<void> | undefined;
      const layer = await client.repository(`${registry.host}/team/model`).write({
        mediaType: mediaTypes.layer,
        size: large.length,
        async *open(offset = 0) {
          for (let at = offset; at < large.length; at += 500_000) {
            if (at >= 4_000_000 && restarted === undefined) {
              restarted = registry.restart();
              await sleep(50);
            }
            yield large.subarray(at, at + 500_000);
          }
        },
      });
      await restarted;
      expect(layer.digest).toBe(sha256(large));
      expect((await download(client.repository(`${registry.host}/team/model`), layer)).equals(large)).toBe(
        true,
      );
    });

    test('a token that expires during an upload is renewed', async () => {
      await using registry = await startRegistry({ kind, auth: 'token', tokens: { lifetime: 2 } });
      await using client = clientFor(registry);
      const slow: Content = {
        mediaType: mediaTypes.layer,
        size: largeBlob.length,
        async *open(offset = 0) {
          for (let at = offset; at < largeBlob.length; at += 1_000_000) {
            yield largeBlob.subarray(at, at + 1_000_000);
            await sleep(1200);
          }
        },
      };
      const layer = await client.repository(`${registry.host}/team/model`).write(slow);
      expect(layer.digest).toBe(sha256(largeBlob));
      expect(registry.tokens?.requests().length).toBeGreaterThan(1);
    });

    test('an identity token is exchanged; a wrong password is not printed', async () => {
      await using registry = await startRegistry({ kind, auth: 'token' });
      const token = registry.tokens?.identityToken ?? '';
      const as = (credential: Credential) =>
        clientFor(registry, { credentials: credentialsFor(registry.host, credential) });
      await using good = as({ kind: 'identity', token });
      await pushImage(good.repository(`${registry.host}/team/model`), [contentOf(smallBlob)], 'v1');
      expect(registry.tokens?.requests().at(-1)?.method).toBe('POST');
      await using bad = as({ kind: 'basic', username: 'tester', password: 'wr0ng-password' });
      const error = await bad
        .repository(`${registry.host}/team/model`)
        .write(contentOf(smallBlob))
        .catch((why) => why);
      expect(error).toMatchObject({ code: 'auth', next: expect.stringContaining('podman login') });
      expect(`${error}${error.next}`).not.toContain('wr0ng-password');
      expect(registry.log()).not.toContain('wr0ng-password');
    });

    test('a token without the right to push is an auth error', async () => {
      await using registry = await startRegistry({ kind, auth: 'token', tokens: { grant: () => ['pull'] } });
      await using client = clientFor(registry);
      const error = await client
        .repository(`${registry.host}/team/model`)
        .write(contentOf(smallBlob))
        .catch((why) => why);
      expect(error).toMatchObject({ code: 'auth', next: expect.stringContaining(registry.host) });
    });

    test('an untrusted certificate is reported at once', async () => {
      await using registry = await startRegistry({ kind, tls: true });
      const retries: string[] = [];
      await using client = new RegistryClient({
        env: noCredentials,
        onRetry: (message) => retries.push(message),
      });
      const error = await client
        .repository(`${registry.host}/team/model`)
        .tags()
        .catch((why) => why);
      expect(error).toMatchObject({ code: 'network', next: expect.stringContaining('--ca-file') });
      expect(retries).toEqual([]);
    });
  });
});
