import { hostname } from 'node:os';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiServer } from '../../../tests/support/fake-apiserver.ts';
import type { Api } from './api.ts';
import { connect } from './connect.ts';
import { readFacts, setModelcarUser } from './facts.ts';
import { openNamespace, ownLabel } from './namespace.ts';

let cluster: ApiServer;
let api: Api;
beforeEach(async () => {
  cluster = await ApiServer.start();
  api = connect({ text: cluster.kubeconfig });
});
afterEach(() => cluster[Symbol.asyncDispose]());

const config = (namespace: string, storageInitializer: string) =>
  cluster.put(`/api/v1/namespaces/${namespace}/configmaps`, {
    metadata: { name: 'inferenceservice-config', namespace },
    data: { storageInitializer },
  } as Parameters<ApiServer['put']>[1]);
const put = (name: string, run: string) =>
  cluster.put('/api/v1/namespaces', {
    metadata: { name, labels: ownLabel, annotations: { 'modelcars.dev/run': run } },
  } as Parameters<ApiServer['put']>[1]);

describe('connect', () => {
  it('names the existing contexts', () => {
    expect(() => connect({ text: cluster.kubeconfig, context: 'prod' })).toThrow(/has test/);
  });

  it('names a file that is not a kubeconfig', () => {
    expect(() => connect({ kubeconfig: '/nonexistent/config' })).toThrow(/^read \/nonexistent\/config: /);
  });

  it('names the unreachable cluster', async () => {
    await cluster[Symbol.asyncDispose]();
    await expect(api.request('GET', '/apis')).rejects.toMatchObject({
      code: 'cluster',
      message: expect.stringContaining(`connect to the cluster ${api.server}: `),
    });
    cluster = await ApiServer.start();
  });
});

describe('readFacts', () => {
  it.each(['kserve', 'opendatahub', 'redhat-ods-applications'])(
    'finds the configuration in %s',
    async (namespace) => {
      config(namespace, '{"enableModelcar": true, "uidModelcar": 1010}');
      expect(await readFacts(api)).toEqual({
        configNamespace: namespace,
        modelcars: { enabled: true, mode: 'modelcar', user: 1010, cpu: '10m' },
        openshift: false,
      });
    },
  );

  it('assumes the defaults when reading is forbidden', async () => {
    expect(await readFacts(api)).toMatchObject({ modelcars: { enabled: true } });
  });
});

it('changes uidModelcar only when it differs', async () => {
  config('kserve', '{"image": "a", "uidModelcar": 1010}');
  const { signal } = new AbortController();
  const patches = () => cluster.requests.filter((line) => line.startsWith('PATCH')).length;
  await setModelcarUser(api, 'kserve', 1010, signal);
  expect(patches()).toBe(0);
  await setModelcarUser(api, 'kserve', undefined, signal);
  expect(patches()).toBe(1);
  expect((await readFacts(api)).modelcars).not.toHaveProperty('user');
});

describe('openNamespace', () => {
  it('creates a namespace and deletes it', async () => {
    const workplace = await openNamespace(api, undefined, () => undefined);
    const path = `/api/v1/namespaces/${workplace.namespace}`;
    expect(workplace.namespace).toMatch(/^modelcars-smoke-[0-9a-f]{6}$/);
    expect(cluster.get(path)?.metadata.labels).toEqual(ownLabel);
    await workplace[Symbol.asyncDispose]();
    expect(cluster.get(path)).toBeUndefined();
  });

  it('deletes the namespace of a killed run on this machine, and reports others', async () => {
    put('modelcars-smoke-dead', `999999999 ${hostname()} 2026-01-01T00:00:00Z`);
    put('modelcars-smoke-alive', `${process.pid} ${hostname()} 2026-01-01T00:00:00Z`);
    put('modelcars-smoke-away', '1 elsewhere 2026-01-01T00:00:00Z');
    const said: string[] = [];
    const workplace = await openNamespace(api, undefined, (line) => said.push(line));
    expect(cluster.get('/api/v1/namespaces/modelcars-smoke-dead')).toBeUndefined();
    expect(cluster.get('/api/v1/namespaces/modelcars-smoke-alive')).toBeDefined();
    expect(cluster.get('/api/v1/namespaces/modelcars-smoke-away')).toBeDefined();
    expect(said).toEqual([
      expect.stringContaining('modelcars-smoke-dead was left behind'),
      expect.stringContaining('kubectl delete namespace modelcars-smoke-away'),
    ]);
    await workplace[Symbol.asyncDispose]();
  });

  it('does not delete a given namespace', async () => {
    put('models', '');
    const workplace = await openNamespace(api, 'models', () => undefined);
    await workplace[Symbol.asyncDispose]();
    expect(cluster.get('/api/v1/namespaces/models')).toBeDefined();
  });

  it('gives the next step when creating a namespace is forbidden, or the given one is missing', async () => {
    cluster.onApply = () => ({ code: 403, reason: 'Forbidden', message: 'no' });
    await expect(openNamespace(api, undefined, () => undefined)).rejects.toMatchObject({
      next: expect.stringContaining('--namespace'),
    });
    await expect(openNamespace(api, 'mdels', () => undefined)).rejects.toMatchObject({ code: 'usage' });
  });
});
