import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { connect as connectSocket } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { selfSigned } from '../../scripts/kserve/cluster/certificate.ts';

interface Stored {
  apiVersion?: string;
  kind?: string;
  metadata: {
    name: string;
    namespace?: string;
    labels?: Record<string, string>;
    resourceVersion?: string;
    creationTimestamp?: string;
  };
  [field: string]: unknown;
}

/** Kinds by group and version, as discovery lists them. */
const resources: Record<string, { name: string; kind: string; namespaced: boolean }[]> = {
  '/api/v1': [
    { name: 'namespaces', kind: 'Namespace', namespaced: false },
    { name: 'nodes', kind: 'Node', namespaced: false },
    { name: 'pods', kind: 'Pod', namespaced: true },
    { name: 'pods/log', kind: 'Pod', namespaced: true },
    { name: 'events', kind: 'Event', namespaced: true },
    { name: 'configmaps', kind: 'ConfigMap', namespaced: true },
  ],
  '/apis/serving.kserve.io/v1beta1': [
    { name: 'inferenceservices', kind: 'InferenceService', namespaced: true },
  ],
};

/**
 * A server for the part of the Kubernetes API that a smoke test uses: discovery, server-side apply, lists, watches,
 * logs and port-forwards over WebSocket. `onApply` does to an InferenceService what a cluster would do.
 */
export class ApiServer implements AsyncDisposable {
  /** Called with each applied object; may return a refusal. */
  onApply: (object: Stored) => { code: number; reason: string; message: string } | undefined = () =>
    undefined;
  /** Text of a container's log, by pod, container and whether the previous run is meant. */
  onLog: (pod: string, container: string, previous: boolean) => string = () => '';
  /** Port of this machine to which a pod's port is forwarded. */
  podPort = 0;
  /** Method and path of every request. */
  readonly requests: string[] = [];
  readonly #objects = new Map<string, Stored>();
  readonly #watches = new Map<ServerResponse, string>();
  readonly #certificate = selfSigned(['localhost']);
  readonly #server = createServer(
    { key: this.#certificate.key, cert: this.#certificate.certificate },
    (request, response) => void this.#answer(request, response),
  );
  readonly #sockets = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) => [...offered][0] ?? false,
  });
  #version = 1;

  static async start(): Promise<ApiServer> {
    const one = new ApiServer();
    one.#server.on('upgrade', (request, socket, head) => {
      one.requests.push(`UPGRADE ${request.url}`);
      one.#sockets.handleUpgrade(request, socket, head, (connection) => one.#forward(connection));
    });
    await new Promise<void>((resolve) => one.#server.listen(0, '127.0.0.1', resolve));
    return one;
  }

  /** A kubeconfig for this server. */
  get kubeconfig(): string {
    const { port } = this.#server.address() as AddressInfo;
    const ca = Buffer.from(this.#certificate.certificate).toString('base64');
    return JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'test',
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
      clusters: [
        { name: 'test', cluster: { server: `https://localhost:${port}`, 'certificate-authority-data': ca } },
      ],
      users: [{ name: 'test', user: { token: 'secret-token-of-the-test' } }],
    });
  }

  /** Creates or replaces an object and notifies the watches. `collection`: `/api/v1/namespaces/models/pods`. */
  put(collection: string, object: Stored): void {
    const path = `${collection}/${object.metadata.name}`;
    const type = this.#objects.has(path) ? 'MODIFIED' : 'ADDED';
    object.metadata.resourceVersion = String(++this.#version);
    object.metadata.creationTimestamp ??= new Date().toISOString();
    this.#objects.set(path, object);
    this.#tell(collection, type, object);
  }

  get(path: string): Stored | undefined {
    return this.#objects.get(path);
  }

  delete(path: string): void {
    const object = this.#objects.get(path);
    if (object === undefined) return;
    this.#objects.delete(path);
    this.#tell(path.slice(0, path.lastIndexOf('/')), 'DELETED', object);
  }

  /** Ends the watches, as an API server does from time to time. */
  dropWatches(): void {
    for (const response of this.#watches.keys()) response.end();
    this.#watches.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#sockets.clients) client.terminate();
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #tell(collection: string, type: string, object: Stored): void {
    for (const [response, watched] of this.#watches)
      if (watched === collection) response.write(`${JSON.stringify({ type, object })}\n`);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '', 'http://x');
    const path = url.pathname;
    this.requests.push(`${request.method} ${path}`);
    const send = (code: number, body: unknown) => {
      response.writeHead(code, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify(body));
    };
    const status = (code: number, reason: string, message: string) =>
      send(code, { kind: 'Status', status: 'Failure', code, reason, message });
    if (request.headers.authorization !== 'Bearer secret-token-of-the-test')
      return status(401, 'Unauthorized', 'Unauthorized');
    if (path === '/apis') {
      const groups = Object.keys(resources).map((base) => ({ name: base.split('/')[2] ?? '' }));
      return send(200, { groups });
    }
    if (resources[path]) return send(200, { resources: resources[path] });
    const log = /^\/api\/v1\/namespaces\/[^/]+\/pods\/([^/]+)\/log$/.exec(path);
    if (log) {
      const previous = url.searchParams.get('previous') === 'true';
      response.end(this.onLog(log[1] ?? '', url.searchParams.get('container') ?? '', previous));
      return;
    }
    if (request.method === 'PATCH') {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const object = JSON.parse(Buffer.concat(chunks).toString()) as Stored;
      const refusal = this.onApply(object);
      if (refusal) return status(refusal.code, refusal.reason, refusal.message);
      this.put(path.slice(0, path.lastIndexOf('/')), object);
      return send(200, object);
    }
    if (request.method === 'DELETE') {
      this.delete(path);
      return send(200, { kind: 'Status', status: 'Success' });
    }
    if (url.searchParams.get('watch') === 'true') {
      response.writeHead(200, { 'Content-Type': 'application/json' });
      response.flushHeaders();
      this.#watches.set(response, path);
      response.on('close', () => this.#watches.delete(response));
      return;
    }
    const found = this.#objects.get(path);
    if (found) return send(200, found);
    if (Object.values(resources).some((list) => list.some(({ name }) => path.endsWith(`/${name}`)))) {
      const items = [...this.#objects].filter(([key]) => key.slice(0, key.lastIndexOf('/')) === path);
      return send(200, {
        kind: 'List',
        metadata: { resourceVersion: String(this.#version) },
        items: items.map(([, item]) => item),
      });
    }
    status(404, 'NotFound', `${path} not found`);
  }

  /**
   * Kubernetes' port-forward over WebSocket: a byte for the channel (data, errors) before each frame; each channel
   * first sends its port.
   */
  #forward(connection: WebSocket): void {
    const port = Buffer.from([0x90, 0x1f]);
    connection.send(Buffer.concat([Buffer.from([0]), port]));
    connection.send(Buffer.concat([Buffer.from([1]), port]));
    const pod = connectSocket(this.podPort, '127.0.0.1');
    pod.on('data', (chunk) => connection.send(Buffer.concat([Buffer.from([0]), chunk])));
    pod.on('close', () => connection.close());
    pod.on('error', () => connection.close());
    connection.on('message', (data: Buffer) => {
      if (data[0] === 0) pod.write(data.subarray(1));
    });
    connection.on('close', () => pod.destroy());
  }
}
