/** An npm registry with one package, on this machine: what `npx modelcars@VERSION` finds without a network. */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { root } from './cli.ts';
import { run } from './run.ts';

export interface NpmRegistry extends AsyncDisposable {
  /** For npm_config_registry. */
  url: string;
  /** The packed package, for `npm install`. */
  tarball: string;
  version: string;
  /** Paths of the requests so far. */
  requests: string[];
}

/** Builds and packs this repository into `folder`, as `npm publish` would, and serves the package. */
export async function startNpmRegistry(folder: string): Promise<NpmRegistry> {
  await run('npm', ['run', 'build'], { cwd: root });
  const pack = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
  const [packed] = JSON.parse(await run('npm', pack, { cwd: root }));
  const tarball = join(folder, packed.filename);
  const bytes = await readFile(tarball);
  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const { name, version } = manifest;
  const requests: string[] = [];
  const server = createServer(({ url = '' }, response) => {
    requests.push(url);
    const dist = {
      tarball: `${registry.url}/${name}/-/${packed.filename}`,
      shasum: packed.shasum,
      integrity: packed.integrity,
    };
    if (url === `/${name}`) {
      const versions = { [version]: { ...manifest, dist } };
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ name, 'dist-tags': { latest: version }, versions }));
    } else if (url === new URL(dist.tarball).pathname) response.end(bytes);
    else response.writeHead(404).end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const registry: NpmRegistry = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    tarball,
    version,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return registry;
}
