import type { LookupFunction } from 'node:net';
import type { SecureContext } from 'node:tls';
import { BulkConnection, type BulkRequest, type BulkResponse, ConnectionLost } from './connection.ts';

/** Lanes to many hosts, used again when they are free. */
export class BulkPool {
  readonly #secureContext: () => SecureContext;
  readonly #lookup: LookupFunction | undefined;
  readonly #resting = new Map<string, BulkConnection[]>();
  readonly #all = new Set<BulkConnection>();
  /** Hosts that send bodies no lane can read. */
  readonly #unfit = new Set<string>();

  /** `lookup` finds addresses; by default the system's. */
  constructor(secureContext: () => SecureContext, lookup?: LookupFunction) {
    this.#secureContext = secureContext;
    this.#lookup = lookup;
  }

  /** Whether asking for this URL is worth it: false for hosts whose bodies were of another form. */
  fits(url: URL): boolean {
    return !this.#unfit.has(url.origin);
  }

  /**
   * Sends a GET and gives its body to `take`. What another status or form is left unread (`read` is false). Fails with a
   * LaneBroken when the connection does, and with whatever `look` and `take` throw.
   */
  async get(request: BulkRequest): Promise<BulkResponse> {
    const { url } = request;
    for (;;) {
      const rested = this.#resting.get(url.origin)?.pop();
      const lane = rested ?? this.#make(url);
      let answer: BulkResponse;
      try {
        answer = await lane.get(request);
      } catch (error) {
        // A server closes a connection that rests; we may have asked after that.
        const stale = rested !== undefined && error instanceof ConnectionLost && !error.answered;
        if (stale && !request.signal?.aborted) continue;
        lane.close();
        throw error;
      }
      if (!answer.read && request.expect.includes(answer.status)) this.#unfit.add(url.origin);
      if (lane.isOpen) {
        lane.rest();
        const others = this.#resting.get(url.origin);
        if (others) others.push(lane);
        else this.#resting.set(url.origin, [lane]);
      }
      return answer;
    }
  }

  close(): void {
    for (const lane of this.#all) lane.close();
  }

  #make(url: URL): BulkConnection {
    const secure = url.protocol === 'https:' ? this.#secureContext : undefined;
    const onEnd = (ended: BulkConnection) => {
      this.#all.delete(ended);
      const resting = this.#resting.get(url.origin);
      if (resting)
        this.#resting.set(
          url.origin,
          resting.filter((one) => one !== ended),
        );
    };
    const lane = new BulkConnection(url, secure, onEnd, this.#lookup);
    this.#all.add(lane);
    return lane;
  }
}
