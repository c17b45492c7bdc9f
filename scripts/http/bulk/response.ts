import { parseHead, type ResponseHead } from './head.ts';

/** Takes bytes as they come. They are good until it returns; a promise asks to wait with the next. */
export interface ChunkSink {
  (chunk: Uint8Array): Promise<void> | undefined;
  /** Memory that the next bytes may be read into, for `take` to find them there; undefined when they may lie anywhere. */
  room?(): Uint8Array | undefined;
}

/** One GET. */
export interface BulkRequest {
  url: URL;
  headers: Record<string, string>;
  /** Statuses whose body is wanted. */
  expect: number[];
  signal?: AbortSignal | undefined;
  /** Sees an answer with such a status before its body; may throw. */
  look(head: ResponseHead): void;
  take: ChunkSink;
}

/** What came: the body went to `take`, or was left alone because of its status or form. */
export interface BulkResponse extends ResponseHead {
  read: boolean;
}

/** The connection broke; what `look` or `take` threw is passed on as it is. */
export class ConnectionLost extends Error {
  /** Whether any byte of an answer had come. */
  readonly answered: boolean;

  constructor(cause: unknown, answered: boolean) {
    super('the connection broke', { cause });
    this.answered = answered;
  }
}

const mostHead = 64 * 1024;
const beginning = 'HTTP/1.';
const unreadable: ResponseHead = { status: 0, headers: {}, length: undefined, keepAlive: false };

/** Reads one answer from the bytes of a connection. */
export class ResponseReader {
  readonly #request: BulkRequest;
  /** What came of the head; undefined once it is whole. */
  #head: Buffer | undefined;
  #answer: BulkResponse | undefined;
  #left = 0;
  #started = false;

  constructor(request: BulkRequest) {
    this.#request = request;
    this.#head = Buffer.alloc(0);
  }

  /** Whether any byte has come. */
  get started(): boolean {
    return this.#started;
  }

  /** Bytes of the body to come; unknown, and 0, before its head is there. */
  get left(): number {
    return this.#left;
  }

  /** Where the next bytes should be read into; undefined when it does not matter. */
  get room(): Uint8Array | undefined {
    return this.#head === undefined && this.#left > 0 ? this.#request.take.room?.() : undefined;
  }

  /** The answer, when no more bytes are wanted. */
  get answer(): BulkResponse | undefined {
    return this.#head === undefined && this.#left === 0 ? this.#answer : undefined;
  }

  /** Reads the next bytes, and returns what `take` does. Fails as `look` and `take` do, or with a LaneBroken. */
  read(bytes: Buffer): Promise<void> | undefined {
    this.#started = true;
    const body = this.#head === undefined ? bytes : this.#readHead(this.#head, bytes);
    if (body === undefined) return undefined;
    // More than it said: what else is wrong with it?
    if (body.length > this.#left)
      throw new ConnectionLost(new Error('it sent more than its Content-Length'), true);
    this.#left -= body.length;
    return body.length > 0 ? this.#request.take(body) : undefined;
  }

  /** The body's first bytes when the head is whole and its body is to be read. */
  #readHead(before: Buffer, bytes: Buffer): Buffer | undefined {
    const request = this.#request;
    let head = Buffer.concat([before, bytes]);
    for (;;) {
      const end = head.indexOf('\r\n\r\n');
      const start = head.toString('latin1', 0, beginning.length);
      // Something else than HTTP may wait for us to speak: it is not waited for.
      if (!beginning.startsWith(start)) return this.#leave(unreadable);
      if (end === -1 || end > mostHead) {
        if (head.length > mostHead) throw new ConnectionLost(new Error('its head has no end'), true);
        this.#head = head;
        return undefined;
      }
      const answer = parseHead(head.toString('latin1', 0, end));
      head = head.subarray(end + 4);
      // 100, 102 and 103 come before the answer; after 101 comes another protocol, for which nobody asked.
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
