import { describe, expect, it } from 'vitest';
import { container, evidence, pod, warning } from '../../../tests/support/cluster-evidence.ts';
import { caseProgress } from './case-progress.ts';
import { diagnose } from './diagnose.ts';
import type { Evidence } from './evidence.ts';

/** The diagnosis of the evidence, as `runCase` calls it. */
const of = (seen: Evidence) => diagnose(seen, caseProgress(seen));

const crashed = (name: string, more = {}) =>
  container(name, {
    state: 'waiting',
    ready: false,
    reason: 'CrashLoopBackOff',
    restarts: 2,
    last: { exitCode: 1, reason: 'Error' },
    ...more,
  });

/** A server that crashes with these lines in its log. */
const server = (...lines: string[]) =>
  evidence({
    pod: pod([container('modelcar'), crashed('kserve-container')]),
    logs: { 'kserve-container': lines, modelcar: ['nothing of interest'] },
  });

describe('diagnose', () => {
  it.each([
    [
      '401',
      'failed to pull and unpack image: failed to authorize: unexpected status: 401 Unauthorized',
      /credentials/,
      /--pull-secret/,
    ],
    [
      '403',
      'pull access denied, repository does not exist or may require authorization',
      /refuses/,
      /--pull-secret/,
    ],
    ['a missing image', 'rpc error: quay.io/a@sha256:0: not found', /no such image/, /modelcars push/],
    ['a missing platform', 'no match for platform in manifest: not found', /processor/, /platforms/],
    ['an unreachable registry', 'dial tcp: lookup quay.example: no such host', /cannot reach/, /mirror/],
    [
      'a private CA',
      'tls: failed to verify certificate: x509: certificate signed by unknown authority',
      /trust/,
      /CA/,
    ],
    ['an unsupported zstd layer', 'failed to unpack: zstd: invalid input', /unpack/, /compression/],
  ])('recognizes %s from the pull error', (_, message, cause, fix) => {
    const pulling = container('modelcar-init', {
      state: 'waiting',
      ready: false,
      reason: 'ErrImagePull',
      message,
    });
    const found = of(
      evidence({ pod: pod([pulling], { phase: 'Pending' }), events: [warning('Failed', message)] }),
    );
    expect(found).toMatchObject({ stage: 'pull', what: expect.stringContaining(message) });
    expect(found.cause).toMatch(cause);
    expect(found.fix).toMatch(fix);
    expect(found.events).toEqual([`Warning Pod/iris-predictor-7c9f Failed: ${message}`]);
  });

  it('recognizes an image without a shell', () => {
    const message =
      'failed to create containerd task: runc create failed: exec: "sh": executable file not found in $PATH: unknown';
    const init = container('modelcar-init', {
      state: 'terminated',
      ready: false,
      reason: 'StartError',
      exitCode: 128,
      message,
    });
    expect(of(evidence({ pod: pod([init]) }))).toMatchObject({
      stage: 'init',
      cause: expect.stringContaining('no shell'),
      fix: expect.stringContaining('base: embedded'),
    });
  });

  it('recognizes an ENTRYPOINT when the modelcar exits with code 0', () => {
    const ended = crashed('modelcar', { last: { exitCode: 0, reason: 'Completed' } });
    const seen = evidence({
      pod: pod([container('kserve-container'), ended]),
      logs: { modelcar: ['sh -c ln -sf /proc/$$/root/models /mnt/models'], 'kserve-container': ['starting'] },
    });
    expect(of(seen)).toMatchObject({
      stage: 'link',
      container: 'modelcar',
      cause: expect.stringContaining('ENTRYPOINT'),
      logs: ['sh -c ln -sf /proc/$$/root/models /mnt/models'],
    });
  });

  it('recognizes an image without models', () => {
    const init = container('modelcar-init', {
      state: 'terminated',
      ready: false,
      exitCode: 1,
      reason: 'Error',
    });
    const logs = {
      'modelcar-init': ['NOK ... Prefetched but modelcar is invalid (/models does not exist or is empty)'],
    };
    expect(of(evidence({ pod: pod([init]), logs }))).toMatchObject({
      stage: 'init',
      container: 'modelcar-init',
      cause: expect.stringContaining('nothing below /models'),
    });
  });

  it('distinguishes an unreadable folder from an empty one, although KServe reports both alike', () => {
    const message = 'NOK ... Prefetched but modelcar is invalid (/models does not exist or is empty)';
    const init = container('modelcar-init', {
      state: 'terminated',
      ready: false,
      exitCode: 1,
      reason: 'Error',
      message,
    });
    const logs = { 'modelcar-init': ["ls: can't open '/models': Permission denied", message] };
    expect(of(evidence({ pod: pod([init]), logs }))).toMatchObject({
      stage: 'init',
      cause: expect.stringContaining('cannot read /models'),
    });
  });

  it.each([
    [
      'another user',
      "PermissionError: [Errno 13] Permission denied: '/mnt/models/model.joblib'",
      /another user than the modelcar/,
      /uidModelcar/,
    ],
    [
      'a canonical path',
      'XGBoostError: cannot make canonical path [/mnt/models/model.json]',
      /canonical/,
      /model\.bst/,
    ],
    ...[
      'invalid external data: ExternalDataInfo(data_full_path: w.bin, offset: 0, data_length: 16384)',
      'filesystem error: cannot make canonical path: No such file or directory [/mnt/models/1]',
      'External data path validation failed for initializer: w. Error: Failed to get the weakly canonical path: /mnt/models/model/1 - No such file or directory',
    ].map((line): [string, string, RegExp, RegExp] => [
      'external weights',
      line,
      /external weights/,
      /oci\+native/,
    ]),
    ['a truncated file', 'joblib: EOFError: Ran out of input', /damaged/, /Git LFS/],
    ['another version', "ModuleNotFoundError: No module named 'sklearn.ensemble._gb'", /versions/, /runtime/],
    [
      'another name',
      'mlserver.errors.InvalidModelURI: Invalid URI specified for model iris (/mnt/models)',
      /does not find the model/,
      /frameworks\/README/,
    ],
    [
      'a precision',
      'ValueError: Bfloat16 is only supported on GPUs with compute capability of at least 8.0',
      /precision/,
      /--dtype=half/,
    ],
  ])('recognizes %s from the log of the server', (_, line, cause, fix) => {
    const found = of(server('INFO starting', line, 'INFO bye'));
    expect(found).toMatchObject({ stage: 'load', container: 'kserve-container' });
    expect(found.logs).toEqual(['INFO starting', line, 'INFO bye']);
    expect(found.cause).toMatch(cause);
    expect(found.fix).toMatch(fix);
  });

  it('recognizes a lack of memory', () => {
    const killed = crashed('kserve-container', { last: { exitCode: 137, reason: 'OOMKilled' } });
    expect(of(evidence({ pod: pod([killed]) }))).toMatchObject({
      stage: 'load',
      cause: expect.stringContaining('out of memory'),
    });
  });

  it.each([
    ['RuntimeNotRecognized', 'Waiting for runtime to become available', /no such ServingRuntime/],
    ['InvalidPredictorSpec', 'spec.volumes[0]: Required value: must specify a volume type', /ImageVolume/],
  ])('recognizes %s from KServe', (reason, message, cause) => {
    const found = of(evidence({ service: { conditions: [], failure: { reason, message } } }));
    expect(found.stage).toBe('apply');
    expect(found.cause).toMatch(cause);
  });

  it('shows expected and actual classes of a wrong answer, whatever is in the log', () => {
    const seen = server('ERROR not found');
    const answer = { what: 'row 1 is of class 0, not 1', expected: [2, 0, 1], got: [2, 1, 0] };
    const found = diagnose(seen, { stage: 'answer', state: 'ready', what: '' }, { answer });
    expect(found).toMatchObject({
      ...answer,
      stage: 'answer',
      cause: expect.stringContaining('another model'),
    });
  });

  it('reads the log when a ready server does not know the model', () => {
    const seen = evidence({
      pod: pod([container('kserve-container')]),
      logs: { 'kserve-container': ['UnpicklingError: invalid load key'] },
    });
    const answer = { what: 'POST /v2/models/iris/infer: HTTP 404, the server says "Model iris not found"' };
    const found = diagnose(seen, { stage: 'answer', state: 'ready', what: '' }, { answer });
    expect(found).toMatchObject({
      stage: 'load',
      what: answer.what,
      cause: expect.stringContaining('damaged'),
    });
  });

  it('gives no cause when none is known, and the time it waited', () => {
    const seen = evidence({ pod: pod([container('kserve-container', { ready: false })]) });
    const found = diagnose(seen, caseProgress(seen), { waited: 90_400 });
    expect(found).toMatchObject({ stage: 'ready', what: 'kserve-container is not ready after 90 s' });
    expect(found).not.toHaveProperty('cause');
  });

  it('fits on one screen: the last lines, and events without repetitions, warnings first', () => {
    const lines = Array.from({ length: 40 }, (_, index) => `line ${index}`);
    const normal = Array.from({ length: 9 }, (_, index) => ({
      ...warning('Pulled', `image ${index}`, index),
      warning: false,
    }));
    const seen = {
      ...server(...lines),
      events: [warning('BackOff', 'restarting', 1), warning('BackOff', 'restarting', 20), ...normal],
    };
    const { logs, events } = of(seen);
    expect(logs).toEqual(lines.slice(-12));
    expect(events).toHaveLength(6);
    expect(events.filter((line) => line.includes('restarting'))).toHaveLength(1);
    expect(events.at(-1)).toMatch(/^Warning/);
  });
});

/** What MLServer 1.7.1, MLflow, ONNX Runtime, OpenVINO and Triton answer to a request of another shape. */
it.each([
  'builtins.ValueError: X has 4 features, but StandardScaler is expecting 10 features as input.',
  "builtins.ValueError: columns are missing: {'plan', 'income', 'city', 'num_cat'}",
  "builtins.AttributeError: 'numpy.ndarray' object has no attribute 'lower'",
  "builtins.ValueError: Found unknown categories ['Oslo'] in column 0 during transform",
  'builtins.ValueError: Feature shape mismatch, expected: 10, got 4',
  "builtins.ValueError: ('feature types must have the same length as the number of data columns, ', 'expected 4, got 2')",
  'lightgbm.basic.LightGBMError: The number of features in data (4) is not the same as it was in training data (10).',
  '[ONNXRuntimeError] : 2 : INVALID_ARGUMENT : Got invalid dimensions for input: rows for the following indices\\n index: 1 Got: 10 Expected: 4',
  "Required inputs (['rows']) are missing from input feed (['x']).",
  "Can't set the input tensor with index: 0, because the model input (shape=[?,4]) and the tensor (shape=(1.10)) are incompatible",
  'Port for tensor name x was not found.',
  "unexpected shape for input 'rows' for model 'model'. Expected [-1,4], got [6,10]",
  "mlflow.exceptions.MlflowException: Failed to enforce schema of data '   alcohol  malic_acid   ash  ...  proline",
])('a request that does not fit the model is not a damaged file: %s', (text) => {
  const answer = { what: `POST /v2/models/m/infer: HTTP 500, the server says "${text}"` };
  // The log begins with an error that would be the cause of a failure to load.
  const other = "PermissionError: [Errno 13] Permission denied: '/.metrics'";
  const logs = ['Traceback (most recent call last):', '  File "x.py", line 1', other, text];
  const seen = evidence({ pod: pod([container('kserve-container')]), logs: { 'kserve-container': logs } });
  const found = diagnose(seen, { stage: 'answer', state: 'ready', what: '' }, { answer });
  expect(found).toMatchObject({
    stage: 'answer',
    cause: expect.stringContaining('the request does not fit the model'),
    fix: expect.stringContaining('`smoke:`'),
  });
});

it('a batch that Triton refuses as too large: its limit is named, and where it is set', () => {
  const text = "[request id: <id_unknown>] inference request batch-size must be <= 4 for 'model'";
  const answer = { what: `POST /v2/models/model/infer: HTTP 400, the server says "${text}"` };
  const seen = evidence({ pod: pod([container('kserve-container')]) });
  expect(diagnose(seen, { stage: 'answer', state: 'ready', what: '' }, { answer })).toMatchObject({
    stage: 'answer',
    cause: expect.stringContaining('more rows than Triton takes'),
    fix: expect.stringContaining('`max_batch_size` in config.pbtxt'),
  });
});
