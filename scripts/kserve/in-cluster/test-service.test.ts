import { expect, it } from 'vitest';
import type { InferenceService, Predictor } from '../manifests/inference-service.ts';
import { forNewNamespace, forOwnCluster } from './test-service.ts';

const service = (
  predictor: Partial<Predictor>,
  model: Partial<Predictor['model']> = {},
): InferenceService => ({
  apiVersion: 'serving.kserve.io/v1beta1',
  kind: 'InferenceService',
  metadata: { name: 'iris' },
  spec: {
    predictor: {
      ...predictor,
      model: { modelFormat: { name: 'sklearn' }, runtime: 'r', storageUri: 'oci://a/b', ...model },
    },
  },
});

it('asks a new cluster for little CPU, unless models.yaml does, and for any node', () => {
  const resources = { limits: { memory: '1Gi' } };
  const { predictor } = forOwnCluster(service({ nodeSelector: { gpu: 'l4' } }, { resources })).spec;
  expect(predictor).not.toHaveProperty('nodeSelector');
  expect(predictor.model.resources).toEqual({ requests: { cpu: '100m' }, limits: { memory: '1Gi' } });
  const own = forOwnCluster(service({}, { resources: { requests: { cpu: '2' } } })).spec.predictor;
  expect(own.model.resources).toEqual({ requests: { cpu: '2' } });
});

it('does without the objects that a new namespace lacks, and names them', () => {
  const given = service(
    {
      serviceAccountName: 'models',
      volumes: [
        { name: 'shm', emptyDir: { medium: 'Memory' } },
        { name: 'cache', persistentVolumeClaim: { claimName: 'cache' } },
        { name: 'templates', configMap: { name: 'templates' } },
        { name: 'keys', secret: { secretName: 'keys' } },
      ],
    },
    {
      env: [
        { name: 'A', value: '1' },
        { name: 'HF_TOKEN', valueFrom: { secretKeyRef: { name: 'hf', key: 'token' } } },
        { name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
      ],
    },
  );
  const { service: tested, without } = forNewNamespace(given);
  expect(without).toEqual([
    'ServiceAccount models',
    'Secret hf',
    'PersistentVolumeClaim cache',
    'ConfigMap templates',
    'Secret keys',
  ]);
  const { predictor } = tested.spec;
  expect(predictor).not.toHaveProperty('serviceAccountName');
  expect(predictor.volumes).toEqual([
    { name: 'shm', emptyDir: { medium: 'Memory' } },
    { name: 'cache', emptyDir: {} },
    { name: 'templates', configMap: { name: 'templates', optional: true } },
    { name: 'keys', secret: { secretName: 'keys', optional: true } },
  ]);
  expect(predictor.model.env).toEqual([
    { name: 'A', value: '1' },
    { name: 'HF_TOKEN', valueFrom: { secretKeyRef: { name: 'hf', key: 'token', optional: true } } },
    { name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
  ]);
});

it('leaves a service as it is that needs none of them', () => {
  const plain = service({ minReplicas: 1 });
  expect(forNewNamespace(plain)).toEqual({ service: plain, without: [] });
});
