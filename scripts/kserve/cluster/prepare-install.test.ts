import { X509Certificate } from 'node:crypto';
import { expect, it } from 'vitest';
import type { KubernetesObject } from '../manifests/inference-service.ts';
import { configure, readModelcars, withModelcarUser } from './kserve-config.ts';
import { prepare } from './prepare-install.ts';

const object = (apiVersion: string, kind: string, name: string, more: object = {}): KubernetesObject => ({
  apiVersion,
  kind,
  metadata: { name, namespace: 'kserve' },
  ...more,
});
const webhooks = (service: string) => [{ clientConfig: { service: { name: service, namespace: 'kserve' } } }];
const injected = (kind: string, name: string, service: string, certificate: string) => {
  const made = object('admissionregistration.k8s.io/v1', kind, name, { webhooks: webhooks(service) });
  made.metadata.annotations = { 'cert-manager.io/inject-ca-from': `kserve/${certificate}` };
  return made;
};
const certificate = (name: string, secretName: string, host: string) =>
  object('cert-manager.io/v1', 'Certificate', name, {
    spec: { secretName, dnsNames: [`${host}.kserve.svc`] },
  });
const deployment = (name: string) =>
  object('apps/v1', 'Deployment', name, {
    spec: {
      template: {
        spec: {
          containers: [
            {
              name: 'manager',
              imagePullPolicy: 'Always',
              resources: {
                requests: { cpu: '100m', memory: '200Mi' },
                limits: { cpu: '100m', memory: '300Mi' },
              },
              readinessProbe: { initialDelaySeconds: 30, httpGet: { path: '/readyz' } },
            },
            { name: 'kube-rbac-proxy' },
          ],
        },
      },
    },
  });

/** A small version of KServe 0.16's release. */
const release = [
  injected('ValidatingWebhookConfiguration', 'first', 'kserve-webhook-server-service', 'serving-cert'),
  injected('ValidatingWebhookConfiguration', 'llm', 'llmisvc-webhook-server-service', 'llmisvc-cert'),
  object('apiextensions.k8s.io/v1', 'CustomResourceDefinition', 'inferenceservices.serving.kserve.io', {
    spec: { conversion: { strategy: 'Webhook', webhook: {} } },
  }),
  certificate('serving-cert', 'kserve-webhook-server-cert', 'kserve-webhook-server-service'),
  object('cert-manager.io/v1', 'Issuer', 'selfsigned-issuer'),
  deployment('kserve-controller-manager'),
  deployment('kserve-localmodel-controller-manager'),
  object('apps/v1', 'DaemonSet', 'kserve-localmodelnode-agent'),
  object('serving.kserve.io/v1alpha1', 'LLMInferenceServiceConfig', 'kserve-config-llm-template'),
  object('serving.kserve.io/v1alpha1', 'ClusterServingRuntime', 'kserve-mlserver'),
  object('v1', 'ConfigMap', 'inferenceservice-config', {
    data: { _example: 'words', deploy: '{"defaultDeploymentMode": "Serverless"}', ingress: '{"a": 1}' },
  }),
];

it('keeps the InferenceService controller and its dependencies, in a working order', () => {
  const { definitions, core, rest } = prepare(release);
  const names = (objects: KubernetesObject[]) =>
    objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
  expect(names(definitions)).toEqual(['CustomResourceDefinition inferenceservices.serving.kserve.io']);
  expect(names(core)).toEqual([
    'Namespace kserve',
    'Secret kserve-webhook-server-cert',
    'Deployment kserve-controller-manager',
    'ConfigMap inferenceservice-config',
    'ValidatingWebhookConfiguration first',
  ]);
  expect(names(rest)).toEqual(['ClusterServingRuntime kserve-mlserver']);
  expect(definitions[0]?.spec).toEqual({ conversion: { strategy: 'None' } });
});

it('creates the certificates: the webhook trusts the one in the Secret', () => {
  const { core } = prepare(release);
  const secret = core.find(({ kind }) => kind === 'Secret') as unknown as { data: Record<string, string> };
  const pem = Buffer.from(secret.data['tls.crt'] ?? '', 'base64').toString();
  expect(new X509Certificate(pem).checkHost('kserve-webhook-server-service.kserve.svc')).toBeDefined();
  const hook = core.at(-1) as unknown as { webhooks: { clientConfig: { caBundle: string } }[] };
  expect(hook.webhooks[0]?.clientConfig.caBundle).toBe(secret.data['tls.crt']);
});

it("starts the controller from the node's images, without the proxy", () => {
  const { core } = prepare(release);
  expect(core.find(({ kind }) => kind === 'Deployment')).toMatchObject({
    spec: {
      template: {
        spec: {
          containers: [
            {
              name: 'manager',
              imagePullPolicy: 'IfNotPresent',
              resources: { requests: { cpu: '10m', memory: '200Mi' }, limits: { cpu: '1', memory: '300Mi' } },
              readinessProbe: { initialDelaySeconds: 1, httpGet: { path: '/readyz' } },
            },
          ],
        },
      },
    },
  });
});

it('does not change its input', () => {
  const before = structuredClone(release);
  prepare(release);
  expect(release).toEqual(before);
});

it('creates the namespace only when the release leaves it out (since 0.17)', () => {
  const named = prepare([object('v1', 'Namespace', 'kserve'), ...release]).core;
  expect(named.filter(({ kind }) => kind === 'Namespace')).toHaveLength(1);
});

it('turns modelcars on and ingress off, and requests plain Deployments', () => {
  const data = configure({
    data: {
      _example: 'words',
      deploy: '{"defaultDeploymentMode": "Serverless", "more": 1}',
      ingress: '{"urlScheme": "http"}',
      storageInitializer: '{"enableModelcar": false, "uidModelcar": 1010}',
      logger: 'as it was',
    },
  });
  expect(Object.keys(data).sort()).toEqual(['deploy', 'ingress', 'logger', 'storageInitializer']);
  expect(JSON.parse(data.deploy ?? '')).toEqual({ defaultDeploymentMode: 'RawDeployment', more: 1 });
  expect(JSON.parse(data.ingress ?? '')).toMatchObject({ urlScheme: 'http', disableIngressCreation: true });
  expect(readModelcars({ data })).toEqual({ enabled: true, mode: 'modelcar', user: 1010, cpu: '40m' });
});

it.each([
  ['{}', { enabled: false, mode: 'modelcar', cpu: '10m' }],
  ['{"enableModelcar": true, "cpuModelcar": "50m"}', { enabled: true, mode: 'modelcar', cpu: '50m' }],
  ['{"ociModelMode": "native"}', { enabled: true, mode: 'native', cpu: '10m' }],
  [
    '{"enableOciModelSupport": true, "uidModelcar": 5}',
    { enabled: true, mode: 'modelcar', user: 5, cpu: '10m' },
  ],
])('reads %s as KServe does', (storageInitializer, expected) => {
  expect(readModelcars({ data: { storageInitializer } })).toEqual(expected);
});

it('sets and removes uidModelcar, and nothing else', () => {
  const config = { data: { storageInitializer: '{"image": "a", "uidModelcar": 1010}' } };
  expect(JSON.parse(withModelcarUser(config, undefined))).toEqual({ image: 'a' });
  expect(JSON.parse(withModelcarUser(config, 7))).toEqual({ image: 'a', uidModelcar: 7 });
});

it('names the broken part of the ConfigMap', () => {
  expect(() => readModelcars({ data: { storageInitializer: '{' } })).toThrow(
    /storageInitializer is not JSON/,
  );
});
