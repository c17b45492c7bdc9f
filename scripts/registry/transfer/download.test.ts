import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  type FakeOptions,
  refuse,
  respond,
  sha256,
  startFake,
  testClient,
} from '../../../tests/support/fake-registry.ts';
import type { Descriptor } from '../../image/types.ts';
import { credentialsFor } from '../auth/credentials.ts';

type Intercept = NonNullable<FakeOptions['intercept']>;
const bytes = randomBytes(300_000);
const descriptor: Descriptor = {
  mediaType: 'application/vnd.oci.image.layer.v1.tar',
  digest: sha256(bytes),
  size: bytes.length,
};

/** Pulls the blob from a registry that misbehaves according to `options`. */
async function pull(options: FakeOptions, wanted = descriptor, offset = 0) {
  await using fake = await startFake(options);
  fake.blobs.set(`me/iris ${wanted.digest}`, bytes);
  await using client = testClient();
  const chunks: Uint8Array[] = [];
  let error: unknown;
  try {
    for await (const chunk of client.repository(`${fake.host}/me/iris`).open(wanted, offset))
      chunks.push(chunk);
  } catch (reason) {
    error = reason;
  }
  const gets = fake.requests.filter((one) => one.path.includes('/blobs/'));
  return { got: Buffer.concat(chunks), error, ranges: gets.map((one) => one.headers.range) };
}

/** Breaks the connection after `after` bytes, `times` times. */
function breaking(after: number, times: number): Intercept {
  let left = times;
  return (request, response) => {
    if (!request.url?.includes('/blobs/') || left-- <= 0) return false;
    const start = Number(/\d+/.exec(request.headers.range ?? '')?.[0] ?? 0);
    const headers = {
      'content-length': bytes.length - start,
      'content-range': `bytes ${start}-299999/300000`,
    };
    response.writeHead(start > 0 ? 206 : 200, headers);
    response.write(bytes.subarray(start, start + after), () =>
      setTimeout(() => request.socket.destroy(), 10),
    );
    return true;
  };
}

describe('a pull', () => {
  test('reads all bytes, or those from an offset', async () => {
    expect((await pull({})).got.equals(bytes)).toBe(true);
    expect((await pull({}, descriptor, 1000)).got.equals(bytes.subarray(1000))).toBe(true);
    expect((await pull({}, descriptor, bytes.length)).got).toHaveLength(0);
  });

  test('resumes where the connection broke', async () => {
    const { got, ranges } = await pull({ intercept: breaking(100_000, 2) });
    expect(got.equals(bytes)).toBe(true);
    expect(ranges).toEqual([undefined, 'bytes=100000-', 'bytes=200000-']);
  });

  test('is not given up while bytes arrive', async () => {
    const { got } = await pull({ intercept: breaking(25_000, 11) });
    expect(got.equals(bytes)).toBe(true);
  });

  test('succeeds with a registry that ignores ranges', async () => {
    const ignore = breaking(100_000, 1);
    const intercept: FakeOptions['intercept'] = (request, response, fake) => {
      if (ignore(request, response, fake)) return true;
      delete request.headers.range;
      return false;
    };
    const { got } = await pull({ intercept });
    expect(got.equals(bytes)).toBe(true);
  });

  test('is given up when no more bytes arrive', async () => {
    const { error } = await pull({ intercept: breaking(0, 100) });
    expect(error).toMatchObject({ code: 'network' });
  });

  test.each([
    ['another digest', { ...descriptor, digest: sha256(Buffer.of(1)) }],
    ['more bytes', { ...descriptor, size: bytes.length - 1 }],
  ])('with %s than described fails before its last chunk', async (_, wanted) => {
    const { got, error } = await pull({}, wanted);
    expect(error).toMatchObject({ code: 'integrity' });
    expect(got.length).toBeLessThan(bytes.length);
  });

  test('refuses a range that it did not request', async () => {
    const intercept: FakeOptions['intercept'] = (request, response) =>
      request.headers.range !== undefined && respond(response, 206, { 'content-range': 'bytes 0-9/10' });
    const { error } = await pull({ intercept }, descriptor, 1000);
    expect(error).toMatchObject({ code: 'registry' });
  });
});

describe('a redirect', () => {
  const basic: Intercept = (request, response) =>
    request.headers.authorization === undefined &&
    refuse(response, 401, '', { 'www-authenticate': 'Basic realm="x"' });

  test('to object storage carries no Authorization', async () => {
    await using storage = await startFake({
      intercept: (request, response) =>
        request.headers.authorization
          ? refuse(response, 400)
          : (response.end(bytes) as unknown) !== undefined,
    });
    const intercept: FakeOptions['intercept'] = (request, response, fake) =>
      basic(request, response, fake) ||
      (request.url?.includes('/blobs/') &&
        respond(response, 307, { location: `http://${storage.host}/s3?Signature=abc` }));
    await using fake = await startFake({ intercept });
    const credentials = credentialsFor(fake.host, { kind: 'basic', username: 'me', password: 'secret' });
    await using client = testClient({ credentials });
    const chunks: Uint8Array[] = [];
    for await (const chunk of client.repository(`${fake.host}/me/iris`).open(descriptor)) chunks.push(chunk);
    expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
    expect(storage.requests.map((one) => one.headers.authorization)).toEqual([undefined]);
    expect(fake.requests.at(-1)?.headers.authorization).toBeDefined();
  });

  test('to a host that refuses is reported with that host, without the signature', async () => {
    await using storage = await startFake({
      intercept: (_, response) => refuse(response, 403, 'AccessDenied'),
    });
    const location = `http://${storage.host}/s3?Signature=secret-signature`;
    const { error } = await pull({
      intercept: (request, response) =>
        request.url?.includes('/blobs/') && respond(response, 302, { location }),
    });
    expect((error as Error).message).toContain(`${storage.host} answered 403`);
    expect((error as Error).message).not.toContain('secret-signature');
  });

  test.each([
    ['file:///etc/passwd', 'which is not https'],
    ['/again', 'more than 5 times'],
  ])('to %s is refused', async (location, why) => {
    const intercept: FakeOptions['intercept'] = (request, response) =>
      request.url !== '/v2/' && respond(response, 302, { location });
    const { error } = await pull({ intercept });
    expect((error as Error).message).toContain(why);
  });
});
