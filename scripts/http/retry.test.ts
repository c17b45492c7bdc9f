import { describe, expect, test } from 'vitest';
import { RequestFailure } from './failure.ts';
import { duration, parseRetryAfter, Retries, retrying } from './retry.ts';

const retry = { tries: 7, delay: 1000 };
const failure = (retryAfter?: number) =>
  new RequestFailure('push x: quay.io answered 429', {
    code: 'registry',
    status: 429,
    codes: ['TOOMANYREQUESTS'],
    retryable: true,
    ...(retryAfter !== undefined && { retryAfter }),
  });

/** The waits in seconds that the retries announce for successive failures; none is waited out. */
async function waits(failures: RequestFailure[], options = retry): Promise<(number | Error)[]> {
  let stop = new AbortController();
  const seconds: number[] = [];
  const retries = new Retries({
    retry: options,
    get signal() {
      return stop.signal;
    },
    onRetry: (line) => {
      seconds.push(Number(/; try \d in (\d+) s$/.exec(line)?.[1]));
      stop.abort();
    },
  });
  const all: (number | Error)[] = [];
  for (const one of failures) {
    stop = new AbortController();
    const error = await retries.wait(one).catch((reason: unknown) => reason as Error);
    all.push(stop.signal.aborted ? (seconds.at(-1) ?? Number.NaN) : (error as Error));
  }
  return all;
}

describe('Retries', () => {
  test('waits as long as the server asks, and doubles its own waits', async () => {
    const [asked, none, own] = await waits([failure(12_000), failure(0), failure()]);
    expect([asked, none]).toEqual([12, 0]);
    expect(own).toBeGreaterThanOrEqual(3);
    expect(own).toBeLessThanOrEqual(5);
  });

  test('waits out a rate limit of five minutes, once', async () => {
    const [first, second] = await waits([failure(301_000), failure(301_000)]);
    expect(first).toBe(301);
    expect((second as Error).message).toContain('asks to wait 6 min more (Retry-After)');
  });

  test('does not wait for hours, and reports the requested wait', async () => {
    const [error] = await waits([failure(7_200_000)]);
    expect(error).toMatchObject({
      message: 'push x: quay.io answered 429, and asks to wait 2 h (Retry-After)',
      next: 'run the command again in 2 h',
      code: 'registry',
      status: 429,
      codes: ['TOOMANYREQUESTS'],
      retryable: false,
    });
  });

  test('adds up the waits of one request', async () => {
    const all = await waits([1, 2, 3, 4].map(() => failure(100_000)));
    expect(all.slice(0, 3)).toEqual([100, 100, 100]);
    expect((all[3] as Error).message).toContain('and asks to wait 100 s more (Retry-After)');
  });

  test('gives up after the last try, and marks the failure as final', async () => {
    const last = failure(0);
    const all = await waits([failure(0), failure(0), last], { tries: 3, delay: 0 });
    expect(all).toEqual([0, 0, last]);
    expect(last.retryable).toBe(false);
  });

  test('starts counting again after progress', async () => {
    const retries = new Retries({ retry: { tries: 2, delay: 0 } });
    await retries.wait(failure());
    retries.progress();
    await retries.wait(failure());
    await expect(retries.wait(failure())).rejects.toThrow('answered 429');
  });

  test('tries a host that never responded only twice', async () => {
    const refused = () =>
      new RequestFailure('read x: a.test refuses connections', {
        code: 'network',
        retryable: true,
        cause: Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }),
      });
    let tries = 0;
    const task = () => Promise.reject(tries++ < 9 ? refused() : new Error('too often'));
    const options = { retry: { tries: 7, delay: 0 }, answered: () => false };
    await expect(retrying(options, task)).rejects.toThrow('refuses connections');
    expect(tries).toBe(2);
  });

  test('throws other errors at once', async () => {
    const error = new Error('a bug');
    await expect(new Retries({ retry }).wait(error)).rejects.toBe(error);
  });
});

test.each([
  ['120', 120_000],
  [['7', '8'], 7000],
  ['Wed, 21 Oct 2015 07:28:30 GMT', 30_000],
  ['Wed, 21 Oct 2015 07:27:00 GMT', 0],
  ['soon', undefined],
  [undefined, undefined],
])('Retry-After %j is %j ms', (header, milliseconds) => {
  expect(parseRetryAfter(header, Date.parse('2015-10-21T07:28:00Z'))).toBe(milliseconds);
});

test.each([
  [0, '0 s'],
  [500, '1 s'],
  [119_000, '119 s'],
  [120_000, '2 min'],
  [3_600_000, '60 min'],
  [7_200_000, '2 h'],
  [7_200_001, '3 h'],
  [259_200_000, '3 days'],
])('%i ms are %s', (milliseconds, words) => expect(duration(milliseconds)).toBe(words));
