/** A web server with one file that counts requests and throttles: the far end of a download. */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface WebRequest {
  /** The first byte requested. */
  start: number;
  /** Bytes written to the connection. */
  sent: number;
}

export interface Web extends AsyncDisposable {
  /** The file's URL. */
  url: string;
  /** GET requests since the last `forget`. */
  requests: WebRequest[];
  forget(): void;
  /** Bytes per second; undefined: unthrottled. */
  rate: number | undefined;
}

const piece = 64 * 1024;

/** Serves `content` at `/name` on a free port of this machine, with ranges. */
export async function startWeb(name: string, content: Uint8Array): Promise<Web> {
  let requests: WebRequest[] = [];
  const server = createServer(async (request, response) => {
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const entry = { start, sent: 0 };
    if (request.method === 'GET') requests.push(entry);
    response.on('error', () => undefined);
    response.writeHead(start > 0 ? 206 : 200, {
      etag: '"1"',
      'accept-ranges': 'bytes',
      'content-length': content.length - start,
      ...(start > 0 && { 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` }),
    });
    for (
      let at = start;
      at < content.length && request.method === 'GET' && !response.destroyed;
      at += piece
    ) {
      const bytes = content.subarray(at, at + piece);
      const room = response.write(bytes);
      entry.sent += bytes.length;
      if (web.rate !== undefined) await sleep((1000 * bytes.length) / web.rate);
      else if (!room) await moveOn(response);
    }
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const web: Web = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/${name}`,
    get requests() {
      return requests;
    },
    forget() {
      requests = [];
    },
    rate: undefined,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return web;
}

/** Waits until the socket drains or closes. */
function moveOn(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const go = () => {
      response.off('drain', go).off('close', go);
      resolve();
    };
    response.on('drain', go).on('close', go);
  });
}
