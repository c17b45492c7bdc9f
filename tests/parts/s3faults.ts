/** A reverse proxy in front of a server on a Unix socket: it records every request and injects faults. */
import {
  Agent,
  createServer,
  type IncomingMessage,
  type RequestOptions,
  type ServerResponse,
  request as send,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { Transform } from 'node:stream';

/** One request, with the response it got. */
export interface S3Request {
  method: string;
  /** With the query. */
  path: string;
  headers: IncomingMessage['headers'];
  /** 0 if the connection was broken on purpose. */
  status: number;
}

/** A fault, the requests it affects, and how often. */
export interface Fault {
  /** An S3 error document in place of the response. */
  answer?: { status: number; code: string; message?: string };
  /** Breaks the connection after this many bytes of the response body or, for an upload, of the request body. */
  breakAfter?: number;
  /** Flips one bit of the response body, after this many bytes. */
  flipAfter?: number;
  /** Replaces the text of the response body, as a server of another make writes it. */
  rewrite?(text: string): string;
  /** The requests to affect; all by default. `path` includes the query. */
  match?(request: { method: string; path: string; headers: IncomingMessage['headers'] }): boolean;
  /** How many of them; 1 by default. */
  times?: number;
}

export interface FaultProxy {
  /** `http://127.0.0.1:PORT` */
  url: string;
  /** The same server, without records and faults: for setup and checks. */
  quietUrl: string;
  requests(): S3Request[];
  /**
   * Adds a fault; a request gets the first fault that matches it. The returned function counts how often it was used.
   */
  fault(fault: Fault): () => number;
  /** Removes all faults. */
  calm(): void;
  stop(): Promise<void>;
}

/** Starts one on free ports of 127.0.0.1, before a server at a socket's path or at a port of this machine. */
export async function startFaultProxy(server: string | number): Promise<FaultProxy> {
  // Kept alive: a server that closes after its response can break the pipe before the response is read.
  const agent = new Agent({ keepAlive: true });
  const at = typeof server === 'string' ? { socketPath: server } : { host: '127.0.0.1', port: server };
  const target = { ...at, agent };
  const requests: S3Request[] = [];
  const faults: { fault: Fault; left: number; used: number }[] = [];
  const loud = createServer((request, response) => {
    const { method = '', url: path = '', headers } = request;
    const entry: S3Request = { method, path, headers, status: 0 };
    requests.push(entry);
    const active = faults.find(
      ({ fault, left }) => left > 0 && (fault.match?.({ method, path, headers }) ?? true),
    );
    if (active) {
      active.left--;
      active.used++;
    }
    forward(target, request, response, active?.fault ?? {}, entry);
  });
  const quiet = createServer((request, response) => forward(target, request, response, {}));
  const servers = [loud, quiet];
  const [url = '', quietUrl = ''] = await Promise.all(
    servers.map(async (server) => {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    }),
  );
  return {
    url,
    quietUrl,
    requests: () => [...requests],
    fault(fault) {
      const active = { fault, left: fault.times ?? 1, used: 0 };
      faults.push(active);
      return () => active.used;
    },
    calm: () => {
      faults.length = 0;
    },
    async stop() {
      agent.destroy();
      for (const server of servers) {
        server.closeAllConnections();
        await new Promise<void>((resolve) => server.close(() => resolve()));
      }
    },
  };
}

function forward(
  target: RequestOptions,
  request: IncomingMessage,
  response: ServerResponse,
  fault: Fault,
  entry?: S3Request,
): void {
  const isUpload = request.method === 'PUT' || request.method === 'POST';
  const cut = (): void => {
    if (entry) entry.status = 0;
    request.socket.destroy();
  };
  if (fault.answer) {
    const { status, code, message = 'made by the test' } = fault.answer;
    if (entry) entry.status = status;
    // Read to its end first: a server that answers early and closes looks like a broken connection.
    request.resume().on('end', () => {
      response.writeHead(status, { 'content-type': 'application/xml', connection: 'close' });
      const text = `<Error><Code>${code}</Code><Message>${message}</Message></Error>`;
      response.end(request.method === 'HEAD' ? undefined : text);
    });
    return;
  }
  // The signature covers Host and headers as received.
  const options: RequestOptions = { ...target, headers: request.headers };
  if (request.method !== undefined) options.method = request.method;
  if (request.url !== undefined) options.path = request.url;
  const upstream = send(options, (answer) => {
    const status = answer.statusCode ?? 0;
    if (entry) entry.status = status;
    if (fault.rewrite) {
      void rewritten(answer, fault.rewrite).then((bytes) => {
        const { 'content-length': _, 'transfer-encoding': __, ...headers } = answer.headers;
        response.writeHead(status, { ...headers, 'content-length': bytes.length }).end(bytes);
      }, cut);
      return;
    }
    response.writeHead(status, answer.rawHeaders);
    answer.on('error', cut);
    if (isUpload) answer.pipe(response);
    else answer.pipe(spoil(fault, cut)).pipe(response);
  });
  upstream.on('error', cut);
  response.on('close', () => upstream.destroy());
  request.on('error', () => upstream.destroy());
  const body = isUpload
    ? request.pipe(
        spoil(fault, () => {
          cut();
          upstream.destroy();
        }),
      )
    : request;
  body.pipe(upstream);
}

async function rewritten(answer: IncomingMessage, rewrite: (text: string) => string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(Buffer.from(chunk));
  return Buffer.from(rewrite(Buffer.concat(chunks).toString()));
}

/** Passes bytes on until the fault occurs. */
function spoil({ breakAfter, flipAfter }: Fault, cut: () => void): Transform {
  let seen = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const start = seen;
      seen += chunk.length;
      if (breakAfter !== undefined && seen > breakAfter) {
        this.push(chunk.subarray(0, breakAfter - start));
        setTimeout(cut, 20); // lets the bytes before it arrive
        return;
      }
      if (flipAfter !== undefined && start <= flipAfter && flipAfter < seen) {
        const copy = Buffer.from(chunk);
        copy[flipAfter - start] = (copy[flipAfter - start] ?? 0) ^ 1;
        done(null, copy);
      } else done(null, chunk);
    },
  });
}
