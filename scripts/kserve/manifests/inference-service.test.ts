import { describe, expect, it } from 'vitest';
import catboost from '../../../frameworks/catboost/framework.ts';
import gguf from '../../../frameworks/gguf/framework.ts';
import sklearn from '../../../frameworks/sklearn/framework.ts';
import vllm from '../../../frameworks/vllm/framework.ts';
import { draftModel } from '../../../tests/support/draft-model.ts';
import type { Model, Serving } from '../../model/types.ts';
import { inferenceService } from './inference-service.ts';
import { knownRuntimes, servingRuntime } from './serving-runtimes/index.ts';
import { openshiftRuntimes } from './serving-runtimes/openshift.ts';
import { fromYaml, toYaml } from './yaml.ts';

const image = `quay.io/me/iris@sha256:${'0'.repeat(64)}`;

const model = (serving?: Partial<Serving>): Model => draftModel({ serving });

describe('inferenceService', () => {
  it('sets only the required fields', () => {
    expect(inferenceService(model(), sklearn, { image })).toEqual({
      apiVersion: 'serving.kserve.io/v1beta1',
      kind: 'InferenceService',
      metadata: { name: 'iris' },
      spec: {
        predictor: {
          model: {
            modelFormat: { name: 'sklearn' },
            runtime: 'kserve-mlserver',
            protocolVersion: 'v2',
            storageUri: `oci://${image}`,
          },
        },
      },
    });
  });

  it('applies the settings of models.yaml and the command line', () => {
    const serving = {
      runtime: 'vllm-cuda-runtime',
      modelFormat: 'vLLM',
      args: ['--dtype=half'],
      env: { HF_HOME: '/tmp' },
      resources: { limits: { 'nvidia.com/gpu': '1' } },
      imagePullSecrets: ['quay'],
      serviceAccount: 'models',
      runAsUser: 1001,
    };
    const options = {
      image,
      namespace: 'models',
      mode: 'oci+native' as const,
      pullSecrets: ['more', 'quay'],
    };
    const { metadata, spec } = inferenceService(model(serving), vllm, options);
    expect(metadata.namespace).toBe('models');
    expect(spec.predictor).toEqual({
      serviceAccountName: 'models',
      imagePullSecrets: [{ name: 'quay' }, { name: 'more' }],
      securityContext: { runAsUser: 1001 },
      model: {
        modelFormat: { name: 'vLLM' },
        runtime: 'vllm-cuda-runtime',
        storageUri: `oci+native://${image}`,
        args: ['--dtype=half'],
        env: [{ name: 'HF_HOME', value: '/tmp' }],
        resources: { limits: { 'nvidia.com/gpu': '1' } },
        securityContext: { runAsUser: 1001 },
      },
    });
  });

  it('omits a protocol that KServe does not know', () => {
    expect(inferenceService(model(), vllm, { image }).spec.predictor.model).not.toHaveProperty(
      'protocolVersion',
    );
  });

  it('runs all containers as OpenShift would, overriding the user of the runtime', () => {
    const security = { as: 'openshift', user: 1_000_680_000 } as const;
    const { predictor } = inferenceService(model(), sklearn, { image, security }).spec;
    expect(predictor.securityContext).toEqual({
      runAsUser: 1_000_680_000,
      runAsGroup: 0,
      runAsNonRoot: true,
      fsGroup: 1_000_680_000,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    expect(predictor.model.securityContext).toEqual({
      runAsUser: 1_000_680_000,
      runAsNonRoot: true,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
    });
  });

  it.each(['runtime', 'modelcar'] as const)('leaves the user to the cluster: %s', (as) => {
    const { predictor } = inferenceService(model(), sklearn, { image, security: { as, user: 5 } }).spec;
    expect(predictor).not.toHaveProperty('securityContext');
    expect(predictor.model).not.toHaveProperty('securityContext');
  });

  it('writes the fields of `serving:` where KServe has them', () => {
    const serving: Partial<Serving> = {
      name: 'flowers',
      labels: { team: 'search' },
      annotations: { 'openshift.io/display-name': 'Iris' },
      deploymentMode: 'Knative',
      storage: 'oci+native',
      env: { HF_TOKEN: { valueFrom: { secretKeyRef: { name: 'hf', key: 'token' } } }, A: '1' },
      minReplicas: 0,
      maxReplicas: 4,
      scaleMetric: 'concurrency',
      scaleTarget: 5,
      nodeSelector: { gpu: 'l4' },
      tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists' }],
      volumes: [{ name: 'shm', emptyDir: { medium: 'Memory' } }],
      volumeMounts: [{ name: 'shm', mountPath: '/dev/shm' }],
    };
    const { metadata, spec } = inferenceService(model(serving), sklearn, { image });
    expect(metadata).toEqual({
      name: 'flowers',
      labels: { team: 'search' },
      annotations: {
        'openshift.io/display-name': 'Iris',
        'serving.kserve.io/deploymentMode': 'Knative',
      },
    });
    const { model: server, ...predictor } = spec.predictor;
    expect(predictor).toEqual({
      minReplicas: 0,
      maxReplicas: 4,
      scaleMetric: 'concurrency',
      scaleTarget: 5,
      nodeSelector: { gpu: 'l4' },
      tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists' }],
      volumes: [{ name: 'shm', emptyDir: { medium: 'Memory' } }],
    });
    expect(server).toMatchObject({
      storageUri: `oci+native://${image}`,
      env: [
        { name: 'HF_TOKEN', valueFrom: { secretKeyRef: { name: 'hf', key: 'token' } } },
        { name: 'A', value: '1' },
      ],
      volumeMounts: [{ name: 'shm', mountPath: '/dev/shm' }],
    });
  });

  it('is one pod without an autoscaler for a test, whatever models.yaml says', () => {
    const serving: Partial<Serving> = {
      annotations: { 'serving.kserve.io/autoscalerClass': 'keda', a: 'b' },
      labels: { team: 'search' },
      deploymentMode: 'Serverless',
      storage: 'oci+fetch',
      minReplicas: 0,
      maxReplicas: 9,
      scaleMetric: 'rps',
    };
    const options = { image, name: 'iris-oo', mode: 'oci', labels: { own: 'yes' }, single: true } as const;
    const { metadata, spec } = inferenceService(model(serving), sklearn, options);
    expect(metadata).toEqual({
      name: 'iris-oo',
      labels: { team: 'search', own: 'yes' },
      annotations: { a: 'b', 'serving.kserve.io/deploymentMode': 'RawDeployment' },
    });
    expect(spec.predictor).toMatchObject({ minReplicas: 1, maxReplicas: 1 });
    expect(spec.predictor).not.toHaveProperty('scaleMetric');
    expect(spec.predictor.model.storageUri).toBe(`oci://${image}`);
  });

  it('requests a plain Deployment by the name that all releases know', () => {
    const { metadata } = inferenceService(model(), sklearn, { image, single: true });
    expect(metadata.annotations).toEqual({ 'serving.kserve.io/deploymentMode': 'RawDeployment' });
  });
});

describe('servingRuntime', () => {
  it.each(knownRuntimes)('of %s has one server, in a namespace', (name) => {
    const runtime = servingRuntime(name, { namespace: 'models', image: 'mirror.me/server:1' });
    expect(runtime.metadata).toMatchObject({ name, namespace: 'models' });
    expect(runtime.spec.containers).toHaveLength(1);
    expect(runtime.spec.containers[0]).toMatchObject({
      name: 'kserve-container',
      image: 'mirror.me/server:1',
    });
    // Open Data Hub's images have no fixed tags.
    const tag = name in openshiftRuntimes ? /^[a-z.]+\/.+:\w/ : /^[a-z.]+\/.+:[^:]*\d/;
    expect(servingRuntime(name).spec.containers[0]?.image).toMatch(tag);
  });

  it('supports the formats and protocols of the frameworks', () => {
    const { supportedModelFormats, protocolVersions } = servingRuntime(sklearn.runtime).spec;
    expect(supportedModelFormats.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['sklearn', 'xgboost', 'lightgbm']),
    );
    expect(protocolVersions).toContain(sklearn.protocolVersion);
  });

  it.each([catboost, gguf])(
    '$name has a runtime that KServe lacks: as any user but root, which lists its format',
    (own) => {
      const { supportedModelFormats, containers, protocolVersions = [] } = servingRuntime(own.runtime).spec;
      expect(supportedModelFormats).toEqual([expect.objectContaining({ name: own.modelFormat.name })]);
      expect(containers[0]?.securityContext).toMatchObject({ runAsNonRoot: true });
      expect(own.protocolVersion === 'openai' || protocolVersions.includes(own.protocolVersion)).toBe(true);
    },
  );

  it('refuses an unknown runtime', () => {
    expect(() => servingRuntime('kserve-mlservr')).toThrow(expect.objectContaining({ code: 'usage' }));
  });
});

describe('YAML', () => {
  it('survives a round trip', () => {
    const objects = [servingRuntime('kserve-mlserver'), inferenceService(model(), sklearn, { image })];
    expect(fromYaml(toYaml(objects), 'test')).toEqual(objects);
  });

  it('skips empty documents and opens lists', () => {
    const one = 'apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n';
    const list = 'apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: Secret, metadata: {name: b}}]\n';
    const found = fromYaml(`---\n# nothing\n---\n${one}---\n${list}`, 'test');
    expect(found.map(({ metadata }) => metadata.name)).toEqual(['a', 'b']);
  });

  it.each([['- 1'], ['a: b'], ['kind: {']])('refuses a text that is not a manifest: %s', (text) => {
    expect(() => fromYaml(text, 'kserve.yaml')).toThrow(/^read kserve\.yaml: /);
  });
});
