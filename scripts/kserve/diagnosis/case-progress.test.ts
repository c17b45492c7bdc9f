import { describe, expect, it } from 'vitest';
import { container, evidence, pod, warning } from '../../../tests/support/cluster-evidence.ts';
import { caseProgress } from './case-progress.ts';

describe('caseProgress', () => {
  it('waits for KServe to create a pod, despite lost races', () => {
    expect(caseProgress(evidence())).toMatchObject({ stage: 'apply', state: 'waiting' });
    const race = warning('InternalError', 'Operation cannot be fulfilled: the object has been modified');
    expect(caseProgress(evidence({ events: [race] }))).toMatchObject({
      state: 'waiting',
      what: race.message,
    });
  });

  it.each([
    ['no runtime', { reason: 'NoSupportingRuntime', message: 'No runtime found' }],
    [
      'an unknown runtime',
      { reason: 'RuntimeNotRecognized', message: 'Waiting for runtime to become available' },
    ],
  ])('fails for %s', (_, failure) => {
    const seen = evidence({ service: { conditions: [], failure } });
    expect(caseProgress(seen)).toMatchObject({ stage: 'apply', state: 'failed' });
  });

  it('fails on a scheme that KServe does not support', () => {
    const events = [
      warning('InternalError', 'StorageURI not supported: storageUri [oci+native://a] is not supported'),
    ];
    expect(caseProgress(evidence({ events }))).toMatchObject({ stage: 'apply', state: 'failed' });
  });

  it('waits a while for a pod without a node', () => {
    const seen = evidence({
      pod: { ...pod([], { phase: 'Pending', ready: false, unschedulable: '0/1 nodes are available' }) },
    });
    delete seen.pod?.node;
    expect(caseProgress(seen)).toMatchObject({ stage: 'apply', state: 'waiting', patience: 60_000 });
  });

  it.each([
    ['401', 'failed', 'failed to authorize: 401 Unauthorized'],
    ['a missing image', 'failed', 'quay.io/a/b@sha256:0: not found'],
    ['another processor', 'failed', 'no match for platform in manifest'],
    ['an unreachable registry', 'waiting', 'dial tcp 10.0.0.1:443: i/o timeout'],
  ])('recognizes %s while pulling: %s', (_, state, message) => {
    const pulling = container('modelcar-init', {
      state: 'waiting',
      ready: false,
      reason: 'ErrImagePull',
      message,
    });
    const seen = caseProgress(evidence({ pod: pod([pulling], { phase: 'Pending', ready: false }) }));
    expect(seen).toMatchObject({ stage: 'pull', state, container: 'modelcar-init' });
  });

  it('fails at once when the image has no models', () => {
    const ended = container('modelcar-init', {
      state: 'terminated',
      ready: false,
      reason: 'Error',
      exitCode: 1,
    });
    expect(caseProgress(evidence({ pod: pod([ended], { ready: false }) }))).toMatchObject({
      stage: 'init',
      state: 'failed',
    });
  });

  it('continues after a successful init container', () => {
    const fine = container('modelcar-init', {
      state: 'terminated',
      ready: true,
      exitCode: 0,
      reason: 'Completed',
    });
    const seen = caseProgress(
      evidence({ pod: pod([fine, container('kserve-container', { ready: false })]) }),
    );
    expect(seen).toMatchObject({ stage: 'ready', state: 'waiting', container: 'kserve-container' });
  });

  it('fails when the modelcar exits, even with code 0', () => {
    const ended = container('modelcar', {
      state: 'terminated',
      ready: false,
      exitCode: 0,
      reason: 'Completed',
    });
    const seen = caseProgress(evidence({ pod: pod([container('kserve-container'), ended]) }));
    expect(seen).toMatchObject({ stage: 'link', state: 'failed', container: 'modelcar' });
    expect(seen.what).toContain('exit code 0');
  });

  it.each([
    [1, 'waiting'],
    [2, 'failed'],
  ])('after %i restarts of the server it is %s', (restarts, state) => {
    const crashed = container('kserve-container', {
      state: 'waiting',
      ready: false,
      reason: 'CrashLoopBackOff',
      restarts,
      last: { exitCode: 1, reason: 'Error' },
    });
    expect(caseProgress(evidence({ pod: pod([crashed]) }))).toMatchObject({ stage: 'load', state });
  });

  describe('with the sidecar of oci://, which links the model while the server starts', () => {
    const linkedAt = 100_000;
    const seen = (server: Parameters<typeof container>[1]) =>
      caseProgress(
        evidence({
          pod: pod([
            container('kserve-container', { ready: false, restarts: 3, ...server }),
            container('modelcar', { startedAt: linkedAt }),
          ]),
        }),
      );

    it.each([
      [1_000, 'waiting'],
      [29_000, 'waiting'],
      [31_000, 'failed'],
    ])('a run that began %i ms after the sidecar and crashed: %s', (after, state) => {
      const last = { exitCode: 1, startedAt: linkedAt + after };
      expect(seen({ state: 'waiting', reason: 'CrashLoopBackOff', last })).toMatchObject({ state });
      const startedAt = linkedAt + after;
      expect(seen({ state: 'terminated', exitCode: 1, startedAt })).toMatchObject({ stage: 'load', state });
    });

    it('waits for a server that runs again after early crashes, and not after later ones', () => {
      const after = (milliseconds: number) =>
        seen({ state: 'running', last: { exitCode: 1, startedAt: linkedAt + milliseconds } });
      expect(after(12_000)).toMatchObject({ stage: 'ready', state: 'waiting' });
      expect(after(31_000)).toMatchObject({ stage: 'load', state: 'failed' });
    });

    it('fails when the server ran out of memory, however early', () => {
      const last = { exitCode: 137, reason: 'OOMKilled', startedAt: linkedAt };
      expect(seen({ state: 'waiting', reason: 'CrashLoopBackOff', last })).toMatchObject({ state: 'failed' });
    });
  });

  it('fails when the server runs out of memory', () => {
    const killed = container('kserve-container', {
      state: 'terminated',
      ready: false,
      reason: 'OOMKilled',
      exitCode: 137,
    });
    expect(caseProgress(evidence({ pod: pod([killed]) }))).toMatchObject({ stage: 'load', state: 'failed' });
  });

  it.each([
    ['modelcar-init', 'init'],
    ['modelcar', 'link'],
    ['kserve-container', 'load'],
  ])('fails when %s cannot be started', (name, stage) => {
    const broken = container(name, {
      state: 'waiting',
      ready: false,
      reason: 'CreateContainerConfigError',
      message: 'container has runAsNonRoot and image has non-numeric user',
    });
    expect(caseProgress(evidence({ pod: pod([broken]) }))).toMatchObject({ stage, state: 'failed' });
  });

  it('is ready when the pod is ready', () => {
    const seen = evidence({ pod: pod([container('kserve-container'), container('modelcar')]) });
    expect(caseProgress(seen)).toMatchObject({ stage: 'answer', state: 'ready' });
  });
});
