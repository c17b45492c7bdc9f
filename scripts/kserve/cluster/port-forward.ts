import { createServer, type Server, type Socket } from 'node:net';
import { PortForward } from '@kubernetes/client-node';
import type { Api } from './api.ts';

/** A pod's port, forwarded to this machine. */
export interface Forward extends AsyncDisposable {
  /** `http://127.0.0.1:40123`. */
  url: string;
}

/**
 * Forwards a port of 127.0.0.1 to a pod's port, as `kubectl port-forward` does: through API server and kubelet into the
 * pod itself, past DNS, ingress, mesh and NetworkPolicies.
 */
export async function forward(api: Api, namespace: string, pod: string, port: number): Promise<Forward> {
  const forwarder = new PortForward(api.config);
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    // The request fails too, and is reported.
    socket.on('error', () => socket.destroy());
    forwarder.portForward(namespace, pod, [port], socket, null, socket).then(
      (connection) => {
        if (typeof connection === 'function') return;
        connection.onclose = () => socket.end();
        socket.on('close', () => connection.close());
      },
      () => socket.destroy(),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port to listen on');
  return {
    url: `http://127.0.0.1:${address.port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
