/** Faults of a hub and its connections, on demand. */
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** The part of the hub that responds: the API, `resolve` (and `resolve-cache`), or the CDN. */
export type Part = 'api' | 'resolve' | 'cdn';

export interface Fault {
  on: Part;
  /** Only requests whose path below the repository (the API's whole path) matches; all by default. */
  path?: RegExp;
  /** How many requests it affects; 1 by default. */
  times?: number;
  /** How many requests to let pass first. */
  skip?: number;
  kind:
    | 'reset' // the connection breaks after `after` bytes of the body
    | 'cut' // likewise, but closed as if the body were complete
    | 'truncate' // the body ends cleanly after `after` bytes, without a Content-Length
    | 'wrong' // the byte of the body at `after` is changed
    | 'status' // the response has only `status` and `headers`
    | 'expired' // the signed URL is rejected as expired
    | 'whole' // the range is ignored: the whole file is sent
    | 'slow' // the response head is sent after `delay` milliseconds
    | 'crawl'; // the body pauses after `after` bytes for `delay` milliseconds
  after?: number;
  status?: number;
  headers?: Record<string, string>;
  delay?: number;
}

/** The pending faults. */
export class Faults {
  readonly #waiting: { fault: Fault; left: number; skip: number }[] = [];

  add(fault: Fault): void {
    this.#waiting.push({ fault, left: fault.times ?? 1, skip: fault.skip ?? 0 });
  }

  /** Faults that have affected fewer requests than requested. */
  pending(): Fault[] {
    return this.#waiting.filter(({ left }) => left > 0).map(({ fault }) => fault);
  }

  /** Drops all pending faults. */
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
 * Sends a body at `rate` (bytes per second; undefined: unthrottled) with the fault applied. Returns the number of bytes
 * sent.
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
      // The bytes written must arrive first: a reset discards any that the peer has not read.
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

/** Writes a chunk and waits until it drains; false if the peer has disconnected. */
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
