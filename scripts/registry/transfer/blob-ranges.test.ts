import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  type FakeOptions,
  respond,
  sha256,
  startFake,
  testClient,
} from '../../../tests/support/fake-registry.ts';
import type { Descriptor } from '../../image/types.ts';
import { readAhead } from '../../memory/shares.ts';

const mebibyte = 1024 ** 2;
/** Room for all ranges, whatever other tests of this process left. */
const before = readAhead.size;
beforeAll(() => readAhead.resize(128 * mebibyte));
afterAll(() => readAhead.resize(before));

/** Five ranges, the last of them short. */
const bytes = randomBytes(34 * mebibyte);
const descriptor: Descriptor = {
  mediaType: 'application/vnd.oci.image.layer.v1.tar',
  digest: sha256(bytes),
  size: bytes.length,
};
const ranges = [
  'bytes=0-8388607',
  'bytes=8388608-16777215',
  'bytes=16777216-25165823',
  'bytes=25165824-33554431',
  'bytes=33554432-35651583',
];

/** Sends the first range that is requested in two parts, so slowly that more connections are worth it. */
function slowStart(): NonNullable<FakeOptions['intercept']> {
  let isFirst = true;
  return (request, response) => {
    const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
    if (!isFirst || range === null) return false;
    isFirst = false;
    const [start, end] = [Number(range[1]), Number(range[2]) + 1];
    response.writeHead(206, {
      'content-length': end - start,
      'content-range': `bytes ${start}-${end - 1}/${bytes.length}`,
    });
    response.write(bytes.subarray(start, start + 1000));
    setTimeout(() => response.end(bytes.subarray(start + 1000, end)), 80);
    return true;
  };
}

/** Reads the blob, at most `most` bytes of it, from a registry that first of all does what `intercept` says. */
async function read(
  intercept?: FakeOptions['intercept'],
  { wanted = descriptor, offset = 0, most = Infinity, isSlow = true } = {},
) {
  const slowly = isSlow ? slowStart() : undefined;
  await using fake = await startFake({
    intercept: async (...call) => (await intercept?.(...call)) || slowly?.(...call),
  });
  fake.blobs.set(`me/iris ${wanted.digest}`, bytes);
  await using client = testClient();
  const got = Buffer.alloc(bytes.length - offset);
  let size = 0;
  let error: unknown;
  try {
    for await (const chunk of client.repository(`${fake.host}/me/iris`).open(wanted, offset)) {
      got.set(chunk, size);
      size += chunk.length;
      if (size >= most) break;
    }
  } catch (reason) {
    error = reason;
  }
  const gets = fake.requests.filter((one) => one.path.includes('/blobs/'));
  const isRight = got.subarray(0, size).equals(bytes.subarray(offset, offset + size));
  return { size, isRight, error, ranges: gets.map((one) => one.headers.range) };
}

describe('a large blob', () => {
  it('is read in ranges, each byte once, also from an offset', async () => {
    const whole = await read();
    expect(whole).toMatchObject({ size: bytes.length, isRight: true, error: undefined });
    expect(whole.ranges.sort()).toEqual(ranges.toSorted());
    const rest = await read(undefined, { offset: mebibyte });
    expect(rest).toMatchObject({ size: bytes.length - mebibyte, isRight: true });
    expect(rest.ranges[0]).toBe('bytes=1048576-9437183');
  });

  it('is asked for by several requests at once, but for the first range', async () => {
    let open = 0;
    const seen: number[] = [];
    await read((request, response) => {
      if (!request.url?.includes('/blobs/')) return false;
      seen.push(++open);
      response.on('close', () => open--);
      return false;
    });
    expect(seen.slice(0, 2)).toEqual([1, 1]);
    expect(Math.max(...seen)).toBeGreaterThan(1);
  });

  it.each([
    ['two connections at most from a registry that is fast', 0, 2],
    ['four from one that is slow', 100, 4],
  ])('comes by %s', async (_, step, connections) => {
    let open = 0;
    let most = 0;
    const hold: FakeOptions['intercept'] = async (request, response) => {
      if (!request.url?.includes('/blobs/')) return false;
      most = Math.max(most, ++open);
      response.on('close', () => open--);
      if (request.headers.range === ranges[0]) return false;
      // One more request than there should be would arrive meanwhile.
      for (let turns = 0; turns < 100 && most < connections; turns++) await sleep(20);
      await sleep(50);
      return false;
    };
    // Milliseconds that pass with each look at the clock.
    let now = 0;
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => (now += step));
    const seen = await read(hold, { isSlow: false }).finally(() => clock.mockRestore());
    expect(seen).toMatchObject({ size: bytes.length, isRight: true, error: undefined });
    expect(most).toBe(connections);
  });

  it('comes from where the first range was redirected to, and is asked for again when that URL expires', async () => {
    let asked = 0;
    const expired = new Set<string>();
    const seen = await read((request, response) => {
      const url = new URL(request.url ?? '', 'http://storage');
      if (!url.pathname.includes('/blobs/')) return false;
      const key = url.searchParams.get('signed');
      if (key === null) {
        response.writeHead(307, { location: `${url.pathname}?signed=${++asked}` }).end();
        return true;
      }
      if (request.headers.range === ranges[2]) expired.add('1');
      if (!expired.has(key)) return false;
      response.writeHead(403).end();
      return true;
    });
    expect(seen).toMatchObject({ size: bytes.length, isRight: true, error: undefined });
    // Not once per range.
    expect(asked).toBeGreaterThan(1);
    expect(asked).toBeLessThan(5);
  });

  it('costs one request where only its start is read', async () => {
    const { ranges: asked, isRight } = await read(undefined, { most: 512 });
    expect(isRight).toBe(true);
    expect(asked).toEqual([ranges[0]]);
  });

  it('comes whole from a registry without ranges', async () => {
    const seen = await read((request) => {
      delete request.headers.range;
      return false;
    });
    expect(seen).toMatchObject({ size: bytes.length, isRight: true, error: undefined });
  });

  it('comes by one connection from where a registry stops to serve ranges', async () => {
    let asked = 0;
    const seen = await read((request) => {
      if (request.url?.includes('/blobs/') && ++asked > 2) delete request.headers.range;
      return false;
    });
    expect(seen).toMatchObject({ size: bytes.length, isRight: true, error: undefined });
    expect(seen.ranges.slice(0, 2)).toEqual(ranges.slice(0, 2));
  });

  it('resumes a range where its connection broke', async () => {
    let broken = false;
    const seen = await read((request, response) => {
      if (broken || request.headers.range !== ranges[2]) return false;
      broken = true;
      const start = 2 * 8 * mebibyte;
      response.writeHead(206, {
        'content-length': 8 * mebibyte,
        'content-range': `bytes ${start}-${start + 8 * mebibyte - 1}/${bytes.length}`,
      });
      response.write(bytes.subarray(start, start + mebibyte), () =>
        setTimeout(() => request.socket.destroy(), 10),
      );
      return true;
    });
    expect(seen).toMatchObject({ size: bytes.length, isRight: true, error: undefined });
    expect(seen.ranges).toContain('bytes=17825792-25165823');
  });

  it.each([
    ['another range', 'bytes 0-8388607/35651584', 'registry'],
    ['no range', undefined, 'registry'],
    ['another size', 'bytes 8388608-16777215/99', 'integrity'],
  ])('is refused when the registry answers with %s', async (_, range, code) => {
    const { error } = await read(
      (request, response) =>
        request.headers.range === ranges[1] &&
        respond(response, 206, { ...(range && { 'content-range': range }) }),
    );
    expect(error).toMatchObject({ code });
  });

  it('with another digest fails before its last chunk', async () => {
    const { error, size } = await read(undefined, {
      wanted: { ...descriptor, digest: sha256(Buffer.of(1)) },
    });
    expect(error).toMatchObject({ code: 'integrity' });
    expect(size).toBeLessThan(bytes.length);
  });
});
