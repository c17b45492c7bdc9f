import { afterEach, beforeEach, expect, it } from 'vitest';
import { right, running, ServedCase } from '../../../tests/support/served-case.ts';

let served: ServedCase;
beforeEach(async () => {
  served = await ServedCase.start();
});
afterEach(() => served[Symbol.asyncDispose]());

it('reports a crash with the log of the previous run', async () => {
  served.cluster.onApply = () => {
    const state = { waiting: { reason: 'CrashLoopBackOff' } };
    const lastState = { terminated: { exitCode: 1, reason: 'Error' } };
    setTimeout(
      () => served.showPod(false, [{ ...running, ready: false, restartCount: 2, state, lastState }]),
      50,
    );
    served.podFollowsService();
    return undefined;
  };
  served.cluster.onLog = (pod, container, previous) =>
    previous
      ? `${pod} ${container}\n\nPermissionError: [Errno 13] Permission denied: '/mnt/models'\n`
      : 'new';
  const { status, diagnosis } = await served.run();
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

it('reports a crash that has just happened with its own log: that of the run before is removed', async () => {
  served.cluster.onApply = () => {
    const lastState = { terminated: { exitCode: 1, reason: 'Error' } };
    const state = { terminated: { exitCode: 1, reason: 'Error' } };
    setTimeout(() => served.showPod(false, [{ ...running, restartCount: 2, state, lastState }]), 50);
    served.podFollowsService();
    return undefined;
  };
  served.cluster.onLog = (_pod, _container, previous) =>
    previous
      ? 'unable to retrieve container logs for containerd://3eeb'
      : "FileNotFoundError: No such file or directory: '/mnt/models/model.joblib'";
  expect(await served.run()).toMatchObject({
    status: 'failed',
    diagnosis: { stage: 'load', cause: expect.stringContaining('does not find the model') },
  });
});

it('does not wait for a second crash when the first log has a lasting cause', async () => {
  served.cluster.onApply = () => {
    const lastState = { terminated: { exitCode: 0, reason: 'Completed' } };
    setTimeout(() => served.showPod(true, [{ ...running, restartCount: 1, lastState }]), 50);
    served.podFollowsService();
    return undefined;
  };
  served.cluster.onLog = (_pod, _container, previous) =>
    previous ? 'Traceback (most recent call last):\n  a\nEOFError\n' : '';
  const { status, diagnosis } = await served.run();
  expect(status).toBe('failed');
  expect(diagnosis).toMatchObject({
    stage: 'load',
    what: 'kserve-container ended while it loaded the model: EOFError',
    cause: expect.stringContaining('damaged'),
  });
  expect(served.asked).toEqual([]);
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
  served.cluster.onApply = () => {
    setTimeout(() => served.showPod(false, [{ ...crashed(2_000), ready: false }, sidecar]), 50);
    setTimeout(() => served.showPod(true, [crashed(2_000), sidecar]), 300);
    served.podFollowsService();
    return undefined;
  };
  served.cluster.onLog = (_pod, _container, previous) =>
    previous ? "FileNotFoundError: [Errno 2] No such file or directory: '/mnt/models/model.joblib'" : '';
  served.answers = [{ status: 200, body: right }];
  expect(await served.run()).toMatchObject({ status: 'passed' });

  served.cluster.onApply = () => {
    setTimeout(() => served.showPod(false, [{ ...crashed(31_000), ready: false }, sidecar]), 50);
    served.podFollowsService();
    return undefined;
  };
  expect(await served.run()).toMatchObject({
    status: 'failed',
    diagnosis: { stage: 'load', cause: expect.stringContaining('does not find the model') },
  });
});
