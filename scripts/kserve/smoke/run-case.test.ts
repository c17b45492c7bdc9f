import { afterEach, beforeEach, expect, it } from 'vitest';
import { pods, right, running, ServedCase, services } from '../../../tests/support/served-case.ts';

let served: ServedCase;
beforeEach(async () => {
  served = await ServedCase.start();
});
afterEach(() => served[Symbol.asyncDispose]());

it('passes a correct prediction through a port-forward, and deletes the service', async () => {
  served.serves();
  served.answers = [{ status: 200, body: right }];
  // And nothing of the plan: the result is printed as JSON.
  const seconds = expect.any(Number);
  expect(await served.run()).toEqual({
    model: 'iris',
    mode: 'oci',
    security: 'runtime',
    status: 'passed',
    seconds,
  });
  expect(served.asked).toEqual(['POST /v2/models/iris/infer']);
  expect(served.cluster.requests).toContain(`UPGRADE ${pods}/iris-predictor-1/portforward?ports=8080`);
  expect(served.cluster.get(`${services}/iris`)).toBeUndefined();
  expect(served.watch.pod('iris')).toBeUndefined();
  expect(served.notes).toContain('ready: kserve-container is not ready');
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
  served.cluster.onApply = () => {
    setTimeout(() => served.showPod(true, [running], [], ports), 50);
    served.podFollowsService();
    return undefined;
  };
  served.answers = [{ status: 200, body: right }];
  expect(await served.run()).toMatchObject({ status: 'passed' });
  expect(served.cluster.requests).toContain(`UPGRADE ${pods}/iris-predictor-1/portforward?ports=${port}`);
});

it('waits while a ready server has not loaded the model', async () => {
  served.serves();
  served.answers = [
    { status: 404, body: { error: 'Model iris not found' } },
    { status: 404, body: { error: 'Model iris not found' } },
    { status: 200, body: right },
  ];
  expect(await served.run()).toMatchObject({ status: 'passed' });
});

it('fails at the first wrong answer, even if the pod is ready', async () => {
  served.serves();
  const wrong = { outputs: [{ name: 'predict', shape: [6, 1], data: [0, 0, 0, 0, 0, 0] }] };
  served.answers = [{ status: 200, body: wrong }];
  const { status, diagnosis } = await served.run();
  expect(status).toBe('failed');
  expect(diagnosis).toMatchObject({
    stage: 'answer',
    expected: [2, 0, 1, 1, 2, 0],
    got: [0, 0, 0, 0, 0, 0],
    cause: expect.stringContaining('another model'),
  });
  expect(served.asked).toHaveLength(1);
});

it('uses the v1 protocol when the server has no other', async () => {
  served.serves();
  served.answers = [
    { status: 404, body: {} },
    { status: 200, body: { predictions: [2, 0, 1, 1, 2, 0] } },
  ];
  expect(await served.run()).toMatchObject({ status: 'passed' });
  expect(served.asked).toEqual(['POST /v2/models/iris/infer', 'POST /v1/models/iris:predict']);
});

it('fails at the timeout and names what it waited for', async () => {
  served.cluster.onApply = () => {
    setTimeout(() => served.showPod(false, [{ ...running, ready: false }]), 50);
    served.podFollowsService();
    return undefined;
  };
  const { status, diagnosis, seconds } = await served.run({ timeout: 1 });
  expect(status).toBe('failed');
  expect(diagnosis).toMatchObject({ stage: 'ready', what: 'kserve-container is not ready after 1 s' });
  expect(seconds).toBeLessThan(10);
});

it('keeps watching when the API server ends its watches', async () => {
  served.cluster.onApply = () => {
    setTimeout(() => served.cluster.dropWatches(), 50);
    setTimeout(() => served.showPod(true, [running]), 300);
    served.podFollowsService();
    return undefined;
  };
  served.answers = [{ status: 200, body: right }];
  expect(await served.run()).toMatchObject({ status: 'passed' });
});

it('reports the refusal of the cluster', async () => {
  served.cluster.onApply = () => ({
    code: 403,
    reason: 'Forbidden',
    message: 'pods "iris" is forbidden: exceeded quota: small, requested: memory=2Gi',
  });
  expect(await served.run()).toMatchObject({
    status: 'failed',
    diagnosis: { stage: 'apply', cause: expect.stringContaining('quota') },
  });
});

it('skips only a mode that the cluster does not support', async () => {
  const message = 'StorageURI not supported: storageUri [oci+native://a] is not supported';
  served.cluster.onApply = () => {
    const involvedObject = { kind: 'InferenceService', name: 'iris' };
    const event = {
      metadata: { name: 'e1' },
      involvedObject,
      type: 'Warning',
      reason: 'InternalError',
      message,
    };
    served.cluster.put('/api/v1/namespaces/models/events', event);
    return undefined;
  };
  const native = { model: 'iris', mode: 'oci+native', security: 'runtime' } as const;
  const skipped = await served.run({ case: native });
  expect(skipped).toMatchObject({ status: 'skipped', reason: expect.stringContaining('0.20') });
  expect(await served.run()).toMatchObject({ status: 'failed', diagnosis: { stage: 'apply' } });
});

it('deletes the service on abort', async () => {
  const controller = new AbortController();
  setTimeout(() => controller.abort(new Error('stop')), 200);
  await expect(served.run({ signal: controller.signal })).rejects.toThrow('stop');
  expect(served.cluster.requests).toContain(`DELETE ${services}/iris`);
});
