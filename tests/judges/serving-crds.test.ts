/** What `modelcars manifest` prints, validated by KServe's definitions; the ServingRuntimes against KServe's own. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import sklearn from '../../frameworks/sklearn/framework.ts';
import vllm from '../../frameworks/vllm/framework.ts';
import { inDashboard, onOpenshift } from '../../scripts/kserve/manifests/openshift.ts';
import { servingObject } from '../../scripts/kserve/manifests/serving-object.ts';
import { knownRuntimes, servingRuntime } from '../../scripts/kserve/manifests/serving-runtimes/index.ts';
import { kserveRuntimes } from '../../scripts/kserve/manifests/serving-runtimes/kserve.ts';
import type { Model, Serving } from '../../scripts/model/types.ts';
import { goModule } from '../parts/kube/go.ts';
import { crdJudge } from './_crds.ts';

const judge = await crdJudge();
const kserve = { module: 'github.com/kserve/kserve', version: 'v0.20.0' };
const definitions: Record<string, string> = {
  InferenceService: 'config/crd/full/serving.kserve.io_inferenceservices.yaml',
  LLMInferenceService: 'config/crd/full/llmisvc/serving.kserve.io_llminferenceservices.yaml',
  ServingRuntime: 'config/crd/full/serving.kserve.io_servingruntimes.yaml',
};

const check = async (object: { kind: string }) => {
  if (judge === undefined) throw new Error('no judge');
  return await judge({ ...kserve, file: definitions[object.kind] ?? '' }, object);
};

const image = `quay.io/me/m@sha256:${'0'.repeat(64)}`;
function model(serving: Partial<Serving> = {}): Model {
  return {
    ...{ name: 'm', framework: 'vllm', source: 'file:m', files: {}, include: [], exclude: [], tags: [] },
    ...{ base: 'embedded', platforms: ['linux/amd64'], compression: 'none', annotations: {} },
    serving: { args: [], env: {}, imagePullSecrets: [], ...serving },
  };
}

const pod: Partial<Serving> = {
  labels: { 'kueue.x-k8s.io/queue-name': 'gpus' },
  annotations: { 'security.opendatahub.io/enable-auth': 'true' },
  args: ['--max-model-len=4096'],
  env: { A: 'b', T: { valueFrom: { secretKeyRef: { name: 'hf', key: 'token' } } } },
  resources: { requests: { memory: '8Gi' }, limits: { 'nvidia.com/gpu': '2' } },
  nodeSelector: { zone: 'a' },
  tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }],
  volumes: [{ name: 'cache', emptyDir: { sizeLimit: '1Gi' } }],
  volumeMounts: [{ name: 'cache', mountPath: '/cache' }],
  imagePullSecrets: ['quay'],
  serviceAccount: 'models',
  runAsUser: 1001,
  minReplicas: 2,
};
const llm = (serving: Partial<Serving> = {}) => model({ kind: 'LLMInferenceService', ...serving });
const parallel = { tensor: 2, data: 8, dataLocal: 4, dataRPCPort: 5555, expert: true };
const gateway = { refs: [{ name: 'inference', namespace: 'gateways' }] };

describe.skipIf(judge === undefined)("KServe's definitions", () => {
  test.each([
    ['an LLMInferenceService', servingObject(llm(), vllm, { image })],
    ['one with every field', servingObject(llm({ ...pod, router: { gateway, route: {} } }), vllm, { image })],
    ['one over several pods', servingObject(llm({ ...pod, parallelism: parallel }), vllm, { image })],
    ['one without routes', servingObject(llm({ router: {} }), vllm, { image, mode: 'oci+native' })],
    ['one for OpenShift', inDashboard(servingObject(llm(), vllm, { image }), vllm)],
    [
      'an InferenceService for OpenShift',
      inDashboard(servingObject(model(), onOpenshift(model(), sklearn), { image }), sklearn),
    ],
    ...knownRuntimes.map((name): [string, { kind: string }] => [name, servingRuntime(name)]),
  ])('accept %s', async (_, object) => {
    expect(await check(object)).toMatchObject({ code: 0, stderr: '' });
  });

  test('reject an unknown field, and a size below 1', async () => {
    const object = servingObject(llm({ parallelism: { tensor: 2 } }), vllm, { image });
    const text = JSON.stringify(object);
    const broken = async (from: string, to: string) => {
      expect(text).toContain(from);
      return (await check(JSON.parse(text.replace(from, to)))).stderr;
    };
    expect(await broken('"router"', '"routes"')).toContain('unknown field spec.routes');
    expect(await broken('"tensor":2', '"tensor":0')).toContain('should be greater than or equal to 1');
  });
});

describe.skipIf(judge === undefined)("KServe's own runtimes", () => {
  test.each(Object.keys(kserveRuntimes))('%s is the same, with an image', async (name) => {
    const folder = await goModule(kserve.module, kserve.version);
    const theirs = parse(await readFile(join(folder, `config/runtimes/${name}.yaml`), 'utf8'));
    const [server] = theirs.spec.containers;
    const { metadata, spec } = servingRuntime(name);
    server.image = spec.containers[0]?.image;
    // Declared for KServe up to 0.16.
    if (name === 'kserve-mlserver') server.env.push({ name: 'MODELS_DIR', value: '/mnt/models' });
    const { hostIPC: _, ...same } = theirs.spec;
    expect(spec).toEqual(same);
    expect(theirs.metadata.annotations).toMatchObject(metadata.annotations ?? {});
  });
});
