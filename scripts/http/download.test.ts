import { describe, expect, it } from 'vitest';
import { collect } from '../../tests/support/outcome.ts';
import { type DownloadOptions, download, type PartialBody } from './download.ts';
import { networkFailure, RequestFailure } from './failure.ts';
import { Pace } from './minimum-pace.ts';
import { Retries } from './retry.ts';

const content = Buffer.from('0123456789');

/** How one response behaves: what it holds, and where its connection breaks. */
interface Response {
  start?: number;
  breaksAt?: number;
  etag?: string;
  bytes?: Buffer;
}

/** Downloads `content` from responses in turn; returns the bytes and the offsets that were asked for. */
async function run(responses: Response[], options: Partial<DownloadOptions> = {}) {
  const asked: number[] = [];
  let dropped = 0;
  const chunks = download({
    what: 'read it',
    size: content.length,
    retries: new Retries({ retry: { tries: 3, delay: 0 } }),
    broken: (error, host = 'nobody') => networkFailure('read it', host, error),
    otherSize: (found, size) =>
      new RequestFailure(`read it: it has ${found} bytes, not ${size}`, { code: 'integrity' }),
    async open(at): Promise<PartialBody> {
      const { start = at, breaksAt, etag, bytes = content } = responses[asked.length] ?? {};
      asked.push(at);
      return {
        host: 'a.test',
        start,
        etag,
        drop: () => void dropped++,
        body: (async function* () {
          for (let next = start; next < bytes.length; next += 3) {
            if (breaksAt !== undefined && next >= breaksAt) break;
            yield bytes.subarray(next, Math.min(next + 3, breaksAt ?? bytes.length));
          }
          if (breaksAt !== undefined) throw Object.assign(new Error('reset'), { code: 'ECONNRESET' });
        })(),
      };
    },
    ...options,
  });
  const text = String(await collect(chunks));
  expect(dropped).toBe(asked.length);
  return { text, asked };
}

describe('download', () => {
  it('resumes at the byte where the connection broke', async () => {
    const { text, asked } = await run([{ breaksAt: 4 }, { breaksAt: 7 }, {}]);
    expect(text).toBe('0123456789');
    expect(asked).toEqual([0, 4, 7]);
  });

  it('skips bytes that a server without ranges repeats', async () => {
    const { text, asked } = await run([{ breaksAt: 4 }, { start: 0 }]);
    expect(text).toBe('0123456789');
    expect(asked).toEqual([0, 4]);
  });

  it('makes no further request when the connection breaks after the last byte', async () => {
    expect(await run([{ breaksAt: 10 }])).toEqual({ text: '0123456789', asked: [0] });
  });

  it('gives up after the allowed tries without a new byte', async () => {
    const responses = [{ breaksAt: 4 }, { breaksAt: 4 }, { breaksAt: 4 }, { breaksAt: 4 }];
    await expect(run(responses)).rejects.toThrow('the connection to a.test broke (reset)');
  });

  it('does not reset the tries of a small document that arrives byte by byte', async () => {
    const responses = [1, 2, 3, 4].map((breaksAt) => ({ breaksAt }));
    await expect(run(responses, { pace: () => new Pace() })).rejects.toThrow('a.test broke');
    expect((await run([...responses, {}])).text).toBe('0123456789');
  });

  it('refuses too many and too few bytes', async () => {
    const longer = Buffer.from('0123456789abc');
    await expect(run([{ bytes: longer }])).rejects.toThrow('it has at least 12 bytes, not 10');
    const short = { bytes: content.subarray(0, 6) };
    await expect(run([short, short, short, short])).rejects.toThrow('a.test ended after 6 of 10 bytes');
  });

  it('refuses a file that changed meanwhile, or restarts if the caller can', async () => {
    const responses = [
      { breaksAt: 4, etag: '"a"' },
      { etag: '"b"', start: 0 },
    ];
    await expect(run(responses)).rejects.toThrow('it changed on the server while it was read');
    let restarts = 0;
    const again = await run(responses, { restart: () => void restarts++ });
    expect(again.text).toBe('01230123456789');
    expect(restarts).toBe(1);
  });
});
