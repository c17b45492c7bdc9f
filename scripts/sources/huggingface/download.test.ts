import { describe, expect, it } from 'vitest';
import { generated, generatedHash } from '../../../tests/parts/hub-content.ts';
import type { Fault } from '../../../tests/parts/hub-faults.ts';
import { during, hub, large, open, token, uri, useModelHub } from '../../../tests/support/hub-source.ts';
import { collect, failure } from '../../../tests/support/outcome.ts';
import { rangeSize } from '../../http/ranges/read.ts';
import type { LockedFile } from '../../model/types.ts';
import type { HubSource } from './source.ts';

useModelHub();

describe('open', () => {
  const file: LockedFile = { path: 'model.safetensors', size: large.size, sha256: generatedHash(large) };
  const bytes = Buffer.concat([...generated(large.generate, 0, large.size)]);
  const read = (source: HubSource, offset?: number) =>
    collect(source.open(uri, hub.sha('org/model'), file, offset)).then((got) =>
      got.equals(bytes.subarray(offset)),
    );

  it('reads a large file in ranges from the CDN, and resolves its URL once', async () => {
    const { result, asked } = await during(() => read(open({ HF_TOKEN: token })));
    expect(result).toBe(true);
    expect(
      asked.filter(({ part }) => part === 'resolve').map(({ status, authorized }) => [status, authorized]),
    ).toEqual([[302, true]]);
    const ranges = asked.filter(({ part }) => part === 'cdn');
    expect(ranges).toHaveLength(Math.ceil(large.size / rangeSize));
    expect(ranges.reduce((sum, one) => sum + one.bytes, 0)).toBe(large.size);
  });

  it('reads from any offset, and remembers the URL', async () => {
    const source = open();
    for (const offset of [0, 1, rangeSize, 29_999_999, 30_000_000])
      expect(await read(source, offset)).toBe(true);
    const { asked } = await during(() => read(source, 20_000_000));
    expect(asked.filter(({ part }) => part === 'resolve')).toEqual([]);
    expect(asked.reduce((sum, one) => sum + one.bytes, 0)).toBe(10_000_000);
  });

  it('reads up to an end, and requests no more', async () => {
    const upTo = (offset: number, end: number) =>
      collect(open().open(uri, hub.sha('org/model'), file, offset, undefined, end));
    const { result, asked } = await during(() => upTo(100, 5000));
    expect(result.equals(bytes.subarray(100, 5000))).toBe(true);
    expect(asked.filter(({ part }) => part === 'cdn').map((one) => one.bytes)).toEqual([4900]);
    expect((await upTo(29_999_990, 40_000_000)).equals(bytes.subarray(-10))).toBe(true);
    hub.fault({ on: 'cdn', kind: 'whole', times: 2 });
    expect((await upTo(100, 5000)).equals(bytes.subarray(100, 5000))).toBe(true);
  });

  it('reads a small file by one request and its redirect, from an offset too', async () => {
    const [revision, path] = [hub.sha('org/model'), 'small.safetensors'];
    const small = { path, size: 9, sha256: '' };
    const { result, asked } = await during(() => collect(open().open(uri, revision, small)));
    expect(String(result)).toBe('few bytes');
    expect(asked.map(({ part }) => part)).toEqual(['resolve', 'cdn']);
    expect(String(await collect(open().open(uri, revision, small, 4)))).toBe('bytes');
    expect(String(await collect(open().open(uri, revision, { path: 'empty', size: 0, sha256: '' })))).toBe(
      '',
    );
  });

  const cdn = (fault: Omit<Fault, 'on'>): Fault => ({ on: 'cdn', ...fault });
  it.each<[string, Fault[]]>([
    ['a reset connection', [cdn({ kind: 'reset', after: 3_000_000, times: 3 })]],
    ['a connection that closes early', [cdn({ kind: 'cut', after: 1_000_000, times: 3 })]],
    ['a body that ends early', [cdn({ kind: 'truncate', after: 100, times: 3 })]],
    ['a connection that breaks at once', [cdn({ kind: 'reset', after: 0, times: 5 })]],
    ['an expired URL', [cdn({ kind: 'expired' })]],
    ['URLs that expire in the middle', [cdn({ kind: 'expired', skip: 2, times: 2 })]],
    ['an unavailable CDN', [cdn({ kind: 'status', status: 503, times: 4 })]],
    ['an unavailable hub', [{ on: 'resolve', kind: 'status', status: 502, times: 3 }]],
    ['a pause in the middle', [cdn({ kind: 'crawl', after: 500_000, delay: 200 })]],
    ['a server without ranges', [cdn({ kind: 'whole', times: 100 })]],
    [
      'a server without ranges that breaks',
      [cdn({ kind: 'reset', after: 3_000_000 }), cdn({ kind: 'whole', times: 99 })],
    ],
  ])('recovers from %s', async (_, faults) => {
    for (const fault of faults) hub.fault(fault);
    expect(await read(open())).toBe(true);
    expect(hub.pending().every(({ kind }) => kind === 'whole')).toBe(true);
  });

  it('requests all the rest at once from a server without ranges', async () => {
    hub.fault({ on: 'cdn', kind: 'whole', times: 1000 });
    const { asked } = await during(() => read(open()));
    const starts = asked
      .filter(({ part, range }) => part === 'cdn' && (range ?? '-29999999').endsWith('-29999999'))
      .map(({ range }) => Number(/\d+/.exec(range ?? '0')?.[0]));
    // The last of the ranges ends at that offset as well.
    expect(starts.filter((start) => start < 7 * rangeSize)).toHaveLength(1);
  });

  it('resumes a broken range where it broke', async () => {
    hub.fault({ on: 'cdn', kind: 'cut', after: 2_000_000 });
    const { asked } = await during(() => read(open()));
    const starts = asked
      .filter(({ part }) => part === 'cdn')
      .map(({ range }) => Number(/^bytes=(\d+)-/.exec(range ?? '')?.[1]) % rangeSize);
    expect(starts).toHaveLength(Math.ceil(large.size / rangeSize) + 1);
    const again = starts.filter((start) => start > 0);
    expect(again).toHaveLength(1);
    expect(again[0]).toBeLessThanOrEqual(2_000_000);
  });

  it.each<[string, Record<string, string>, number]>([
    ['Retry-After', { 'retry-after': '1' }, 1000],
    [
      'RateLimit',
      { ratelimit: '"resolvers";r=0;t=1', 'ratelimit-policy': '"fixed window";"resolvers";q=3000;w=300' },
      2000,
    ],
  ])('waits as long as %s asks, and reports it', async (_, headers, least) => {
    const told: string[] = [];
    hub.fault({ on: 'resolve', kind: 'status', status: 429, headers });
    const begun = performance.now();
    expect(await read(open({}, { onRetry: (message) => told.push(message) }))).toBe(true);
    expect(performance.now() - begun).toBeGreaterThanOrEqual(least - 5);
    expect(told).toHaveLength(1);
    expect(told[0]).toMatch(/model\.safetensors: .* \(429\); try 2 in [12] s$/);
  });

  it('fails with a clear message when the CDN refuses new URLs as well', async () => {
    hub.fault({ on: 'cdn', kind: 'expired', times: 50 });
    const error = await failure(read(open()));
    expect(error.code).toBe('source');
    expect(error.message).toMatch(
      /^read hf:\/\/org\/model: model\.safetensors: localhost:\d+, which .* answered 403$/,
    );
    expect(`${error.message} ${error.next}`).not.toContain('X-Amz');
  });

  it('reports a file that is larger than locked, before it passes on an excess byte', async () => {
    const short = { ...file, size: 20_000_000 };
    const error = await failure(collect(open().open(uri, hub.sha('org/model'), short)));
    expect(error).toMatchObject({
      code: 'integrity',
      message: expect.stringContaining('it has 30000000 bytes'),
    });
    const few = { path: 'small.safetensors', size: 5, sha256: '' };
    expect(await failure(collect(open().open(uri, hub.sha('org/model'), few)))).toMatchObject({
      code: 'integrity',
    });
  });

  it('stops all connections when its reader stops, and on abort', async () => {
    const stop = new AbortController();
    for await (const _ of open().open(uri, hub.sha('org/model'), file)) break;
    const reading = collect(open().open(uri, hub.sha('org/model'), file, 0, stop.signal));
    stop.abort();
    expect((await failure(reading)).code).toBe('cancelled');
  });

  it('is not stopped when another reader of the same file is aborted', async () => {
    const source = open();
    hub.fault({ on: 'resolve', kind: 'slow', delay: 200 });
    const stop = new AbortController();
    const one = failure(collect(source.open(uri, hub.sha('org/model'), file, 0, stop.signal)));
    const other = read(source);
    setTimeout(() => stop.abort(), 50);
    expect((await one).code).toBe('cancelled');
    expect(await other).toBe(true);
  });
});
