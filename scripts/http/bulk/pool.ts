import type { LookupFunction } from 'node:net';
import type { SecureContext } from 'node:tls';
import { BulkConnection, type BulkRequest, type BulkResponse, ConnectionLost } from './connection.ts';

/** Bulk connections to many hosts, reused when idle. */
export class BulkPool {
  readonly #secureContext: () => SecureContext;
  readonly #lookup: LookupFunction | undefined;
  readonly #resting = new Map<string, BulkConnection[]>();
  readonly #all = new Set<BulkConnection>();
  /** Origins that send bodies which bulk connections cannot read. */
  readonly #unfit = new Set<string>();

  /** `lookup` resolves host names, by default with the system. */
  constructor(secureContext: () => SecureContext, lookup?: LookupFunction) {
    this.#secureContext = secureContext;
    this.#lookup = lookup;
  }

  /** Whether a bulk connection is worth trying for this URL: false for origins that sent bodies of another form. */
  fits(url: URL): boolean {
    return !this.#unfit.has(url.origin);
  }

  /**
   * Sends a GET and passes its body to `take`. A response of another status or form is left unread (`read` is false).
   * Fails with ConnectionLost when the connection breaks, and with any error of `look` or `take`.
   */
  async get(request: BulkRequest): Promise<BulkResponse> {
    const { url } = request;
    for (;;) {
      const rested = this.#resting.get(url.origin)?.pop();
      const connection = rested ?? this.#make(url);
      let answer: BulkResponse;
      try {
        answer = await connection.get(request);
      } catch (error) {
        // The server may have closed the idle connection before this request was sent.
        const stale = rested !== undefined && error instanceof ConnectionLost && !error.answered;
        if (stale && !request.signal?.aborted) continue;
        connection.close();
        throw error;
      }
      if (!answer.read && request.expect.includes(answer.status)) this.#unfit.add(url.origin);
      if (connection.isOpen) {
        connection.rest();
        const others = this.#resting.get(url.origin);
        if (others) others.push(connection);
        else this.#resting.set(url.origin, [connection]);
      }
      return answer;
    }
  }

  close(): void {
    for (const connection of this.#all) connection.close();
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
    const connection = new BulkConnection(url, secure, onEnd, this.#lookup);
    this.#all.add(connection);
    return connection;
  }
}
