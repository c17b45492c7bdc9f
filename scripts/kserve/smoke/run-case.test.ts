import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import sklearn from '../../../frameworks/sklearn/framework.ts';
import { ApiServer } from '../../../tests/support/fake-apiserver.ts';
import type { Api } from '../cluster/api.ts';
import { connect } from '../cluster/connect.ts';
import { NamespaceWatch } from '../cluster/watch.ts';
import { ServingNamespace } from '../in-cluster/serving-namespace.ts';
import type { InferenceService } from '../manifests/inference-service.ts';
import type { SmokeResult } from '../types.ts';
import { type RunCaseOptions, runCase } from './run-case.ts';

const pods = '/api/v1/namespaces/models/pods';
const services = '/apis/serving.kserve.io/v1beta1/namespaces/models/inferenceservices';
const right = {
  outputs: [{ name: 'predict', shape: [6, 1], datatype: 'INT64', data: [2, 0, 1, 1, 2, 0] }],
};

let cluster: ApiServer;
let server: Server;
let api: Api;
let watch: NamespaceWatch;
/** The model server's answers in order; the last one repeats. */
let answers: { status: number; body: unknown }[];
let asked: string[];
let notes: string[];

beforeEach(async () => {
  cluster = await ApiServer.start();
  answers = [];
  asked = [];
  notes = [];
  server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    const { status, body } = (answers.length > 1 ? answers.shift() : answers[0]) ?? { status: 404, body: {} };
    request.resume().on('end', () => {
      response.writeHead(status, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cluster.podPort = (server.address() as AddressInfo).port;
  api = connect({ text: cluster.kubeconfig });
  watch = await NamespaceWatch.start(api, 'models');
});
afterEach(async () => {
  await watch.stop();
  await cluster[Symbol.asyncDispose]();
  server.closeAllConnections();
  server.close();
});

const service: InferenceService = {
  apiVersion: 'serving.kserve.io/v1beta1',
  kind: 'InferenceService',
  metadata: { name: 'iris', namespace: 'models' },
  spec: {
    predictor: {
      model: { modelFormat: { name: 'sklearn' }, runtime: 'kserve-mlserver', storageUri: 'oci://a' },
    },
  },
};

/** A case as it was planned, with more fields than its result has. */
const planned = { model: 'iris', mode: 'oci', security: 'runtime', name: 'iris-or', user: 1010 } as const;

function run(more: Partial<RunCaseOptions> = {}): Promise<SmokeResult> {
  return runCase({
    cluster: new ServingNamespace(api, watch, 'models'),
    case: planned,
    service,
    smoke: sklearn.smoke,
    timeout: 20,
    signal: new AbortController().signal,
    note: (text) => notes.push(text),
    ...more,
  });
}

/** Adds the pod that KServe would create, in the given state. */
function showPod(ready: boolean, containers: object[], init: object[] = [], ports?: object[]): void {
  cluster.put(pods, {
    metadata: {
      name: 'iris-predictor-1',
      namespace: 'models',
      labels: { 'serving.kserve.io/inferenceservice': 'iris' },
    },
    spec: { nodeName: 'node', containers: [{ name: 'kserve-container', ports }] },
    status: {
      phase: 'Running',
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
      containerStatuses: containers,
      initContainerStatuses: init,
    },
  });
}

const running = { name: 'kserve-container', ready: true, restartCount: 0, state: { running: {} } };

/** Deletes the pod after the service, as KServe does. */
function podFollowsService(): void {
  const gone = setInterval(() => {
    if (cluster.get(`${services}/iris`) !== undefined) return;
    clearInterval(gone);
    cluster.delete(`${pods}/iris-predictor-1`);
  }, 50);
}

/** A cluster whose pod is ready a moment after the apply, and is deleted with the service. */
function serves(): void {
  cluster.onApply = () => {
    setTimeout(() => showPod(false, [{ ...running, ready: false }]), 50);
    setTimeout(() => showPod(true, [running]), 150);
    podFollowsService();
    return undefined;
  };
}

it('passes a correct prediction through a port-forward, and deletes the service', async () => {
  serves();
  answers = [{ status: 200, body: right }];
  // And nothing of the plan: the result is printed as JSON.
  const seconds = expect.any(Number);
  expect(await run()).toEqual({ model: 'iris', mode: 'oci', security: 'runtime', status: 'passed', seconds });
  expect(asked).toEqual(['POST /v2/models/iris/infer']);
  expect(cluster.requests).toContain(`UPGRADE ${pods}/iris-predictor-1/portforward?ports=8080`);
  expect(cluster.get(`${services}/iris`)).toBeUndefined();
  expect(watch.pod('iris')).toBeUndefined();
  expect(notes).toContain('ready: kserve-container is not ready');
});

it.each([
  { port: 8888, title: "its container's only port", ports: [{ containerPort: 8888, protocol: 'TCP' }] },
  {
    port: 8081,
    title: 'a port beside that of gRPC',
    ports: [{ containerPort: 9000, name: 'h2c' }, { containerPort: 8081 }],
  },
  {
    port: 8080,
    title: 'the usual port among others',
    ports: [{ containerPort: 9000 }, { containerPort: 8080 }],
  },
  { port: 8080, title: 'the usual port if none is declared', ports: [] },
])('sends the request to $title', async ({ port, ports }) => {
  cluster.onApply = () => {
    setTimeout(() => showPod(true, [running], [], ports), 50);
    podFollowsService();
    return undefined;
  };
  answers = [{ status: 200, body: right }];
  expect(await run()).toMatchObject({ status: 'passed' });
  expect(cluster.requests).toContain(`UPGRADE ${pods}/iris-predictor-1/portforward?ports=${port}`);
});

it('waits while a ready server has not loaded the model', async () => {
  serves();
  answers = [
    { status: 404, body: { error: 'Model iris not found' } },
    { status: 404, body: { error: 'Model iris not found' } },
    { status: 200, body: right },
  ];
  expect(await run()).toMatchObject({ status: 'passed' });
});

it('fails at the first wrong answer, even if the pod is ready', async () => {
  serves();
  const wrong = { outputs: [{ name: 'predict', shape: [6, 1], data: [0, 0, 0, 0, 0, 0] }] };
  answers = [{ status: 200, body: wrong }];
  const { status, diagnosis } = await run();
  expect(status).toBe('failed');
  expect(diagnosis).toMatchObject({
    stage: 'answer',
    expected: [2, 0, 1, 1, 2, 0],
    got: [0, 0, 0, 0, 0, 0],
    cause: expect.stringContaining('another model'),
  });
  expect(asked).toHaveLength(1);
});

it('uses the v1 protocol when the server has no other', async () => {
  serves();
  answers = [
    { status: 404, body: {} },
    { status: 200, body: { predictions: [2, 0, 1, 1, 2, 0] } },
  ];
  expect(await run()).toMatchObject({ status: 'passed' });
  expect(asked).toEqual(['POST /v2/models/iris/infer', 'POST /v1/models/iris:predict']);
});

it('reports a crash with the log of the previous run', async () => {
  cluster.onApply = () => {
    const state = { waiting: { reason: 'CrashLoopBackOff' } };
    const lastState = { terminated: { exitCode: 1, reason: 'Error' } };
    setTimeout(() => showPod(false, [{ ...running, ready: false, restartCount: 2, state, lastState }]), 50);
    podFollowsService();
    return undefined;
  };
  cluster.onLog = (pod, container, previous) =>
    previous
      ? `${pod} ${container}\n\nPermissionError: [Errno 13] Permission denied: '/mnt/models'\n`
      : 'new';
  const { status, diagnosis } = await run();
  expect(status).toBe('failed');
  expect(diagnosis).toMatchObject({
    stage: 'load',
    container: 'kserve-container',
    cause: expect.stringContaining('another user'),
    logs: [
      'iris-predictor-1 kserve-container',
      "PermissionError: [Errno 13] Permission denied: '/mnt/models'",
    ],
  });
});

it('does not wait for a second crash when the first log has a lasting cause', async () => {
  cluster.onApply = () => {
    const lastState = { terminated: { exitCode: 0, reason: 'Completed' } };
    setTimeout(() => showPod(true, [{ ...running, restartCount: 1, lastState }]), 50);
    podFollowsService();
    return undefined;
  };
  cluster.onLog = (_pod, _container, previous) =>
    previous ? 'Traceback (most recent call last):\n  a\nEOFError\n' : '';
  const { status, diagnosis } = await run();
  expect(status).toBe('failed');
  expect(diagnosis).toMatchObject({
    stage: 'load',
    what: 'kserve-container ended while it loaded the model: EOFError',
    cause: expect.stringContaining('damaged'),
  });
  expect(asked).toEqual([]);
});

it('gives a server that started before the sidecar linked the model another try', async () => {
  const began = Date.now();
  const time = (after: number) => new Date(began + after).toISOString();
  const sidecar = {
    name: 'modelcar',
    ready: true,
    restartCount: 0,
    state: { running: { startedAt: time(0) } },
  };
  const crashed = (after: number) => ({
    ...running,
    restartCount: 2,
    lastState: { terminated: { exitCode: 1, reason: 'Error', startedAt: time(after) } },
  });
  cluster.onApply = () => {
    setTimeout(() => showPod(false, [{ ...crashed(2_000), ready: false }, sidecar]), 50);
    setTimeout(() => showPod(true, [crashed(2_000), sidecar]), 300);
    podFollowsService();
    return undefined;
  };
  cluster.onLog = (_pod, _container, previous) =>
    previous ? "FileNotFoundError: [Errno 2] No such file or directory: '/mnt/models/model.joblib'" : '';
  answers = [{ status: 200, body: right }];
  expect(await run()).toMatchObject({ status: 'passed' });

  cluster.onApply = () => {
    setTimeout(() => showPod(false, [{ ...crashed(31_000), ready: false }, sidecar]), 50);
    podFollowsService();
    return undefined;
  };
  expect(await run()).toMatchObject({
    status: 'failed',
    diagnosis: { stage: 'load', cause: expect.stringContaining('does not find the model') },
  });
});

it('fails at the timeout and names what it waited for', async () => {
  cluster.onApply = () => {
    setTimeout(() => showPod(false, [{ ...running, ready: false }]), 50);
    podFollowsService();
    return undefined;
  };
  const { status, diagnosis, seconds } = await run({ timeout: 1 });
  expect(status).toBe('failed');
  expect(diagnosis).toMatchObject({ stage: 'ready', what: 'kserve-container is not ready after 1 s' });
  expect(seconds).toBeLessThan(10);
});

it('keeps watching when the API server ends its watches', async () => {
  cluster.onApply = () => {
    setTimeout(() => cluster.dropWatches(), 50);
    setTimeout(() => showPod(true, [running]), 300);
    podFollowsService();
    return undefined;
  };
  answers = [{ status: 200, body: right }];
  expect(await run()).toMatchObject({ status: 'passed' });
});

it('reports the refusal of the cluster', async () => {
  cluster.onApply = () => ({
    code: 403,
    reason: 'Forbidden',
    message: 'pods "iris" is forbidden: exceeded quota: small, requested: memory=2Gi',
  });
  expect(await run()).toMatchObject({
    status: 'failed',
    diagnosis: { stage: 'apply', cause: expect.stringContaining('quota') },
  });
});

it('skips only a mode that the cluster does not support', async () => {
  const message = 'StorageURI not supported: storageUri [oci+native://a] is not supported';
  cluster.onApply = () => {
    const involvedObject = { kind: 'InferenceService', name: 'iris' };
    const event = {
      metadata: { name: 'e1' },
      involvedObject,
      type: 'Warning',
      reason: 'InternalError',
      message,
    };
    cluster.put('/api/v1/namespaces/models/events', event);
    return undefined;
  };
  const native = { model: 'iris', mode: 'oci+native', security: 'runtime' } as const;
  const skipped = await run({ case: native });
  expect(skipped).toMatchObject({ status: 'skipped', reason: expect.stringContaining('0.20') });
  expect(await run()).toMatchObject({ status: 'failed', diagnosis: { stage: 'apply' } });
});

it('deletes the service on abort', async () => {
  const controller = new AbortController();
  setTimeout(() => controller.abort(new Error('stop')), 200);
  await expect(run({ signal: controller.signal })).rejects.toThrow('stop');
  expect(cluster.requests).toContain(`DELETE ${services}/iris`);
});
