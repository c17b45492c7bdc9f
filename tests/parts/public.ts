/** Public Internet hosts, on this machine: names that only a proxy resolves, which tunnels to local servers. */

import { readFileSync } from 'node:fs';
import { createServer as createProxy, type RequestListener } from 'node:http';
import { createServer } from 'node:https';
import { type AddressInfo, connect, type Server, type Socket } from 'node:net';
import { type Certificates, makeCertificates } from './certificates.ts';

export interface PublicHosts extends AsyncDisposable {
  /** For a program that should reach them: proxy variables, and no exceptions. */
  env: Record<string, string | undefined>;
  /** The certificate authority that issued their certificates, PEM. */
  caFile: string;
  /** Targets of the `CONNECT` requests received. */
  connects: string[];
  /** A server on this machine, with a certificate of that authority: a forbidden redirect target. Counts connections. */
  victim: { port: number; connections(): number };
}

/** Serves each name (`registry.test`) with its listener over TLS, port 443. */
export async function startPublicHosts(
  folder: string,
  hosts: Record<string, RequestListener>,
): Promise<PublicHosts> {
  const certificates = await makeCertificates(folder, Object.keys(hosts));
  const servers = new Map<string, Server>();
  for (const [name, listener] of Object.entries(hosts)) servers.set(name, secure(certificates, listener));
  let connections = 0;
  const victim = secure(certificates, (_, response) => response.end('internal'));
  victim.on('connection', () => connections++);
  const connects: string[] = [];
  const open = new Set<Socket>();
  const proxy = createProxy((_, response) => response.writeHead(502).end());
  proxy.on('connect', (request, socket: Socket) => {
    connects.push(request.url ?? '');
    const server = servers.get((request.url ?? '').replace(/:443$/, ''));
    if (server === undefined) return socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
    const inner = connect((server.address() as AddressInfo).port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      inner.pipe(socket).pipe(inner);
    });
    for (const [one, other] of [
      [socket, inner],
      [inner, socket],
    ] as const) {
      open.add(one);
      one.on('error', () => {}).on('close', () => other.destroy());
    }
  });
  const all = [proxy, victim, ...servers.values()];
  await Promise.all(
    all.map((server) => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))),
  );
  const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const none = { NO_PROXY: undefined, no_proxy: undefined, http_proxy: undefined, HTTP_PROXY: undefined };
  return {
    env: { ...none, HTTPS_PROXY: url, https_proxy: undefined },
    caFile: certificates.caFile,
    connects,
    victim: { port: (victim.address() as AddressInfo).port, connections: () => connections },
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      for (const server of all) server.close();
    },
  };
}

function secure({ keyFile, certificateFile }: Certificates, listener: RequestListener): Server {
  const server = createServer({ key: readFileSync(keyFile), cert: readFileSync(certificateFile) }, listener);
  return server.on('tlsClientError', () => {});
}
