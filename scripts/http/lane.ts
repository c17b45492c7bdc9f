import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectSecure, type SecureContext } from 'node:tls';
import { ModelcarsError } from '../errors.ts';
import { type Head, parseHead } from './head.ts';

/** Takes bytes as they come. They are good until it returns; a promise asks to wait with the next. */
export type Take = (chunk: Uint8Array) => Promise<void> | undefined;

/** One GET. */
export interface LaneRequest {
  url: URL;
  headers: Record<string, string>;
  /** Statuses whose body is wanted. */
  expect: number[];
  signal?: AbortSignal | undefined;
  /** Sees an answer with such a status before its body; may throw. */
  look(head: Head): void;
  take: Take;
}

/** What came: the body went to `take`, or was left alone because of its status or form. */
export interface LaneAnswer extends Head {
  read: boolean;
}

/** The connection broke; what `look` or `take` threw is passed on as it is. */
export class LaneBroken extends Error {
  /** Whether any byte of an answer had come. */
  readonly answered: boolean;

  constructor(cause: unknown, answered: boolean) {
    super('the connection broke', { cause });
    this.answered = answered;
  }
}

const bufferSize = 128 * 1024;
const mostHead = 64 * 1024;
const connectTimeout = 30_000;
/** Milliseconds without a byte. */
const silence = 60_000;
/** Less than the 5 s after which Node's and Go's servers close a connection that nobody uses. */
const idleTimeout = 4_000;

/** The exchange under way. */
interface Exchange {
  request: LaneRequest;
  /** What came of the head; undefined once it is whole. */
  head: Buffer | undefined;
  answer: LaneAnswer | undefined;
  /** Bytes of the body to come. */
  left: number;
  started: boolean;
  resolve(answer: LaneAnswer): void;
  reject(error: unknown): void;
}

/**
 * An HTTP/1.1 connection for large GETs, one after the other. A socket that fills one buffer again and again needs a sixth of the CPU
 * of a stream of new buffers, and leaves no garbage. It reads bodies of a known length only; whatever else comes is for
 * the ordinary client.
 */
export class Lane {
  readonly #socket: Socket;
  readonly #onEnd: (lane: Lane) => void;
  #exchange: Exchange | undefined;
  #failure: unknown;
  #connected = false;
  #reusable = true;

  /** `onEnd` is called when it will take no more requests. */
  constructor(url: URL, secureContext: (() => SecureContext) | undefined, onEnd: (lane: Lane) => void) {
    this.#onEnd = onEnd;
    const host = url.hostname.replace(/^\[|\]$/g, '');
    const port = Number(url.port || (secureContext ? 443 : 80));
    const onread = {
      buffer: Buffer.allocUnsafeSlow(bufferSize),
      callback: (count: number, buffer: Uint8Array) => this.#receive((buffer as Buffer).subarray(0, count)),
    };
    if (secureContext) {
      // TLS sockets take `onread` too, which @types/node does not say.
      const secure: ConnectionOptions & { onread: typeof onread } = {
        host,
        port,
        onread,
        ...(isIP(host) === 0 && { servername: host }),
        secureContext: secureContext(),
        ALPNProtocols: ['http/1.1'],
      };
      this.#socket = connectSecure(secure);
    } else this.#socket = connectPlain({ host, port, onread });
    this.#socket
      .setNoDelay(true)
      .setTimeout(connectTimeout)
      .once(secureContext ? 'secureConnect' : 'connect', () => {
        this.#connected = true;
        this.#socket.setTimeout(silence);
      })
      .on('timeout', () => this.#socket.destroy(timedOut()))
      .on('error', (error) => {
        this.#failure ??= error;
      })
      .once('close', () => this.#closed());
  }

  /** Sends a request and hands its body over. The lane takes the next when this has resolved with `read`. */
  async get(request: LaneRequest): Promise<LaneAnswer> {
    const { url, headers, signal } = request;
    const { promise, resolve, reject } = Promise.withResolvers<LaneAnswer>();
    const all = fields({ host: url.host, connection: 'keep-alive', ...headers });
    const head = Buffer.alloc(0);
    this.#exchange = { request, head, answer: undefined, left: 0, started: false, resolve, reject };
    const onAbort = () => this.#socket.destroy();
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted || this.#socket.destroyed) onAbort();
    this.#socket.ref();
    if (this.#connected) this.#socket.setTimeout(silence);
    this.#socket.write(`GET ${url.pathname}${url.search} HTTP/1.1\r\n${all}\r\n`, 'latin1');
    try {
      return await promise;
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }

  /** Waits for its next request, but not for ever, and keeps no process alive. */
  rest(): void {
    this.#socket.setTimeout(idleTimeout).unref();
  }

  /** Whether it may be asked again. */
  get isOpen(): boolean {
    return this.#reusable && !this.#socket.destroyed && this.#exchange === undefined;
  }

  close(): void {
    this.#socket.destroy();
  }

  /** Bytes from the socket; false stops it. */
  #receive(bytes: Buffer): boolean {
    const exchange = this.#exchange;
    // Bytes that nobody asked for: this connection is out of step.
    if (exchange === undefined) this.close();
    else {
      try {
        exchange.started = true;
        const body = exchange.head === undefined ? bytes : this.#readHead(exchange, bytes);
        if (body !== undefined) return this.#give(exchange, body);
      } catch (error) {
        this.#exchange = undefined;
        this.close();
        exchange.reject(error);
      }
    }
    return true;
  }

  /** The body's first bytes when the head is whole and its body is to be read. */
  #readHead(exchange: Exchange, bytes: Buffer): Buffer | undefined {
    let head = Buffer.concat([exchange.head ?? bytes, bytes]);
    for (;;) {
      const end = head.indexOf('\r\n\r\n');
      if (end === -1 || end > mostHead) {
        if (head.length > mostHead) throw new LaneBroken(new Error('its head has no end'), true);
        exchange.head = head;
        return undefined;
      }
      const answer = parseHead(head.toString('latin1', 0, end));
      head = head.subarray(end + 4);
      // 100, 102 and 103 come before the answer.
      if (answer !== undefined && answer.status < 200) continue;
      const { request } = exchange;
      const wanted = answer !== undefined && request.expect.includes(answer.status);
      if (!wanted || answer.length === undefined) {
        this.#exchange = undefined;
        this.close();
        exchange.resolve({ ...(answer ?? unreadable), read: false });
        return undefined;
      }
      request.look(answer);
      exchange.head = undefined;
      exchange.answer = { ...answer, read: true };
      exchange.left = answer.length;
      this.#reusable = answer.keepAlive;
      return head;
    }
  }

  #give(exchange: Exchange, bytes: Buffer): boolean {
    // More than it said: what else is wrong with it?
    if (bytes.length > exchange.left)
      throw new LaneBroken(new Error('it sent more than its Content-Length'), true);
    exchange.left -= bytes.length;
    const wait = bytes.length > 0 ? exchange.request.take(bytes) : undefined;
    if (exchange.left === 0) {
      this.#exchange = undefined;
      if (!this.#reusable) this.close();
      if (exchange.answer) exchange.resolve(exchange.answer);
      return true;
    }
    if (wait === undefined) return true;
    // The other side is not silent while it is us who do not read.
    this.#socket.setTimeout(0);
    void wait.then(() => {
      this.#socket.setTimeout(silence);
      this.#socket.resume();
    });
    return false;
  }

  #closed(): void {
    this.#reusable = false;
    this.#onEnd(this);
    const exchange = this.#exchange;
    this.#exchange = undefined;
    const ended = Object.assign(new Error('other side closed'), { code: 'ECONNRESET' });
    exchange?.reject(new LaneBroken(this.#failure ?? ended, exchange.started));
  }
}

const unreadable: Head = { status: 0, headers: {}, length: undefined, keepAlive: false };

function timedOut(): Error {
  return Object.assign(new Error('nothing came for too long'), { code: 'ETIMEDOUT' });
}

function fields(headers: Record<string, string>): string {
  return Object.entries(headers)
    .map(([name, value]) => {
      // A line break would begin another header, or another request.
      if (/[^\t\x20-\x7e\x80-\xff]/.test(value))
        throw new ModelcarsError('usage', `send header ${name}: it has characters that no header can have`);
      return `${name}: ${value}\r\n`;
    })
    .join('');
}
