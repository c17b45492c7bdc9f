import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  contentOf,
  type FakeOptions,
  refuse,
  respond,
  sha256,
} from '../../../tests/support/fake-registry.ts';
import { bytes, digest, push } from '../../../tests/support/push-to-fake.ts';

describe('a broken upload', () => {
  test('resumes where the registry stopped, without reading the beginning again', async () => {
    const content = contentOf(bytes, { size: bytes.length });
    const { result, uploads, told, stored } = await push({ breaks: [40_000], resumes: true }, content);
    expect(result).toMatchObject({ digest });
    expect(content.opened).toEqual([0, 40_000]);
    expect(uploads.at(-2)?.headers['content-range']).toBe('40000-99999');
    expect(uploads.at(-2)?.path).toContain('state=40000');
    expect(stored?.equals(bytes)).toBe(true);
    expect(told).toBe(bytes.length);
  });

  test('restarts when the session is lost', async () => {
    const content = contentOf(bytes, { size: bytes.length });
    const { result, sequence, told } = await push({ breaks: [40_000] }, content);
    expect(result).toMatchObject({ digest });
    expect(sequence).toEqual(['POST', 'PATCH', 'GET', 'POST', 'PATCH', 'PUT']);
    expect(content.opened).toEqual([0, 0]);
    expect(told).toBe(bytes.length);
  });

  test.each([
    ['0-0', 'distribution sends that for an empty session, too'],
    ['0-999999', 'more than was sent'],
    ['garbage', 'no range'],
  ])('restarts when the session reports %s (%s)', async (range) => {
    const options: FakeOptions = {
      breaks: [40_000],
      resumes: true,
      intercept: (request, response) => request.method === 'GET' && respond(response, 204, { range }),
    };
    const { result, sequence } = await push(options, contentOf(bytes, { size: bytes.length }));
    expect(result).toMatchObject({ digest });
    expect(sequence).toEqual(['POST', 'PATCH', 'GET', 'POST', 'PATCH', 'PUT']);
  });

  test('accepts the range of Quay, which is one larger and has the prefix bytes=', async () => {
    const content = contentOf(bytes, { size: bytes.length });
    const options: FakeOptions = {
      breaks: [40_000],
      resumes: true,
      intercept: (request, response) =>
        request.method === 'GET' && respond(response, 204, { range: 'bytes=0-40000' }),
    };
    const { result } = await push(options, content);
    expect(result).toMatchObject({ digest });
    expect(content.opened).toEqual([0, 40_000]);
  });

  test('restarts without resuming when the registry cannot complete a resumed upload', async () => {
    let ends = 0;
    const options: FakeOptions = {
      breaks: [40_000],
      resumes: true,
      intercept: (request, response) =>
        request.method === 'PUT' && ends++ === 0 && refuse(response, 400, 'DIGEST_INVALID'),
    };
    const { result, sequence } = await push(options, contentOf(bytes, { size: bytes.length }));
    expect(result).toMatchObject({ digest });
    expect(sequence).toEqual(['POST', 'PATCH', 'GET', 'PATCH', 'PUT', 'HEAD', 'POST', 'PATCH', 'PUT']);
  });

  test('resumes after a reset in the middle of writing', async () => {
    const large = randomBytes(20_000_000);
    const options = { breaks: [1_000_000], resumes: true, resets: true };
    const { result } = await push(options, contentOf(large, { size: large.length }, 100_000));
    expect(result).toMatchObject({ digest: sha256(large) });
  });

  test('is given up after seven tries', async () => {
    const { result, retries } = await push(
      { breaks: new Array(100).fill(1000) },
      contentOf(bytes, { size: bytes.length }),
    );
    expect(result).toMatchObject({ code: 'network' });
    expect(retries).toHaveLength(6);
  });

  test('is not given up while it progresses', async () => {
    const breaks = new Array(30).fill(3000);
    const { result, told } = await push({ breaks, resumes: true }, contentOf(bytes, { size: bytes.length }));
    expect(result).toMatchObject({ digest });
    expect(told).toBe(bytes.length);
  });

  test('stores the correct bytes for any interruptions', async () => {
    const cases = fc.record({
      size: fc.nat({ max: 5000 }),
      chunk: fc.integer({ min: 1, max: 700 }),
      known: fc.boolean(),
      resumes: fc.boolean(),
      resets: fc.boolean(),
      breaks: fc.array(fc.option(fc.integer({ min: 1, max: 5000 }), { nil: undefined }), { maxLength: 4 }),
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ size, chunk, known, resumes, resets, breaks }) => {
        const part = bytes.subarray(0, size);
        const content = contentOf(part, known ? { size } : {}, chunk);
        const { result, told, fake } = await push({ breaks, resumes, resets }, content);
        expect(result).toMatchObject({ digest: sha256(part), size });
        expect(fake.blobs.get(`me/iris ${sha256(part)}`)?.equals(part)).toBe(true);
        expect(told).toBe(size);
      }),
      { numRuns: 60 },
    );
  });
});
