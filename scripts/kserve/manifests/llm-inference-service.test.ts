import { describe, expect, it } from 'vitest';
import gguf from '../../../frameworks/gguf/framework.ts';
import huggingface from '../../../frameworks/huggingface/framework.ts';
import sklearn from '../../../frameworks/sklearn/framework.ts';
import vllm from '../../../frameworks/vllm/framework.ts';
import { draftModel } from '../../../tests/support/draft-model.ts';
import type { Model, Serving } from '../../model/types.ts';
import { servingObject } from './serving-object.ts';

const image = `quay.io/me/granite@sha256:${'0'.repeat(64)}`;

const model = (serving: Partial<Serving> = {}, name = 'granite'): Model =>
  draftModel({ name, framework: 'vllm', serving: { kind: 'LLMInferenceService', ...serving } });

describe('an LLMInferenceService', () => {
  it('has the image and the default routes, and leaves the pod to the preset', () => {
    expect(servingObject(model(), vllm, { image })).toEqual({
      apiVersion: 'serving.kserve.io/v1alpha2',
      kind: 'LLMInferenceService',
      metadata: { name: 'granite' },
      spec: {
        model: { uri: `oci://${image}`, name: 'granite' },
        router: { gateway: {}, route: {}, scheduler: {} },
      },
    });
    expect(servingObject(model(), huggingface, { image, mode: 'oci+native' }).spec).toMatchObject({
      model: { uri: `oci+native://${image}` },
    });
  });

  it('applies the settings of models.yaml and the command line', () => {
    const serving: Partial<Serving> = {
      parallelism: { tensor: 2 },
      router: {},
      args: ['--max-model-len=4096', '--limit-mm-per-prompt={"image": 2}'],
      env: { VLLM_LOGGING_LEVEL: 'DEBUG' },
      resources: { limits: { 'nvidia.com/gpu': '2' } },
      imagePullSecrets: ['quay'],
      serviceAccount: 'models',
      runAsUser: 1001,
    };
    const options = { image, namespace: 'models', pullSecrets: ['quay', 'more'], serverImage: 'me/vllm:1' };
    const { metadata, spec } = servingObject(model(serving), vllm, options);
    expect(metadata).toEqual({ name: 'granite', namespace: 'models' });
    expect(spec).toEqual({
      model: { uri: `oci://${image}`, name: 'granite' },
      parallelism: { tensor: 2 },
      template: {
        serviceAccountName: 'models',
        imagePullSecrets: [{ name: 'quay' }, { name: 'more' }],
        securityContext: { runAsUser: 1001 },
        containers: [
          {
            name: 'main',
            image: 'me/vllm:1',
            args: ['--max-model-len=4096', `'--limit-mm-per-prompt={"image": 2}'`],
            env: [{ name: 'VLLM_LOGGING_LEVEL', value: 'DEBUG' }],
            resources: { limits: { 'nvidia.com/gpu': '2' } },
            securityContext: { runAsUser: 1001 },
          },
        ],
      },
    });
  });

  it('takes the other fields of `serving:` to where KServe has them', () => {
    const serving: Partial<Serving> = {
      name: 'granite-llm',
      labels: { 'kueue.x-k8s.io/queue-name': 'gpus' },
      annotations: { 'security.opendatahub.io/enable-auth': 'false' },
      storage: 'oci+native',
      minReplicas: 3,
      env: { HF_TOKEN: { valueFrom: { secretKeyRef: { name: 'hf', key: 'token' } } } },
      nodeSelector: { zone: 'a' },
      tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists' }],
      volumes: [{ name: 'cache', emptyDir: {} }],
      volumeMounts: [{ name: 'cache', mountPath: '/cache' }],
    };
    const { metadata, spec } = servingObject(model(serving), vllm, { image });
    const { name, labels, annotations, nodeSelector, tolerations, volumes, volumeMounts } = serving;
    expect(metadata).toEqual({ name, labels, annotations });
    expect(spec).toMatchObject({
      model: { uri: `oci+native://${image}`, name },
      replicas: 3,
      template: {
        ...{ nodeSelector, tolerations, volumes },
        containers: [
          { name: 'main', env: [{ name: 'HF_TOKEN', ...Object(serving.env?.HF_TOKEN) }], volumeMounts },
        ],
      },
    });
  });

  it('has workers like its template for data parallelism, which KServe ignores without', () => {
    const parallelism = { data: 16, dataLocal: 8, expert: true };
    const resources = { limits: { 'nvidia.com/gpu': '8' } };
    const { spec } = servingObject(model({ parallelism, resources }), vllm, { image });
    const pod = { containers: [{ name: 'main', resources }] };
    expect(spec).toMatchObject({ parallelism, template: pod, worker: pod });
    expect(servingObject(model({ parallelism }), vllm, { image }).spec).toMatchObject({
      worker: { containers: [{ name: 'main' }] },
    });
  });

  it.each([
    ['another framework', model(), sklearn, {}, /by vLLM, which does not read framework sklearn/],
    ['GGUF', model(), gguf, {}, /does not read framework gguf/],
    ['a digit first', model({}, '7b-chat'), vllm, {}, /`7b-chat` is no name/],
    ['oci+fetch', model(), vllm, { mode: 'oci+fetch' as const }, /not oci\+fetch:\/\//],
    ['oci+fetch in models.yaml', model({ storage: 'oci+fetch' }), vllm, {}, /not oci\+fetch:\/\//],
    ['autoscaling', model({ minReplicas: 1, maxReplicas: 3 }), vllm, {}, /a fixed number of pods/],
    [
      'fields of others',
      model({ deploymentMode: 'Standard', scaleTarget: 5 }),
      vllm,
      {},
      /no deploymentMode and no/,
    ],
    ['a template', model({ args: ['--chat-template={{ x }}'] }), vllm, {}, /a template of its own/],
    ['a template in env', model({ env: { A: '{{' } }), vllm, {}, /a template of its own/],
  ])('is refused where KServe would not serve it: %s', (_, given, framework, options, message) => {
    expect(() => servingObject(given, framework, { image, ...options })).toThrow(
      expect.objectContaining({ code: 'catalog', message: expect.stringMatching(message) }),
    );
  });
});

it('an InferenceService has neither parallelism nor router', () => {
  const given = { kind: 'InferenceService', parallelism: { tensor: 2 }, router: {} } as const;
  expect(() => servingObject(model(given), vllm, { image })).toThrow(
    'serve model granite: an InferenceService has no parallelism and no router',
  );
  expect(servingObject(model({ kind: 'InferenceService' }), vllm, { image }).kind).toBe('InferenceService');
});
