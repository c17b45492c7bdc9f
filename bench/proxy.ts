/** A proxy in front of a registry that counts requests and the bytes of their bodies, and changes nothing. */
import { createServer, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';

export interface Traffic {
  requests: number;
  /** Bytes of request bodies. */
  sent: number;
}

export interface Proxy {
  /** `127.0.0.1:PORT` */
  host: string;
  /** Since the start or the last reset. */
  traffic(): Traffic;
  reset(): void;
  stop(): Promise<void>;
}

/**
 * Starts one on a free port. The Host header is unchanged, so the registry's Location headers lead back to the proxy.
 */
export async function startProxy(target: string): Promise<Proxy> {
  let traffic: Traffic = { requests: 0, sent: 0 };
  const server = createServer((request, response) => {
    traffic.requests++;
    request.on('data', (chunk: Buffer) => {
      traffic.sent += chunk.length;
    });
    const { method, url, headers } = request;
    const onward = send(`http://${target}${url}`, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      pipeline(answer, response).catch(() => response.destroy());
    });
    onward.on('error', () => response.destroy());
    pipeline(request, onward).catch(() => onward.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    traffic: () => ({ ...traffic }),
    reset: () => {
      traffic = { requests: 0, sent: 0 };
    },
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
