import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Folder, failure } from '../../tests/support/catalog-folder.ts';
import { isModel } from '../model/catalog-entry.ts';
import { loadCatalog } from './load.ts';

let folder: Folder;
beforeAll(async () => {
  folder = await Folder.make();
});
afterAll(() => folder[Symbol.asyncDispose]());

const catalog = (defaults: string, serving: string) =>
  `${defaults}models:\n  - name: iris\n    framework: testing\n    source: file:m\n${serving}`;

async function serving(defaults: string, own: string) {
  const { models } = await loadCatalog(await folder.catalog(catalog(defaults, own)));
  return models.filter(isModel)[0]?.serving;
}

it('is absent by default', async () => {
  expect(await serving('', '')).toBeUndefined();
});

it("prefers a model's fields to the defaults', and merges variables", async () => {
  const defaults =
    'defaults:\n  serving: {imagePullSecrets: [quay], args: [--a], env: {A: "1", B: "1"}, serviceAccount: all}\n';
  const own =
    '    serving:\n      args: [--dtype=half]\n      env: {B: "2"}\n      resources: {limits: {nvidia.com/gpu: 1, memory: 24Gi}}\n';
  expect(await serving(defaults, own)).toEqual({
    imagePullSecrets: ['quay'],
    args: ['--dtype=half'],
    env: { A: '1', B: '2' },
    resources: { limits: { 'nvidia.com/gpu': '1', memory: '24Gi' } },
    serviceAccount: 'all',
  });
});

it('has the fields of KServe and Kubernetes, with texts and valueFrom as variables', async () => {
  const own = `    serving:
      name: flowers
      labels: {team: search}
      annotations: {openshift.io/display-name: "Iris, by leaf"}
      deploymentMode: Knative
      storage: oci+native
      minReplicas: 0
      maxReplicas: 4
      scaleMetric: concurrency
      scaleTarget: 5
      nodeSelector: {nvidia.com/gpu.product: NVIDIA-L4}
      tolerations: [{key: nvidia.com/gpu, operator: Exists, effect: NoSchedule}]
      volumes: [{name: shm, emptyDir: {medium: Memory, sizeLimit: 8Gi}}]
      volumeMounts: [{name: shm, mountPath: /dev/shm}]
      env:
        HF_TOKEN: {valueFrom: {secretKeyRef: {name: hf, key: token}}}
        LEVEL: {valueFrom: {configMapKeyRef: {name: logs, key: level, optional: true}}}
        POD_IP: {valueFrom: {fieldRef: {fieldPath: status.podIP}}}
        EMPTY: {valueFrom: {secretKeyRef: {name: a.b, key: tls.crt}}}
`;
  expect(await serving('', own)).toMatchObject({
    name: 'flowers',
    storage: 'oci+native',
    minReplicas: 0,
    env: { HF_TOKEN: { valueFrom: { secretKeyRef: { name: 'hf', key: 'token' } } } },
    volumes: [{ name: 'shm', emptyDir: { medium: 'Memory', sizeLimit: '8Gi' } }],
  });
});

it('adds labels and annotations to those of the defaults, and replaces lists and node selectors', async () => {
  const defaults =
    'defaults:\n  serving: {labels: {a: "1", b: "1"}, annotations: {a: "1"}, nodeSelector: {zone: a}, tolerations: [{operator: Exists}]}\n';
  const own = '    serving: {labels: {b: "2"}, nodeSelector: {gpu: l4}, tolerations: []}\n';
  expect(await serving(defaults, own)).toMatchObject({
    labels: { a: '1', b: '2' },
    annotations: { a: '1' },
    nodeSelector: { gpu: 'l4' },
    tolerations: [],
  });
});

it.each([
  ['resources: {limits: {memory: 24GB}}', 'expected an amount such as `500m`, `2` or `4Gi`, got `24GB`'],
  ['resources: {requests: {cpu: -1}}', 'expected an amount such as'],
  ['imagePullSecrets: [Quay]', 'the name of a Secret'],
  ['runtme: x', 'did you mean `runtime`?'],
  ['args: --dtype=half', 'expected a list of arguments'],
  ['env: {"A=B": "1"}', 'the name of a variable'],
  [
    'env: {PYTHONPATH: /x}',
    'expected a variable other than PYTHONPATH, which KServe refuses since 0.18, got `PYTHONPATH`',
  ],
  ['env: {A: 4}', 'got the number 4; put it in quotes'],
  ['env: {A: {secretKeyRef: {name: hf, key: t}}}', '`serving.env.A.valueFrom`: missing'],
  ['env: {A: {valueFrom: {secretKyRef: {name: hf, key: t}}}}', 'did you mean `secretKeyRef`?'],
  ['env: {A: {valueFrom: {}}}', 'expected exactly one of `secretKeyRef`'],
  ['env: {A: {valueFrom: {secretKeyRef: {name: Hf, key: t}}}}', 'did you mean `hf`?'],
  ['name: 7b-chat', 'did you mean `m-7b-chat`?'],
  ['deploymentMode: standard', 'did you mean `Standard`?'],
  ['storage: oci-native', 'did you mean `oci+native`?'],
  ['labels: {team: a b}', 'the value of a label'],
  ['labels: {"a b": c}', 'the key of a label'],
  ['annotations: {a: true}', 'got the boolean true; put it in quotes'],
  ['annotations: {serving.kserve.io/deploymentMode: Standard}', 'write `deploymentMode:` instead'],
  ['annotations: {serving.kserve.io/autoscalerClass: hpaa}', 'did you mean `hpa`?'],
  ['minReplicas: -1', 'expected a number of pods'],
  ['minReplicas: 3, maxReplicas: 2', 'expected at least `minReplicas` (3)'],
  ['scaleMetric: rps, deploymentMode: Standard', 'expected `cpu` or `memory`'],
  ['scaleTarget: 0', 'expected a whole number from 1'],
  ['runAsUser: 2147483648', 'expected a UID'],
  ['resources: {requests: {memory: 4Gi}, limits: {memory: 2Gi}}', 'at most the limit `2Gi`, got `4Gi`'],
  ['resources: {limits: {gpu: 1}}', 'did you mean `nvidia.com/gpu`?'],
  ['tolerations: [{key: a, efect: NoSchedule}]', 'did you mean `effect`?'],
  ['tolerations: [{value: a}]', '`serving.tolerations[0].operator`'],
  ['volumes: [{name: shm}]', 'got none'],
  ['volumes: [{name: a, emptyDir: {}, secret: {secretName: b}}]', 'got `emptyDir` and `secret`'],
  ['volumes: [{name: a, emptyDir: {}}, {name: a, emptyDir: {}}]', 'the name of an earlier volume'],
  ['volumeMounts: [{name: shm, mountPath: /a}]', 'expected the name of one of `volumes`, got `shm`'],
])('rejects %s', async (line, message) => {
  const error = await failure(loadCatalog(await folder.catalog(catalog('', `    serving: {${line}}\n`))));
  expect(error.message).toContain(message);
});

describe('merged with the defaults', () => {
  const reject = async (defaults: string, own: string) =>
    (await failure(loadCatalog(await folder.catalog(catalog(`defaults:\n  serving: {${defaults}}\n`, own)))))
      .message;

  it("reports a contradiction at the model's own field", async () => {
    const message = await reject('minReplicas: 3', '    serving:\n      maxReplicas: 2\n');
    expect(message).toContain('models.yaml:8:20: `serving.maxReplicas`: expected at least `minReplicas` (3)');
    expect(await reject('maxReplicas: 2', '    serving: {minReplicas: 3}\n')).toContain(
      'models.yaml:7:14: `serving.maxReplicas`: expected at least `minReplicas` (3), or 0 for no limit, got 2 (`defaults:`)',
    );
  });

  it('reports a mistake of the defaults once', async () => {
    const message = await reject('minReplicas: 3, maxReplicas: 2', '    serving: {runAsUser: 1}\n');
    expect(message).toMatch(/models\.yaml:2:42: `serving\.maxReplicas`: [^\n]+$/);
  });

  it('takes volumes of the defaults', async () => {
    const defaults = 'defaults:\n  serving: {volumes: [{name: shm, emptyDir: {}}]}\n';
    const own = '    serving: {volumeMounts: [{name: shm, mountPath: /dev/shm}]}\n';
    expect(await serving(defaults, own)).toMatchObject({ volumes: [{ name: 'shm' }] });
  });

  it('does not know a name: it would be that of every model', async () => {
    expect(await reject('name: iris', '')).toContain('models.yaml:2:13: unknown key `name`');
  });
});

it('two models cannot have one InferenceService', async () => {
  const two = `${catalog('', '')}  - name: b\n    framework: testing\n    source: file:m\n    serving: {name: iris}\n`;
  const error = await failure(loadCatalog(await folder.catalog(two)));
  expect(error.message).toContain('models.yaml:8:21: `serving.name`: the model on line 2');
  const swapped = two.replace('name: iris}', 'name: c}');
  expect((await loadCatalog(await folder.catalog(swapped))).models).toHaveLength(2);
});
