import { connect as connectPlain, isIP, type LookupFunction, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectSecure, type SecureContext } from 'node:tls';
import { ModelcarsError } from '../../errors.ts';
import { type BulkRequest, type BulkResponse, ConnectionLost, ResponseReader } from './response.ts';

export { type BulkRequest, type BulkResponse, type ChunkSink, ConnectionLost } from './response.ts';

const bufferSize = 64 * 1024;
const connectTimeout = 30_000;
/** Milliseconds without a byte. */
const silence = 60_000;
/** Less than the 5 s after which Node's and Go's servers close a connection that nobody uses. */
const idleTimeout = 4_000;

/** The exchange under way. */
interface Exchange {
  signal: AbortSignal | undefined;
  reader: ResponseReader;
  /** Bytes that came while `take` asked to wait; undefined when it does not. */
  held: Buffer[] | undefined;
  resolve(answer: BulkResponse): void;
  reject(error: unknown): void;
}

/**
 * An HTTP/1.1 connection for large GETs, one after the other. A socket that fills the taker's memory, or one buffer again and again,
 * needs a sixth of the CPU of a stream of new buffers, and leaves no garbage. It reads bodies of a known length only;
 * whatever else comes is for the ordinary client.
 */
export class BulkConnection {
  readonly #socket: Socket;
  readonly #onEnd: (lane: BulkConnection) => void;
  readonly #buffer = Buffer.allocUnsafeSlow(bufferSize);
  #exchange: Exchange | undefined;
  #failure: unknown;
  #connected = false;

  /** `onEnd` is called when it will take no more requests; `lookup` finds the address, by default the system's. */
  constructor(
    url: URL,
    secureContext: (() => SecureContext) | undefined,
    onEnd: (lane: BulkConnection) => void,
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
      // TLS sockets take `onread` too, which @types/node does not say.
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

  /** Sends a request and hands its body over. The lane takes the next when this has resolved and it is open. */
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

  /** Waits for its next request, but not for ever, and keeps no process alive. */
  rest(): void {
    this.#socket.setTimeout(idleTimeout).unref();
  }

  /** Whether it may be asked again. */
  get isOpen(): boolean {
    return !this.#socket.destroyed && this.#exchange === undefined;
  }

  close(): void {
    this.#socket.destroy();
  }

  /** Where the socket puts what comes next. While `take` waits, nothing may come to where it is going on to write. */
  #memory(): Uint8Array {
    const { held, reader } = this.#exchange ?? {};
    return (held === undefined && reader?.room) || this.#buffer;
  }

  /** Bytes from the socket; false stops it. */
  #receive(bytes: Buffer): boolean {
    const exchange = this.#exchange;
    if (exchange?.held) {
      // A TLS socket that is stopped still gives what it has decrypted: 64 KiB at most.
      exchange.held.push(Buffer.from(bytes));
      return false;
    }
    if (exchange) return this.#read(exchange, bytes);
    // Bytes that nobody asked for: this connection is out of step.
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
    // The other side is not silent while it is us who do not read.
    this.#socket.setTimeout(0);
    wait.then(
      () => this.#goOn(exchange),
      (error: unknown) => this.#fail(exchange, error),
    );
    return false;
  }

  /** Reads on after `take` asked to wait. */
  #goOn(exchange: Exchange): void {
    if (this.#exchange !== exchange) return;
    const held = Buffer.concat(exchange.held ?? []);
    exchange.held = undefined;
    if (held.length > 0 && !this.#read(exchange, held)) return;
    this.#socket.setTimeout(silence);
    this.#socket.resume();
    if (this.#exchange === exchange) this.#finish(exchange);
  }

  /** Ends the exchange if the answer is there. */
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
    // All has come, and waits to be taken: `#goOn` ends it.
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
      // A line break would begin another header, or another request.
      if (/[^\t\x20-\x7e\x80-\xff]/.test(value))
        throw new ModelcarsError('usage', `send header ${name}: it has characters that no header can have`);
      return `${name}: ${value}\r\n`;
    })
    .join('');
}
