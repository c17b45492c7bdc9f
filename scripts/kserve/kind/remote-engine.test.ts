import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { addressTowards, pointedAt, remoteEngine, withAccess } from './remote-engine.ts';

describe('remoteEngine', () => {
  it.each([
    ['tcp://docker:2375', { host: 'docker', port: 2375 }],
    ['tcp://docker', { host: 'docker', port: 2375 }],
    ['tcp://192.0.2.7:1234', { host: '192.0.2.7', port: 1234 }],
    ['tcp://[2001:db8::1]:2375', { host: '2001:db8::1', port: 2375 }],
    ['http://docker:2375/v1.40', { host: 'docker', port: 2375 }],
    ['tcp://127.0.0.1:2375', undefined],
    ['tcp://localhost:2375', undefined],
    ['tcp://[::1]:2375', undefined],
    ['unix:///var/run/docker.sock', undefined],
    ['ssh://me@build', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('of DOCKER_HOST=%s is %j', (DOCKER_HOST, expected) => {
    expect(remoteEngine({ DOCKER_HOST })).toEqual(expected);
  });

  it('uses the TLS port with DOCKER_TLS_VERIFY', () => {
    expect(remoteEngine({ DOCKER_HOST: 'tcp://docker', DOCKER_TLS_VERIFY: '1' })?.port).toBe(2376);
  });
});

describe('withAccess', () => {
  it('opens the port and adds the name to the certificate', () => {
    const config = parse(withAccess(undefined, { host: 'docker' }));
    expect(config).toMatchObject({ kind: 'Cluster', apiVersion: 'kind.x-k8s.io/v1alpha4' });
    expect(config.networking).toEqual({ apiServerAddress: '0.0.0.0' });
    // kind matches a patch without apiVersion by its kind, for any kubeadm version: pkg/internal/patch/resource.go.
    expect(config.kubeadmConfigPatches.map(parse)).toEqual([
      {
        kind: 'ClusterConfiguration',
        apiServer: { certSANs: ['localhost', '127.0.0.1', '0.0.0.0', 'docker'] },
      },
    ]);
  });

  it("keeps the user's settings", () => {
    const own = 'kind: ClusterConfiguration\napiServer: { certSANs: [mine] }\n';
    const given = {
      nodes: [{ role: 'control-plane' }],
      networking: { apiServerAddress: '192.0.2.1', apiServerPort: 6443 },
      kubeadmConfigPatches: [own],
    };
    const config = parse(withAccess(JSON.stringify(given), { host: 'docker' }));
    expect(config.nodes).toEqual(given.nodes);
    expect(config.networking).toEqual(given.networking);
    expect(config.kubeadmConfigPatches).toHaveLength(2);
    expect(config.kubeadmConfigPatches[1]).toBe(own);
  });

  it('sets the requested port, and opens no address for a local engine', () => {
    const config = parse(withAccess('networking: { apiServerPort: 1, ipFamily: dual }', { port: 6443 }));
    expect(config.networking).toEqual({ apiServerPort: 6443, ipFamily: 'dual' });
    expect(config.kubeadmConfigPatches).toEqual([]);
  });

  it.each(['- a list', 'a: [', 'a word'])('rejects an invalid configuration: %s', (text) => {
    expect(() => withAccess(text, { host: 'docker' })).toThrow(/^read --kind-config: /);
  });
});

describe('pointedAt', () => {
  const kubeconfig = (server: string) => `clusters:\n- cluster:\n    server: ${server}\n  name: kind-a\n`;

  it.each([
    ['https://0.0.0.0:41000', 'docker', 'https://docker:41000'],
    ['https://[::]:41000', 'docker', 'https://docker:41000'],
    ['https://0.0.0.0:41000', '2001:db8::1', 'https://[2001:db8::1]:41000'],
    ['https://192.0.2.1:6443', 'docker', 'https://192.0.2.1:6443'],
  ])('replaces %s at %s by %s', (server, host, expected) => {
    expect(pointedAt(kubeconfig(server), host)).toBe(kubeconfig(expected));
  });
});

describe('addressTowards', () => {
  it('is the local address of a connection to the engine', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as { port: number };
    expect(await addressTowards({ host: 'localhost', port })).toBe('127.0.0.1');
    server.close();
    await new Promise((resolve) => server.once('close', resolve));
    expect(await addressTowards({ host: '127.0.0.1', port })).toBeUndefined();
  });
});
