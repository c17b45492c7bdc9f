/** What can go wrong on the way from a hub, on demand. */
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** Which part of the hub answers: the API, `resolve` (and `resolve-cache`), or the CDN. */
export type Part = 'api' | 'resolve' | 'cdn';

export interface Fault {
  on: Part;
  /** Only requests whose path below the repository (the API's whole path) matches; all by default. */
  path?: RegExp;
  /** How many requests it hits; 1 by default. */
  times?: number;
  /** How many requests it lets pass first. */
  skip?: number;
  kind:
    | 'reset' // the connection breaks after `after` bytes of the body
    | 'cut' // likewise, but closed as if nothing were wrong
    | 'truncate' // the body ends well after `after` bytes: no length was promised
    | 'wrong' // one byte of the body, at `after`, is another
    | 'status' // answered with `status` and `headers`, nothing else
    | 'expired' // the signed URL is refused as out of date
    | 'whole' // a range is not heeded: all of the file comes
    | 'slow' // the head of the answer comes after `delay` milliseconds
    | 'crawl'; // the body stops after `after` bytes for `delay` milliseconds
  after?: number;
  status?: number;
  headers?: Record<string, string>;
  delay?: number;
}

/** The faults that wait for their request. */
export class Faults {
  readonly #waiting: { fault: Fault; left: number; skip: number }[] = [];

  add(fault: Fault): void {
    this.#waiting.push({ fault, left: fault.times ?? 1, skip: fault.skip ?? 0 });
  }

  /** Faults that have not hit as often as they should. */
  pending(): Fault[] {
    return this.#waiting.filter(({ left }) => left > 0).map(({ fault }) => fault);
  }

  /** Forgets those that wait. */
  clear(): void {
    this.#waiting.length = 0;
  }

  /** The fault for this request; counts it. */
  take(part: Part, path: string): Fault | undefined {
    for (const entry of this.#waiting) {
      const { fault } = entry;
      if (entry.left <= 0 || fault.on !== part || !(fault.path?.test(path) ?? true)) continue;
      if (entry.skip-- > 0) continue;
      entry.left--;
      return fault;
    }
    return undefined;
  }
}

/**
 * Sends a body as fast as `rate` (bytes a second; undefined: as fast as it goes) with a fault's damage. Returns how many bytes
 * went out.
 */
export async function sendBody(
  response: ServerResponse,
  body: AsyncIterable<Uint8Array>,
  rate: number | undefined,
  fault: Fault | undefined,
): Promise<number> {
  const after = fault?.after ?? 0;
  const begun = performance.now();
  let sent = 0;
  let paused = false;
  for await (let chunk of body) {
    const hits = fault !== undefined && sent + chunk.length > after;
    if (hits && fault.kind === 'wrong' && sent <= after) {
      chunk = Uint8Array.from(chunk);
      chunk[after - sent] = (chunk[after - sent] ?? 0) ^ 1;
    }
    const breaks = hits && ['reset', 'cut', 'truncate'].includes(fault.kind);
    if (breaks) chunk = chunk.subarray(0, after - sent);
    if (!(await write(response, chunk))) return sent;
    sent += chunk.length;
    if (breaks && fault.kind !== 'truncate') {
      // The written bytes must arrive first: a reset discards what the peer has not read.
      await sleep(20);
      if (fault.kind === 'cut') response.socket?.destroy();
      else response.socket?.resetAndDestroy();
      return sent;
    }
    if (breaks) break;
    if (hits && fault.kind === 'crawl' && !paused) {
      paused = true;
      await sleep(fault.delay ?? 1000);
    }
    if (rate !== undefined) {
      const ahead = begun + (sent / rate) * 1000 - performance.now();
      if (ahead > 1) await sleep(ahead);
    }
  }
  response.end();
  return sent;
}

/** Writes and waits for room; false when the other side is gone. */
async function write(response: ServerResponse, chunk: Uint8Array): Promise<boolean> {
  if (response.destroyed || response.socket?.destroyed) return false;
  if (response.write(chunk)) return true;
  return await new Promise((resolve) => {
    const done = (room: boolean) => () => {
      response.off('drain', drained).off('close', closed);
      resolve(room);
    };
    const drained = done(true);
    const closed = done(false);
    response.once('drain', drained).once('close', closed);
  });
}
