/**
 * Objects, and what KServe does with them when they are applied: the one table of `judges/kserve-webhooks` and
 * `kserve/admission`. `refuses` is a part of the release's message. An object without it is accepted by both.
 */
import { loadFrameworks } from '../../scripts/catalog/frameworks.ts';
import { inferenceService, type KubernetesObject } from '../../scripts/kserve/manifests/inference-service.ts';
import { knownRuntimes, servingRuntime } from '../../scripts/kserve/manifests/serving-runtimes/index.ts';
import { openshiftRuntimes } from '../../scripts/kserve/manifests/serving-runtimes/openshift.ts';
import type { Model, Serving } from '../../scripts/model/types.ts';
import { root } from '../parts/cli.ts';
import type { KServeVersion } from '../parts/kube/kserve.ts';

export interface Applied {
  title: string;
  object: KubernetesObject;
  refuses?: Partial<Record<KServeVersion, RegExp>>;
  /** Fields that the release's webhook changes, as `drift` names them; none by default. */
  rewrites?: Partial<Record<KServeVersion, string[]>>;
  /** What modelcars says to the same wish in models.yaml; absent where models.yaml cannot say it. */
  ours?: { entry: object; refuses?: RegExp };
}

const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;
export const namespace = 'admissions';
/** OpenShift AI's runtimes are for clusters that have them instead of KServe's. */
export const openshift = 'admissions-openshift';
const frameworks = await loadFrameworks(root);

/** An entry with every default applied. */
const modelOf = (name: string, framework: string, serving?: Partial<Serving>): Model => ({
  name,
  framework,
  source: 'file:model',
  version: 'v1.0.0',
  tags: [],
  base: 'embedded',
  platforms: ['linux/amd64'],
  compression: 'none',
  annotations: {},
  files: {},
  include: [],
  exclude: [],
  ...(serving && { serving: { args: [], env: {}, imagePullSecrets: [], ...serving } }),
});

/** The InferenceService that `manifest` prints for a model of these settings. */
function service(
  name: string,
  { framework = 'sklearn', mode = 'oci' as const, serving }: ServiceOptions = {},
): KubernetesObject {
  const known = frameworks.get(framework);
  if (known === undefined) throw new Error(`no framework ${framework}`);
  const image = `quay.io/me/${name}@${digest}`;
  return inferenceService(modelOf(name, framework, serving), known, { image, namespace, mode });
}

interface ServiceOptions {
  framework?: string;
  mode?: 'oci' | 'oci+native' | 'oci+fetch';
  serving?: Partial<Serving>;
}

/** The same with more fields of PredictorSpec, which models.yaml need not know. */
function withPredictor(name: string, fields: object): KubernetesObject {
  const object = service(name);
  const { predictor } = object.spec as { predictor: object };
  return { ...object, spec: { predictor: { ...predictor, ...fields } } };
}

/** The same with more fields of its model. */
function withModel(name: string, fields: object): KubernetesObject {
  const { predictor } = service(name).spec as { predictor: { model: object } };
  return withPredictor(name, { model: { ...predictor.model, ...fields } });
}

/** The same with an annotation that chooses the deployment mode. */
function withMode(name: string, mode: string): KubernetesObject {
  const object = service(name);
  const annotations = { 'serving.kserve.io/deploymentMode': mode };
  return { ...object, metadata: { ...object.metadata, annotations } };
}

/** Frameworks that name a runtime; `custom` leaves it to the model. */
const served = [...frameworks.values()].filter(({ runtime }) => runtime !== undefined);

const both = (message: RegExp): Record<KServeVersion, RegExp> => ({ 'v0.16.0': message, 'v0.20.0': message });
/** An entry of models.yaml with these settings. */
const entry = (serving: object, name = 'iris') => ({
  name,
  framework: 'sklearn',
  source: 'file:model.joblib',
  serving,
});

export const applied: Applied[] = [
  // KServe's in one namespace, as `manifest --with-runtime` prints them for one catalog.
  ...knownRuntimes.map((name) => ({
    title: `runtime ${name}`,
    object: servingRuntime(name, { namespace: name in openshiftRuntimes ? openshift : namespace }),
  })),
  ...served.map(({ name }) => ({
    title: `framework ${name}`,
    object: service(`of-${name}`, { framework: name }),
  })),
  {
    title: 'every setting of `serving:`',
    object: service('full', {
      serving: {
        runtime: 'my-runtime',
        modelFormat: 'my-format',
        protocolVersion: 'v2',
        args: ['--workers=2', ''],
        env: { OMP_NUM_THREADS: '4', A: ' ' },
        resources: {
          requests: { cpu: '0.5', memory: '1.5Gi', 'ephemeral-storage': '1000M' },
          limits: { cpu: '1500m', memory: '2048Mi', 'nvidia.com/gpu': '1' },
        },
        imagePullSecrets: ['quay', 'ghcr.io'],
        serviceAccount: 'models',
        runAsUser: 1001,
      },
    }),
  },
  {
    title: 'fields of the pod and of its scaling',
    object: service('pod', {
      serving: {
        labels: { team: 'a' },
        annotations: { 'example.com/owner': 'a' },
        deploymentMode: 'Standard',
        env: {
          A: { valueFrom: { secretKeyRef: { name: 'token', key: 'a' } } },
          B: { valueFrom: { configMapKeyRef: { name: 'settings', key: 'b', optional: true } } },
          C: { valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
        },
        minReplicas: 0,
        maxReplicas: 3,
        scaleMetric: 'cpu',
        scaleTarget: 80,
        nodeSelector: { 'nvidia.com/gpu.present': 'true' },
        tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }],
        volumes: [
          { name: 'scratch', emptyDir: { medium: 'Memory', sizeLimit: '1.5Gi' } },
          { name: 'disk', emptyDir: {} },
          { name: 'claim', persistentVolumeClaim: { claimName: 'data', readOnly: false } },
          { name: 'settings', configMap: { name: 'settings', optional: false } },
          { name: 'token', secret: { secretName: 'token' } },
        ],
        volumeMounts: [
          { name: 'scratch', mountPath: '/scratch', subPath: 'a', readOnly: true },
          { name: 'disk', mountPath: '/disk', readOnly: false },
        ],
      },
    }),
  },
  ...(['oci', 'oci+native', 'oci+fetch'] as const).map((mode) => ({
    title: `storage ${mode}`,
    // Webhooks of both releases accept every scheme; whether the release can load from it is another matter.
    object: service(`by-${mode.replace('+', '-')}`, { mode }),
  })),
  {
    title: 'quantities in another form than that of Kubernetes',
    object: withModel('quantities', { resources: { requests: { cpu: '1', memory: '1.5Gi' } } }),
    rewrites: {
      'v0.16.0': ['.spec.predictor.model.resources.requests.memory'],
      'v0.20.0': ['.spec.predictor.model.resources.requests.memory'],
    },
  },
  {
    title: 'the former name of the deployment mode Standard',
    object: withMode('raw', 'RawDeployment'),
    rewrites: { 'v0.20.0': ['.metadata.annotations.serving.kserve.io/deploymentMode'] },
  },
  { title: 'the deployment mode Standard', object: withMode('standard', 'Standard') },
  {
    title: 'a name that begins with a digit',
    object: service('1iris'),
    refuses: both(/must start with alphabetical character/),
    ours: { entry: entry({ name: '1iris' }), refuses: /starting with a letter/ },
  },
  {
    title: 'a name with a dot',
    object: service('iris.v1'),
    refuses: both(/must start with alphabetical character/),
    ours: { entry: entry({}, 'iris.v1'), refuses: /iris\.v1/ },
  },
  {
    title: 'the variable PYTHONPATH',
    object: service('python-path', { serving: { env: { PYTHONPATH: '/x' } } }),
    refuses: { 'v0.20.0': /setting PYTHONPATH in container .* is not allowed/ },
    ours: { entry: entry({ env: { PYTHONPATH: '/x' } }), refuses: /PYTHONPATH.* refuses since 0\.18/ },
  },
  {
    title: 'fewer replicas at most than at least',
    object: withPredictor('replicas', { minReplicas: 3, maxReplicas: 2 }),
    refuses: both(/MinReplicas' cannot be greater than MaxReplicas/),
    ours: { entry: entry({ minReplicas: 3, maxReplicas: 2 }), refuses: /at least `minReplicas` \(3\)/ },
  },
  {
    title: 'no upper limit of replicas',
    object: service('unlimited', { serving: { minReplicas: 3, maxReplicas: 0 } }),
    ours: { entry: entry({ minReplicas: 3, maxReplicas: 0 }) },
  },
  {
    title: 'fewer than no replicas',
    object: withPredictor('negative', { minReplicas: -1 }),
    refuses: both(/MinReplicas' cannot be less than 0/),
    ours: { entry: entry({ minReplicas: -1 }), refuses: /minReplicas/ },
  },
  {
    title: 'a metric that nothing scales by',
    object: withPredictor('metric', { scaleMetric: 'gpu', scaleTarget: 50 }),
    refuses: both(/scaleMetric.*gpu/),
    ours: { entry: entry({ scaleMetric: 'gpu' }), refuses: /scaleMetric/ },
  },
  {
    title: 'a field that no predictor has',
    object: withPredictor('unknown', { replicas: 2 }),
    refuses: both(/unknown field.*replicas/),
    ours: { entry: entry({ replicas: 2 }), refuses: /replicas/ },
  },
  {
    title: 'a quantity that is none',
    object: service('quantity', { serving: { resources: { limits: { memory: '2GiB' } } } }),
    refuses: both(/memory|quantit/),
    ours: {
      entry: entry({ resources: { limits: { memory: '2GiB' } } }),
      refuses: /such as `500m`, `2` or `4Gi`/,
    },
  },
  {
    // Accepted with the InferenceService, refused with the Deployment that KServe makes of it.
    title: 'a request that is larger than the limit',
    object: service('limits', { serving: { resources: { requests: { cpu: '2' }, limits: { cpu: '1' } } } }),
    ours: {
      entry: entry({ resources: { requests: { cpu: '2' }, limits: { cpu: '1' } } }),
      refuses: /request of at most the limit/,
    },
  },
  {
    title: 'a second runtime for the same models, with the same priority',
    object: { ...servingRuntime('kserve-mlserver', { namespace }), metadata: { name: 'twin', namespace } },
    refuses: both(/same priority assigned/),
  },
];

/**
 * What a tool that compares a cluster with git reports as changed: fields of `written` with another value in `stored`.
 * As with Argo CD, fields that are only in the cluster do not count, but lists have to be equal: it cannot tell which of
 * their items belong together.
 */
export function drift(written: unknown, stored: unknown, path = ''): string[] {
  if (Array.isArray(written) || typeof written !== 'object' || written === null)
    return JSON.stringify(sorted(written)) === JSON.stringify(sorted(stored)) ? [] : [path];
  const fields = (stored ?? {}) as Record<string, unknown>;
  return Object.entries(written).flatMap(([name, value]) => drift(value, fields[name], `${path}.${name}`));
}

/** With the keys of every object in one order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, item]) => [name, sorted(item)]),
  );
}
