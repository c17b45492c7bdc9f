import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import {
  contentOf,
  type FakeOptions,
  refuse,
  respond,
  sha256,
} from '../../../tests/support/fake-registry.ts';
import { bytes, digest, push } from '../../../tests/support/push-to-fake.ts';
import { ModelcarsError } from '../../errors.ts';
import { RequestFailure } from '../../http/failure.ts';
import type { Content } from '../../image/types.ts';

describe('a conforming registry', () => {
  test('gets a layer of unknown digest in one PATCH without a range, as Docker sends it', async () => {
    const { result, uploads, told, stored } = await push({}, contentOf(bytes, { size: bytes.length }));
    expect(result).toEqual({
      mediaType: 'application/vnd.oci.image.layer.v1.tar',
      digest,
      size: bytes.length,
    });
    expect(uploads.map((one) => one.method)).toEqual(['POST', 'PATCH', 'PUT']);
    expect(uploads[1]?.headers).toMatchObject({
      'content-length': '100000',
      'content-type': 'application/octet-stream',
    });
    expect(uploads[1]?.headers['content-range']).toBeUndefined();
    expect(stored?.equals(bytes)).toBe(true);
    expect(told).toBe(bytes.length);
  });

  test('gets a layer of unknown size as well', async () => {
    const { result, uploads, told } = await push({}, contentOf(bytes));
    expect(result).toMatchObject({ digest, size: bytes.length });
    expect(uploads[1]?.headers['transfer-encoding']).toBe('chunked');
    expect(told).toBe(bytes.length);
  });

  test('gets small content of known digest in one PUT', async () => {
    const { sequence, stored } = await push({}, contentOf(bytes, { size: bytes.length, digest }));
    expect(sequence).toEqual(['HEAD', 'POST', 'PUT']);
    expect(stored?.equals(bytes)).toBe(true);
  });

  test('gets an empty blob', async () => {
    const { result } = await push({}, contentOf(Buffer.alloc(0)));
    expect(result).toMatchObject({ digest: sha256(Buffer.alloc(0)), size: 0 });
  });
});

describe('a registry that refuses', () => {
  test.each([400, 405, 415, 501])('PATCH with %i gets one PUT', async (status) => {
    const content = contentOf(bytes, { size: bytes.length });
    const intercept: FakeOptions['intercept'] = (request, response) =>
      request.method === 'PATCH' && refuse(response, status, 'UNSUPPORTED');
    const { result, sequence, told, stored } = await push({ intercept }, content);
    expect(result).toMatchObject({ digest });
    expect(sequence).toEqual(['POST', 'PATCH', 'POST', 'PUT']);
    expect(stored?.equals(bytes)).toBe(true);
    expect(told).toBe(bytes.length);
  });

  test('one PUT gets a PATCH', async () => {
    const intercept: FakeOptions['intercept'] = (request, response) =>
      request.method === 'PUT' &&
      request.headers['content-length'] !== '0' &&
      refuse(response, 405, 'UNSUPPORTED');
    const { result, sequence } = await push({ intercept }, contentOf(bytes, { size: bytes.length, digest }));
    expect(result).toMatchObject({ digest });
    expect(sequence).toEqual(['HEAD', 'POST', 'PUT', 'HEAD', 'POST', 'PATCH', 'PUT']);
  });

  test('a large body gets parts, of its minimum size or larger', async () => {
    const size = 80 * 1024 * 1024;
    const intercept: FakeOptions['intercept'] = (request, response, fake) => {
      if (request.method === 'POST') {
        fake.uploads.set('one', { chunks: [], size: 0 });
        const headers = {
          location: '/v2/me/iris/blobs/uploads/one',
          'oci-chunk-min-length': `${50 * 1024 * 1024}`,
        };
        response.writeHead(202, headers).end();
        return true;
      }
      return Number(request.headers['content-length']) === size && refuse(response, 413);
    };
    const zeros = contentOf(Buffer.alloc(size), { size }, 1024 * 1024);
    const { result, uploads } = await push({ intercept, discards: true }, zeros);
    expect(result).toMatchObject({ size });
    expect(uploads.flatMap((one) => one.headers['content-range'] ?? [])).toEqual([
      '0-52428799',
      '52428800-83886079',
    ]);
  });

  test('a large body gets parts even when its size is unknown', async () => {
    const large = randomBytes(40_000_000);
    const intercept: FakeOptions['intercept'] = (request, response) =>
      request.headers['transfer-encoding'] === 'chunked' && refuse(response, 413);
    const { result, uploads } = await push({ intercept }, contentOf(large, {}, 1_000_000));
    expect(result).toMatchObject({ digest: sha256(large) });
    expect(uploads.flatMap((one) => one.headers['content-range'] ?? [])).toEqual([
      '0-33554431',
      '33554432-39999999',
    ]);
  });

  test('everything ends the upload at once, with its error text', async () => {
    const intercept: FakeOptions['intercept'] = (request, response) =>
      request.method === 'POST' && refuse(response, 403, 'DENIED');
    const { result, sequence } = await push({ intercept }, contentOf(bytes, { size: bytes.length }));
    expect(result).toMatchObject({ code: 'auth', message: expect.stringContaining('403 (DENIED: denied)') });
    expect((result as ModelcarsError).next).toContain('podman login 127.0.0.1');
    expect(sequence).toEqual(['POST']);
  });
});

describe('a failing registry', () => {
  test.each([408, 429, 500, 502, 503, 504])('that responds %i is retried', async (status) => {
    let troubles = 2;
    const intercept: FakeOptions['intercept'] = (_, response) => troubles-- > 0 && refuse(response, status);
    const { result } = await push({ intercept }, contentOf(bytes, { size: bytes.length }));
    expect(result).toMatchObject({ digest });
  });

  test.each([
    ['POST', 7],
    ['PATCH', 14],
  ])('that always fails %s is given up after seven tries', async (method, requests) => {
    const intercept: FakeOptions['intercept'] = (request, response) =>
      request.method === method && refuse(response, 500);
    const { result, uploads } = await push({ intercept }, contentOf(bytes, { size: bytes.length }));
    expect(result).toMatchObject({ code: 'registry', message: expect.stringContaining('500') });
    expect(uploads.filter((one) => one.method !== 'DELETE')).toHaveLength(requests);
  });

  test('is retried after the delay of Retry-After', async () => {
    let troubles = 1;
    const intercept: FakeOptions['intercept'] = (request, response) =>
      request.method === 'PATCH' && troubles-- > 0 && refuse(response, 429, '', { 'retry-after': '1' });
    const started = performance.now();
    const { result } = await push({ intercept }, contentOf(bytes, { size: bytes.length }));
    expect(result).toMatchObject({ digest });
    expect(performance.now() - started).toBeGreaterThan(990);
  });

  test('whose response to the final PUT is lost is asked for the blob', async () => {
    let ends = 0;
    const intercept: FakeOptions['intercept'] = (request, _response, fake) => {
      if (request.method !== 'PUT' || ends++ > 0) return false;
      fake.blobs.set(`me/iris ${digest}`, bytes);
      request.socket.destroy();
      return true;
    };
    const { result, sequence } = await push({ intercept }, contentOf(bytes, { size: bytes.length }));
    expect(result).toMatchObject({ digest });
    expect(sequence).toEqual(['POST', 'PATCH', 'PUT', 'HEAD']);
  });

  test('that reports another digest is an integrity error', async () => {
    const intercept: FakeOptions['intercept'] = (request, response) =>
      request.method === 'PUT' && respond(response, 201, { 'docker-content-digest': sha256(Buffer.of(1)) });
    const { result } = await push({ intercept }, contentOf(bytes, { size: bytes.length }));
    expect(result).toMatchObject({ code: 'integrity' });
  });
});

describe('content that fails', () => {
  const failing = (error: Error): Content => ({
    mediaType: 'x/y',
    size: bytes.length,
    async *open() {
      yield bytes.subarray(0, 50_000);
      throw error;
    },
  });

  test.each([
    ['with wrong bytes', new ModelcarsError('integrity', 'read model.bin: wrong bytes')],
    [
      'with an error of another registry',
      new RequestFailure('pull base: no answer', { code: 'network', retryable: true }),
    ],
    ['with another error', new Error('boom')],
  ])('%s ends the upload at once and cancels the session', async (_, error) => {
    const { result, sequence, fake } = await push({}, failing(error));
    expect(result).toBe(error);
    expect(sequence.filter((method) => method !== 'PATCH')).toEqual(['POST', 'DELETE']);
    expect(fake.blobs.size).toBe(0);
  });

  test('because a large blob has another digest than announced is not completed', async () => {
    const large = Buffer.alloc(2_000_000);
    const known = { size: large.length, digest: sha256(bytes) };
    const { result, sequence } = await push({}, contentOf(large, known));
    expect(result).toMatchObject({
      code: 'integrity',
      message: expect.stringContaining('its bytes have digest'),
    });
    expect(sequence).not.toContain('PUT');
  });

  test.each([
    ['another digest', { size: bytes.length, digest: sha256(Buffer.of(1)) }],
    ['fewer bytes', { size: bytes.length + 1 }],
    ['more bytes', { size: bytes.length - 1 }],
    ['more bytes, in another chunk', { size: 99_000 }],
  ])('because it has %s than announced is not committed', async (_, known) => {
    const { result, fake, retries } = await push({}, contentOf(bytes, known));
    expect(result).toMatchObject({ code: 'integrity' });
    expect(fake.blobs.size).toBe(0);
    expect(retries).toEqual([]);
  });
});

test('a registry that pauses stops the upload from reading ahead, and gets the correct bytes', async () => {
  const large = randomBytes(96_000_000);
  const content = contentOf(large, { size: large.length }, 500_000);
  let given = 0;
  let ahead = 0;
  const counted: Content = {
    ...content,
    async *open(offset) {
      for await (const chunk of content.open(offset)) {
        given += chunk.length;
        yield chunk;
      }
    },
  };
  const intercept: FakeOptions['intercept'] = async ({ method }) => {
    if (method !== 'PATCH') return;
    await sleep(500);
    ahead = given;
  };
  const { result, retries } = await push({ intercept }, counted);
  expect(result).toMatchObject({ digest: sha256(large) });
  expect(retries).toEqual([]);
  // The socket buffers of the system hold some megabytes.
  expect(ahead).toBeGreaterThan(0);
  expect(ahead).toBeLessThan(large.length / 2);
});

test('a signal ends an upload and cancels the session', async () => {
  const abort = new AbortController();
  const endless: Content = {
    mediaType: 'x/y',
    async *open() {
      for (let count = 0; ; count++) {
        yield bytes;
        if (count === 5) abort.abort();
      }
    },
  };
  const { result, sequence } = await push({ discards: true }, endless, { signal: abort.signal });
  expect(result).toMatchObject({ code: 'cancelled' });
  expect(sequence.filter((method) => method !== 'PATCH')).toEqual(['POST', 'DELETE']);
});
