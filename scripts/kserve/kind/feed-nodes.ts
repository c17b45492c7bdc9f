import { run } from '../run-program.ts';
import type { Kind } from './kind.ts';
import { type ImageServer, type ServedImage, serveImages } from './registry-server.ts';
import { addressTowards } from './remote-engine.ts';

/** The registry name of this machine's images in a kind cluster; no DNS resolves it. */
export const host = 'modelcars.local';

/** This machine's images, reachable by a cluster's nodes. */
export interface NodeFeed extends AsyncDisposable {
  /** The part before `/NAME@sha256:…`. */
  registry: string;
}

/**
 * Lets the nodes of a kind cluster pull this machine's images: a read-only server on an address that the nodes reach,
 * and an entry in their containerd configuration (/etc/containerd/certs.d, which kind's node images read). Needs no
 * registry, and copies only the images that a node pulls. Undefined when the nodes reach no address of this machine, as
 * with Docker Desktop.
 */
export async function feedNodes(kind: Kind, images: readonly ServedImage[]): Promise<NodeFeed | undefined> {
  const nodes = await kind.nodes();
  const served = await listen(kind, nodes, images);
  if (served === undefined) return undefined;
  const url = `http://${served.address}:${served.port}`;
  const hosts = `server = "${url}"\n[host."${url}"]\n  capabilities = ["pull", "resolve"]\n`;
  const folder = `/etc/containerd/certs.d/${host}`;
  for (const node of nodes) {
    const script = `mkdir -p ${folder} && cat > ${folder}/hosts.toml`;
    await run(kind.engine, ['exec', '-i', node, 'sh', '-c', script], { input: hosts });
  }
  return {
    registry: host,
    async [Symbol.asyncDispose]() {
      await served[Symbol.asyncDispose]();
      for (const node of nodes)
        await run(kind.engine, ['exec', node, 'rm', '-rf', folder], { mayFail: true });
    },
  };
}

/**
 * A server on an address of this machine that the first node reaches: one of the node's gateways or, with a remote
 * engine, this machine's address on the route to the engine.
 */
async function listen(
  kind: Kind,
  [node]: string[],
  images: readonly ServedImage[],
): Promise<ImageServer | undefined> {
  if (node === undefined) return undefined;
  const { stdout } = await run(kind.engine, ['exec', node, 'ip', '-4', 'route', 'show', 'default'], {
    mayFail: true,
  });
  const gateways = [...stdout.matchAll(/\bvia (\d{1,3}(?:\.\d{1,3}){3})\b/g)].map(
    ([, address]) => address ?? '',
  );
  const towards = kind.remote && (await addressTowards(kind.remote));
  for (const address of towards === undefined ? gateways : [...gateways, towards]) {
    const server = await serveImages(images, address).catch(() => undefined);
    if (server === undefined) continue;
    const probe = `exec 3<>/dev/tcp/${server.address}/${server.port}`;
    const { code } = await run(kind.engine, ['exec', node, 'timeout', '5', 'bash', '-c', probe], {
      mayFail: true,
    });
    if (code === 0) return server;
    await server[Symbol.asyncDispose]();
  }
  return undefined;
}
