/** Servers that send exactly the bytes that a test gives them. */
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createSecureServer } from 'node:tls';
import { vi } from 'vitest';
import type { BulkRequest, ChunkSink } from '../../scripts/http/bulk/response.ts';
import type { Certificates } from '../parts/certificates.ts';

export interface RawRequest {
  /** From the request line up to the empty line. */
  head: string;
  /** 1 for the first request of its connection. */
  turn: number;
  /** 1 for the first request of the server. */
  nth: number;
}

export interface RawServer extends AsyncDisposable {
  url(path?: string): URL;
  requests: RawRequest[];
  /** Connections in total, and open ones. */
  connections: number;
  open: Set<Socket>;
}

/** Responds to each request with the bytes that `answer` returns or writes to the socket. */
export async function startRaw(
  answer: (socket: Socket, request: RawRequest) => unknown,
  { tls, host = '127.0.0.1' }: { tls?: Certificates; host?: string } = {},
): Promise<RawServer> {
  const requests: RawRequest[] = [];
  const open = new Set<Socket>();
  const serve = (socket: Socket) => {
    raw.connections++;
    open.add(socket.setNoDelay(true));
    let text = '';
    let turn = 0;
    socket.on('error', () => {}).once('close', () => open.delete(socket));
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1');
      for (let end = text.indexOf('\r\n\r\n'); end !== -1; end = text.indexOf('\r\n\r\n')) {
        const request = { head: text.slice(0, end), turn: ++turn, nth: requests.length + 1 };
        text = text.slice(end + 4);
        requests.push(request);
        const bytesOrText = answer(socket, request);
        if (typeof bytesOrText === 'string' || bytesOrText instanceof Uint8Array) socket.write(bytesOrText);
      }
    });
  };
  const server: Server = tls
    ? createSecureServer({ key: readFileSync(tls.keyFile), cert: readFileSync(tls.certificateFile) }, serve)
    : createServer(serve);
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const { port } = server.address() as AddressInfo;
  const shown = tls ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  const raw: RawServer = {
    url: (path = '/file') => new URL(path, `http${tls ? 's' : ''}://${shown}:${port}`),
    requests,
    connections: 0,
    open,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return raw;
}

/** A response with its Content-Length, after any other headers. */
export function ok(body: string | Uint8Array = '', ...headers: string[]): Buffer {
  const bytes = Buffer.from(body as string);
  const head = ['HTTP/1.1 200 OK', ...headers, `Content-Length: ${bytes.length}`];
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'latin1'), bytes]);
}

/** Waits until a check passes, for at most ten seconds: the machine can be busy. */
export const until = (check: () => void): Promise<void> => vi.waitFor(check, 10_000);

export interface Wanted extends BulkRequest {
  /** The chunks that `take` received, copied. */
  chunks: Buffer[];
  text(): string;
}

/** A request that expects 200 and keeps the body. */
export function want(url: URL, more: Partial<BulkRequest> = {}): Wanted {
  const chunks: Buffer[] = [];
  return {
    url,
    headers: {},
    expect: [200],
    look: () => {},
    take: (chunk) => void chunks.push(Buffer.from(chunk)),
    chunks,
    text: () => Buffer.concat(chunks).toString('latin1'),
    ...more,
  };
}

/**
 * A sink for `size` bytes that offers buffers of these sizes in turn, and sometimes none. Like real sinks, it leaves
 * data already in its buffer in place and copies all other data to where its next buffer would begin.
 */
export function giveRoom(
  size: number,
  rooms: readonly number[],
  wait?: () => Promise<void>,
): { whole: Buffer; take: ChunkSink; filled(): number } {
  const whole = Buffer.alloc(size);
  let filled = 0;
  let turn = 0;
  const take = (chunk: Uint8Array) => {
    const isThere = chunk.buffer === whole.buffer && chunk.byteOffset === whole.byteOffset + filled;
    if (!isThere) whole.set(chunk, filled);
    filled += chunk.length;
    return wait?.();
  };
  const room = () => {
    const length = rooms[turn++ % (rooms.length + 1)];
    return length === undefined ? undefined : whole.subarray(filled, filled + length);
  };
  return { whole, take: Object.assign(take, { room }), filled: () => filled };
}
