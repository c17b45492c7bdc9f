/** A proxy in front of a local registry, for tests: it delays, answers or changes responses at the right moment. */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

export interface ProxiedRequest {
  method: string;
  /** With the query. */
  path: string;
  headers: IncomingHttpHeaders;
  /** The request's whole body, for a PUT or POST; empty otherwise. */
  body: Buffer;
}

export interface ProxiedAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

export interface ProxyRules {
  /**
   * Sees each request first and may answer it, so that the registry never gets it. The registry waits until this
   * returns.
   */
  before?(request: ProxiedRequest): Promise<ProxiedAnswer | undefined> | ProxiedAnswer | undefined;
  /** Sees each response of the registry before the client does, and may return another in its place. */
  after?(
    request: ProxiedRequest,
    answer: ProxiedAnswer,
  ): Promise<ProxiedAnswer | undefined> | ProxiedAnswer | undefined;
}

export interface RegistryProxy extends AsyncDisposable {
  /** `127.0.0.1:PORT`, the prefix of a repository's name. */
  host: string;
  /** All requests so far. */
  requests: ProxiedRequest[];
}

/** An error in the distribution specification's format. */
export function registryError(status: number, code: string, message: string): ProxiedAnswer {
  const body = Buffer.from(JSON.stringify({ errors: [{ code, message }] }));
  return {
    status,
    headers: { 'content-type': 'application/json', 'content-length': `${body.length}` },
    body,
  };
}

/** Starts one on a free port of 127.0.0.1. Bodies are kept in memory: it is for small images. */
export async function startProxy(registry: string, rules: ProxyRules): Promise<RegistryProxy> {
  const requests: ProxiedRequest[] = [];
  const server = createServer(async (incoming, response) => {
    try {
      const { method = 'GET', url = '/', headers } = incoming;
      const request = { method, path: url, headers, body: await buffer(incoming) };
      requests.push(request);
      const own = await rules.before?.(request);
      const answer = own ?? (await forward(registry, request));
      const shown = (own ? undefined : await rules.after?.(request, answer)) ?? answer;
      response.writeHead(shown.status, shown.headers).end(method === 'HEAD' ? undefined : shown.body);
    } catch {
      response.destroy();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The Host header stays the proxy's, so that the registry's locations lead back to the proxy. */
async function forward(
  registry: string,
  { method, path, headers, body }: ProxiedRequest,
): Promise<ProxiedAnswer> {
  const { 'transfer-encoding': _, ...rest } = headers;
  const length =
    body.length > 0 || /^(PUT|POST|PATCH)$/.test(method) ? { 'content-length': `${body.length}` } : {};
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const [host = '', port = ''] = registry.split(':');
    send({ host, port, method, path, headers: { ...rest, ...length } }, resolve)
      .on('error', reject)
      .end(body);
  });
  const { connection: __, 'transfer-encoding': ___, ...shown } = answer.headers;
  return { status: answer.statusCode ?? 502, headers: shown, body: await buffer(answer) };
}
