import { describe, expect, it } from 'vitest';
import catboost from '../../../frameworks/catboost/framework.ts';
import gguf from '../../../frameworks/gguf/framework.ts';
import sklearn from '../../../frameworks/sklearn/framework.ts';
import vllm from '../../../frameworks/vllm/framework.ts';
import type { Model, Serving } from '../../model/types.ts';
import { inferenceService } from './inference-service.ts';
import { knownRuntimes, servingRuntime } from './serving-runtimes.ts';
import { fromYaml, toYaml } from './yaml.ts';

const image = `quay.io/me/iris@sha256:${'0'.repeat(64)}`;

function model(serving?: Partial<Serving>): Model {
  return {
    name: 'iris',
    framework: 'sklearn',
    source: 'file:m',
    files: {},
    include: [],
    exclude: [],
    tags: [],
    base: 'embedded',
    platforms: ['linux/amd64'],
    compression: 'none',
    annotations: {},
    ...(serving && { serving: { args: [], env: {}, imagePullSecrets: [], ...serving } }),
  };
}

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

  it('requests a plain Deployment by the name that all releases know', () => {
    const { metadata } = inferenceService(model(), sklearn, { image, raw: true });
    expect(metadata.annotations).toEqual({ 'serving.kserve.io/deploymentMode': 'RawDeployment' });
  });
});

describe('servingRuntime', () => {
  it.each(knownRuntimes)('of %s has one server, in a namespace', (name) => {
    const runtime = servingRuntime(name, { namespace: 'models', image: 'mirror.me/server:1' });
    expect(runtime.metadata).toEqual({ name, namespace: 'models' });
    expect(runtime.spec.containers).toHaveLength(1);
    expect(runtime.spec.containers[0]).toMatchObject({
      name: 'kserve-container',
      image: 'mirror.me/server:1',
    });
    expect(servingRuntime(name).spec.containers[0]?.image).toMatch(/^[a-z.]+\/.+:[^:]*\d/);
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
