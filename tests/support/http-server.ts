/** Servers that send exactly the bytes a test gives them. */
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createSecureServer } from 'node:tls';
import { vi } from 'vitest';
import type { BulkRequest, ChunkSink } from '../../scripts/http/bulk/response.ts';
import type { Certificates } from '../parts/certificates.ts';

export interface RawRequest {
  /** From the request line up to the empty line. */
  head: string;
  /** 1 for the first of its connection. */
  turn: number;
  /** 1 for the first of the server. */
  nth: number;
}

export interface RawServer extends AsyncDisposable {
  url(path?: string): URL;
  requests: RawRequest[];
  /** Connections in all, and those that are open. */
  connections: number;
  open: Set<Socket>;
}

/** Answers each request with what `answer` writes to its socket, or returns. */
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

/** An answer with its length; other headers before it. */
export function ok(body: string | Uint8Array = '', ...headers: string[]): Buffer {
  const bytes = Buffer.from(body as string);
  const head = ['HTTP/1.1 200 OK', ...headers, `Content-Length: ${bytes.length}`];
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'latin1'), bytes]);
}

/** Waits until a check passes, for at most ten seconds: the machine can be busy. */
export const until = (check: () => void): Promise<void> => vi.waitFor(check, 10_000);

export interface Wanted extends BulkRequest {
  /** What `take` was given, copied. */
  chunks: Buffer[];
  text(): string;
}

/** A request for 200 that keeps what comes. */
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
 * A taker of so many bytes that gives room for them, of these sizes by turns and at times none. As takers do, it leaves what it finds
 * in its room and copies all else to where it would have given room next.
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
