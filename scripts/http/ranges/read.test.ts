import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ModelcarsError } from '../../errors.ts';
import { MemoryBudget } from '../../memory/budget.ts';
import type { ChunkSink } from '../bulk/connection.ts';
import { pour } from '../client.ts';
import { RequestFailure } from '../failure.ts';
import { parallelRanges, type RangesOptions } from './read.ts';

const bytes = Uint8Array.from({ length: 5000 }, (_, at) => (at * 31 + (at >> 8)) & 255);
const broken = () => new RequestFailure('it broke', { code: 'network', retryable: true });

/** A server that counts requests and breaks as planned: each request takes the next plan. */
class Server {
  readonly requests: { start: number; end: number }[] = [];
  open = 0;
  most = 0;
  /** Bytes sent and not yet taken by the reader. */
  ahead = 0;
  mostAhead = 0;
  readonly #plans: { piece: number; breakAfter?: number; short?: boolean; delay?: boolean }[];

  constructor(plans: { piece: number; breakAfter?: number; short?: boolean; delay?: boolean }[] = []) {
    this.#plans = plans;
  }

  readonly serve = async function* (
    this: Server,
    start: number,
    end: number,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    const plan = this.#plans[this.requests.length] ?? { piece: 700 };
    this.requests.push({ start, end });
    this.most = Math.max(this.most, ++this.open);
    try {
      for (let at = start; at < end; ) {
        if (plan.delay) await sleep(0);
        signal.throwIfAborted();
        const left =
          plan.breakAfter === undefined ? end - at : Math.min(end - at, start + plan.breakAfter - at);
        if (left <= 0) {
          if (plan.short) return;
          throw broken();
        }
        const chunk = bytes.slice(at, at + Math.min(plan.piece, left));
        at += chunk.length;
        this.ahead += chunk.length;
        this.mostAhead = Math.max(this.mostAhead, this.ahead);
        yield chunk;
      }
    } finally {
      this.open--;
    }
  }.bind(this);
}

const optionsFor = (server: Server, more: Partial<RangesOptions> = {}): RangesOptions => ({
  what: 'read it',
  size: bytes.length,
  receive: (start, end, take, signal) => pour(server.serve(start, end, signal), take),
  chunk: 512,
  connections: 4,
  retry: { tries: 4, delay: 0 },
  budget: new MemoryBudget(4096),
  ...more,
});

/** Passes bytes to `take` as a socket does: writes them into its `room` first. */
async function fill(chunks: AsyncIterable<Uint8Array>, take: ChunkSink): Promise<void> {
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; ) {
      const room = take.room?.() ?? new Uint8Array(chunk.length);
      const part = chunk.subarray(at, at + room.length);
      room.set(part);
      at += part.length;
      await take(room.subarray(0, part.length));
    }
  }
}

async function collect(chunks: AsyncIterable<Uint8Array>, server?: Server, slow = false): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) {
    if (slow) await sleep(0);
    if (server) server.ahead -= chunk.length;
    parts.push(Buffer.from(chunk));
  }
  return Buffer.concat(parts);
}

describe('parallelRanges', () => {
  it('gives the same bytes in order, for any sizes and interruptions', async () => {
    const plan = fc.record({
      piece: fc.integer({ min: 1, max: 900 }),
      breakAfter: fc.option(fc.integer({ min: 0, max: 600 }), { nil: 10_000 }),
      short: fc.boolean(),
      delay: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          plans: fc.array(plan, { maxLength: 30 }),
          chunk: fc.integer({ min: 1, max: 6000 }),
          connections: fc.integer({ min: 1, max: 9 }),
          size: fc.integer({ min: 0, max: bytes.length }),
          offset: fc.integer({ min: 0, max: 3000 }),
          room: fc.integer({ min: 0, max: 9000 }),
          slow: fc.boolean(),
          filling: fc.boolean(),
        }),
        async ({ plans, chunk, connections, size, offset, room, slow, filling }) => {
          const server = new Server(plans);
          const budget = new MemoryBudget(room);
          const retry = { tries: 40, delay: 0 };
          const most = {
            chunk: Math.max(chunk, Math.ceil(size / 200)),
            connections,
            size,
            offset,
            budget,
            retry,
            ...(filling && {
              receive: (start: number, end: number, take: ChunkSink, signal: AbortSignal) =>
                fill(server.serve(start, end, signal), take),
            }),
          };
          const read = await collect(parallelRanges(optionsFor(server, most)), server, slow);
          expect(read.equals(bytes.subarray(Math.min(offset, size), size))).toBe(true);
          expect(budget.free).toBe(room);
          expect(server.open).toBe(0);
        },
      ),
      { numRuns: 120 },
    );
  });

  it('reads ranges concurrently, up to the limit', async () => {
    const server = new Server(Array.from({ length: 10 }, () => ({ piece: 100, delay: true })));
    await collect(parallelRanges(optionsFor(server)));
    expect(server.most).toBe(4);
    expect(server.requests.length).toBe(10);
  });

  it('makes one request for content smaller than a range', async () => {
    const server = new Server();
    await collect(parallelRanges(optionsFor(server, { chunk: 6000 })));
    expect(server.requests).toEqual([{ start: 0, end: 5000 }]);
  });

  it('resumes a broken range at the first missing byte, and requests no byte twice', async () => {
    const server = new Server([{ piece: 50, breakAfter: 200 }]);
    await collect(parallelRanges(optionsFor(server, { connections: 1 })));
    expect(server.requests.slice(0, 2)).toEqual([
      { start: 0, end: 512 },
      { start: 200, end: 512 },
    ]);
    const lengths = server.requests.slice(1).reduce((sum, { start, end }) => sum + end - start, 0);
    expect(lengths).toBe(5000 - 200);
  });

  it.each([
    ['breaks', false, 'it broke'],
    ['ends early', true, 'the answer ended 512 bytes early'],
  ])('gives up after the allowed tries without a new byte, and reports why: it %s', async (_, short, why) => {
    const told: string[] = [];
    const server = new Server(Array.from({ length: 20 }, () => ({ piece: 50, breakAfter: 0, short })));
    const options = optionsFor(server, { connections: 1, onRetry: (message) => told.push(message) });
    await expect(collect(parallelRanges(options))).rejects.toThrow(why);
    expect(server.requests.length).toBe(4);
    expect(told).toEqual([2, 3, 4].map((number) => expect.stringContaining(`${why}; try ${number} in 0 s`)));
  });

  it('retries without limit while bytes arrive', async () => {
    const server = new Server(Array.from({ length: 100 }, () => ({ piece: 50, breakAfter: 50 })));
    expect((await collect(parallelRanges(optionsFor(server)))).length).toBe(5000);
  });

  it('stops all requests at once after a permanent failure', async () => {
    const refused = new ModelcarsError('auth', 'no');
    const server = new Server();
    const budget = new MemoryBudget(4096);
    let calls = 0;
    const options = optionsFor(server, {
      budget,
      async receive(start, end, take, signal) {
        if (++calls === 3) throw refused;
        for await (const chunk of server.serve(start, end, signal)) {
          await take(chunk);
          await sleep(5);
        }
      },
    });
    await expect(collect(parallelRanges(options))).rejects.toBe(refused);
    expect(calls).toBeLessThan(6);
    expect(server.open).toBe(0);
    expect(budget.free).toBe(4096);
  });

  it('refuses more bytes than it requested', async () => {
    const options = optionsFor(new Server(), {
      async receive(start, end, take) {
        await take(bytes.subarray(start, end + 1));
      },
      size: 1000,
    });
    await expect(collect(parallelRanges(options))).rejects.toMatchObject({ code: 'source' });
  });

  it('stops all requests when its reader stops', async () => {
    const server = new Server(Array.from({ length: 10 }, () => ({ piece: 10, delay: true })));
    const budget = new MemoryBudget(4096);
    for await (const chunk of parallelRanges(optionsFor(server, { budget }))) {
      expect(chunk.length).toBe(512);
      break;
    }
    expect(server.open).toBe(0);
    expect(budget.free).toBe(4096);
  });

  it('fails with the reason of the signal, also while it waits to retry', async () => {
    const stop = new AbortController();
    const why = new ModelcarsError('cancelled', 'enough');
    const server = new Server(Array.from({ length: 9 }, () => ({ piece: 10, breakAfter: 0 })));
    const retry = { tries: 9, delay: 60_000 };
    const reading = collect(parallelRanges(optionsFor(server, { signal: stop.signal, retry })));
    setTimeout(() => stop.abort(why), 20);
    await expect(reading).rejects.toBe(why);
    const late = parallelRanges(optionsFor(server, { signal: stop.signal }));
    const before = server.requests.length;
    await expect(collect(late)).rejects.toBe(why);
    expect(server.requests.length).toBe(before);
  });

  it('holds no more in memory than the budget and one lead per reader', async () => {
    const budget = new MemoryBudget(1024);
    const server = new Server(Array.from({ length: 200 }, () => ({ piece: 64, delay: true })));
    const read = await Promise.all(
      Array.from({ length: 6 }, () => collect(parallelRanges(optionsFor(server, { budget })), server, true)),
    );
    for (const one of read) expect(one.equals(bytes)).toBe(true);
    // Each of the six has its lead (a whole range here, 512 < 1 MiB), and all together the budget.
    expect(server.mostAhead).toBeLessThanOrEqual(1024 + 6 * 512);
  });

  it('reads no faster than its consumer when the budget is empty', async () => {
    const size = 16 * 1024 ** 2;
    let given = 0;
    let taken = 0;
    let most = 0;
    const options = optionsFor(new Server(), {
      size,
      chunk: size,
      budget: new MemoryBudget(0),
      async receive(start, end, take) {
        for (let at = start; at < end; at += 16_384) {
          given += 16_384;
          most = Math.max(most, given - taken);
          await take(new Uint8Array(16_384));
        }
      },
    });
    for await (const chunk of parallelRanges(options)) {
      await sleep(5);
      taken += chunk.length;
    }
    expect(taken).toBe(size);
    // Its lead, one buffer being filled and one being taken, 1 MiB each.
    expect(most).toBeLessThanOrEqual(3 * 1024 ** 2);
  });

  it('lets others read while one idle reader holds the whole budget', async () => {
    const budget = new MemoryBudget(1024);
    const standing = parallelRanges(optionsFor(new Server(), { budget }));
    await standing.next();
    await sleep(10);
    expect(budget.free).toBeLessThan(512);
    expect((await collect(parallelRanges(optionsFor(new Server(), { budget })))).equals(bytes)).toBe(true);
    await standing.return(undefined);
    expect(budget.free).toBe(1024);
  });
});

describe('MemoryBudget', () => {
  it('grants requests in order, large ones too', () => {
    const budget = new MemoryBudget(10);
    const answered: string[] = [];
    budget.ask(8, () => answered.push('first'));
    const withdraw = budget.ask(9, () => answered.push('large'));
    budget.ask(1, () => answered.push('small'));
    expect(answered).toEqual(['first']);
    withdraw();
    expect(answered).toEqual(['first', 'small']);
    budget.ask(9, () => answered.push('large again'));
    budget.release(8);
    expect(answered).toEqual(['first', 'small', 'large again']);
    expect(budget.free).toBe(0);
  });
});
