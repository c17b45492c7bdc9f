import { parseHead, type ResponseHead } from './head.ts';

/**
 * Takes bytes as they arrive. They are valid until it returns; with a promise, the next bytes wait until it resolves.
 */
export interface ChunkSink {
  (chunk: Uint8Array): Promise<void> | undefined;
  /** Memory to read the next bytes into, so that `take` finds them there; undefined when they may be anywhere. */
  room?(): Uint8Array | undefined;
}

/** One GET. */
export interface BulkRequest {
  url: URL;
  headers: Record<string, string>;
  /** Statuses whose body is wanted. */
  expect: number[];
  signal?: AbortSignal | undefined;
  /** Called with a response of such a status before its body; may throw. */
  look(head: ResponseHead): void;
  take: ChunkSink;
}

/** The response: its body went to `take`, or was left unread because of its status or form. */
export interface BulkResponse extends ResponseHead {
  read: boolean;
}

/** The connection broke; errors of `look` and `take` are passed on unchanged. */
export class ConnectionLost extends Error {
  /** Whether any byte of a response had arrived. */
  readonly answered: boolean;

  constructor(cause: unknown, answered: boolean) {
    super('the connection broke', { cause });
    this.answered = answered;
  }
}

const mostHead = 64 * 1024;
const beginning = 'HTTP/1.';
const unreadable: ResponseHead = { status: 0, headers: {}, length: undefined, keepAlive: false };

/** Reads one response from the bytes of a connection. */
export class ResponseReader {
  readonly #request: BulkRequest;
  /** The head so far; undefined once it is complete. */
  #head: Buffer | undefined;
  #answer: BulkResponse | undefined;
  #left = 0;
  #started = false;

  constructor(request: BulkRequest) {
    this.#request = request;
    this.#head = Buffer.alloc(0);
  }

  /** Whether any byte has arrived. */
  get started(): boolean {
    return this.#started;
  }

  /** Bytes of the body still to come; unknown, and 0, until the head is complete. */
  get left(): number {
    return this.#left;
  }

  /** Memory for the next bytes; undefined when they may be anywhere. */
  get room(): Uint8Array | undefined {
    return this.#head === undefined && this.#left > 0 ? this.#request.take.room?.() : undefined;
  }

  /** The response, once no more bytes are needed. */
  get answer(): BulkResponse | undefined {
    return this.#head === undefined && this.#left === 0 ? this.#answer : undefined;
  }

  /**
   * Reads the next bytes and returns the result of `take`. Fails with the errors of `look` and `take`, or with
   * ConnectionLost.
   */
  read(bytes: Buffer): Promise<void> | undefined {
    this.#started = true;
    const body = this.#head === undefined ? bytes : this.#readHead(this.#head, bytes);
    if (body === undefined) return undefined;
    // More than its Content-Length: the rest of the response cannot be trusted either.
    if (body.length > this.#left)
      throw new ConnectionLost(new Error('it sent more than its Content-Length'), true);
    this.#left -= body.length;
    return body.length > 0 ? this.#request.take(body) : undefined;
  }

  /** The first bytes of the body, once the head is complete and if the body is to be read. */
  #readHead(before: Buffer, bytes: Buffer): Buffer | undefined {
    const request = this.#request;
    let head = Buffer.concat([before, bytes]);
    for (;;) {
      const end = head.indexOf('\r\n\r\n');
      const start = head.toString('latin1', 0, beginning.length);
      // A server of another protocol may wait for the client to speak: do not wait for it.
      if (!beginning.startsWith(start)) return this.#leave(unreadable);
      if (end === -1 || end > mostHead) {
        if (head.length > mostHead) throw new ConnectionLost(new Error('its head has no end'), true);
        this.#head = head;
        return undefined;
      }
      const answer = parseHead(head.toString('latin1', 0, end));
      head = head.subarray(end + 4);
      // 100, 102 and 103 precede the response; 101 switches to another protocol, which was not requested.
      if (answer !== undefined && answer.status < 200 && answer.status !== 101) continue;
      if (answer?.length === undefined || !request.expect.includes(answer.status))
        return this.#leave(answer ?? unreadable);
      request.look(answer);
      this.#head = undefined;
      this.#answer = { ...answer, read: true };
      this.#left = answer.length;
      return head;
    }
  }

  #leave(head: ResponseHead): undefined {
    this.#head = undefined;
    this.#answer = { ...head, read: false };
  }
}
