import { connect as connectPlain, isIP, type LookupFunction, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectSecure, type SecureContext } from 'node:tls';
import { ModelcarsError } from '../../errors.ts';
import { type BulkRequest, type BulkResponse, ConnectionLost, ResponseReader } from './response.ts';

export { type BulkRequest, type BulkResponse, type ChunkSink, ConnectionLost } from './response.ts';

const bufferSize = 64 * 1024;
const connectTimeout = 30_000;
/** Milliseconds without a byte. */
const silence = 60_000;
/** Milliseconds; less than the 5 s after which Node's and Go's servers close an idle connection. */
const idleTimeout = 4_000;

/** The current exchange. */
interface Exchange {
  signal: AbortSignal | undefined;
  reader: ResponseReader;
  /** Bytes received while `take` asks to wait; undefined when it does not. */
  held: Buffer[] | undefined;
  resolve(answer: BulkResponse): void;
  reject(error: unknown): void;
}

/**
 * An HTTP/1.1 connection for large GETs, one after another. A socket that writes into the memory of the sink, or into
 * one reused buffer, needs a sixth of the CPU of a stream of new buffers, and leaves no garbage. Reads only bodies of a
 * known length; all other responses are left to undici.
 */
export class BulkConnection {
  readonly #socket: Socket;
  readonly #onEnd: (connection: BulkConnection) => void;
  readonly #buffer = Buffer.allocUnsafeSlow(bufferSize);
  #exchange: Exchange | undefined;
  #failure: unknown;
  #connected = false;

  /**
   * `onEnd` is called when the connection takes no more requests; `lookup` resolves the host, by default with the
   * system.
   */
  constructor(
    url: URL,
    secureContext: (() => SecureContext) | undefined,
    onEnd: (connection: BulkConnection) => void,
    lookup?: LookupFunction,
  ) {
    this.#onEnd = onEnd;
    const host = url.hostname.replace(/^\[|\]$/g, '');
    const port = Number(url.port || (secureContext ? 443 : 80));
    const onread = {
      buffer: () => this.#memory(),
      callback: (count: number, { buffer, byteOffset }: Uint8Array) =>
        this.#receive(Buffer.from(buffer, byteOffset, count)),
    };
    if (secureContext) {
      // TLS sockets take `onread` too, which @types/node does not declare.
      const secure: ConnectionOptions & { onread: typeof onread } = {
        host,
        port,
        onread,
        ...(lookup && { lookup }),
        ...(isIP(host) === 0 && { servername: host }),
        secureContext: secureContext(),
        ALPNProtocols: ['http/1.1'],
      };
      this.#socket = connectSecure(secure);
    } else this.#socket = connectPlain({ host, port, onread, ...(lookup && { lookup }) });
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

  /**
   * Sends a request and passes its body to `take`. If the connection is open once this has resolved, it takes the next
   * request.
   */
  async get(request: BulkRequest): Promise<BulkResponse> {
    const { url, headers, signal } = request;
    const all = fields({ host: url.host, connection: 'keep-alive', ...headers });
    if (signal?.aborted) this.close();
    if (this.#socket.destroyed) throw new ConnectionLost(this.#failure ?? ended(), false);
    const { promise, resolve, reject } = Promise.withResolvers<BulkResponse>();
    this.#exchange = { signal, reader: new ResponseReader(request), held: undefined, resolve, reject };
    const onAbort = () => this.close();
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#socket.ref();
    if (this.#connected) this.#socket.setTimeout(silence);
    this.#socket.write(`GET ${url.pathname}${url.search} HTTP/1.1\r\n${all}\r\n`, 'latin1');
    try {
      return await promise;
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }

  /** Waits for the next request for `idleTimeout`, without keeping the process alive. */
  rest(): void {
    this.#socket.setTimeout(idleTimeout).unref();
  }

  /** Whether the connection takes another request. */
  get isOpen(): boolean {
    return !this.#socket.destroyed && this.#exchange === undefined;
  }

  close(): void {
    this.#socket.destroy();
  }

  /**
   * Memory for the next bytes of the socket. While `take` waits, no bytes must go into the room that it will write to
   * next.
   */
  #memory(): Uint8Array {
    const { held, reader } = this.#exchange ?? {};
    return (held === undefined && reader?.room) || this.#buffer;
  }

  /** Receives bytes from the socket; false pauses it. */
  #receive(bytes: Buffer): boolean {
    const exchange = this.#exchange;
    if (exchange?.held) {
      // A paused TLS socket still delivers the bytes that it has decrypted: at most 64 KiB.
      exchange.held.push(Buffer.from(bytes));
      return false;
    }
    if (exchange) return this.#read(exchange, bytes);
    // Bytes without a request: the connection is out of sync.
    this.close();
    return true;
  }

  #read(exchange: Exchange, bytes: Buffer): boolean {
    let wait: Promise<void> | undefined;
    try {
      wait = exchange.reader.read(bytes);
    } catch (error) {
      this.#fail(exchange, error);
      return true;
    }
    if (wait === undefined) {
      this.#finish(exchange);
      return true;
    }
    exchange.held = [];
    // The server is not silent: this side is not reading.
    this.#socket.setTimeout(0);
    wait.then(
      () => this.#goOn(exchange),
      (error: unknown) => this.#fail(exchange, error),
    );
    return false;
  }

  /** Continues reading after `take` asked to wait. */
  #goOn(exchange: Exchange): void {
    if (this.#exchange !== exchange) return;
    const held = Buffer.concat(exchange.held ?? []);
    exchange.held = undefined;
    if (held.length > 0 && !this.#read(exchange, held)) return;
    this.#socket.setTimeout(silence);
    this.#socket.resume();
    if (this.#exchange === exchange) this.#finish(exchange);
  }

  /** Ends the exchange if the response is complete. */
  #finish(exchange: Exchange): void {
    const { answer } = exchange.reader;
    if (answer === undefined) return;
    this.#exchange = undefined;
    if (!answer.read || !answer.keepAlive) this.close();
    exchange.resolve(answer);
  }

  #fail(exchange: Exchange, error: unknown): void {
    if (this.#exchange !== exchange) return;
    this.#exchange = undefined;
    this.close();
    exchange.reject(error);
  }

  #closed(): void {
    this.#onEnd(this);
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    const { held, reader, signal } = exchange;
    // All bytes have arrived and wait for `take`: `#goOn` ends the exchange.
    const whole = held !== undefined && held.reduce((sum, one) => sum + one.length, 0) >= reader.left;
    if (!whole || signal?.aborted)
      this.#fail(exchange, new ConnectionLost(this.#failure ?? ended(), reader.started));
  }
}

function ended(): Error {
  return Object.assign(new Error('other side closed'), { code: 'ECONNRESET' });
}

function timedOut(): Error {
  return Object.assign(new Error('nothing came for too long'), { code: 'ETIMEDOUT' });
}

function fields(headers: Record<string, string>): string {
  return Object.entries(headers)
    .map(([name, value]) => {
      // A line break would start another header, or another request.
      if (/[^\t\x20-\x7e\x80-\xff]/.test(value))
        throw new ModelcarsError('usage', `send header ${name}: it has characters that no header can have`);
      return `${name}: ${value}\r\n`;
    })
    .join('');
}
