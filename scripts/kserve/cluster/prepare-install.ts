import type { KubernetesObject } from '../manifests/inference-service.ts';
import { selfSigned } from './certificate.ts';
import { configure, type ServiceConfig } from './kserve-config.ts';

/** The InferenceService controller, and the Service of its webhooks. */
const controller = 'kserve-controller-manager';
const webhookService = 'kserve-webhook-server-service';

interface Webhook {
  clientConfig: { service?: { name?: string }; caBundle?: string };
}

interface Container {
  name: string;
  imagePullPolicy?: string;
  resources?: { requests?: Record<string, string>; limits?: Record<string, string> };
  readinessProbe?: Record<string, unknown>;
}

/** KServe's manifests prepared for a short-lived cluster, in the order to apply them. */
export interface Prepared {
  definitions: KubernetesObject[];
  /** Namespace, roles, configuration, controller. */
  core: KubernetesObject[];
  /** Runtimes and other objects that the controller's webhooks validate. */
  rest: KubernetesObject[];
}

/**
 * Reduces KServe's released manifests (kserve.yaml, kserve-cluster-resources.yaml; 0.13 to 0.20) to the
 * InferenceService controller: certificates are created here instead of by cert-manager, images that the node has are
 * not pulled again, the cache and LLM controllers and the metrics proxy are left out, and `configure` gives
 * `inferenceservice-config`.
 */
export function prepare(objects: readonly KubernetesObject[]): Prepared {
  const copies = structuredClone(objects).filter(isNeeded);
  const bundles = new Map<string, string>();
  const core: KubernetesObject[] = [];
  const certificates = copies.filter(({ kind }) => kind === 'Certificate');
  for (const { metadata, spec } of certificates) {
    const { secretName, dnsNames = [] } = spec as { secretName: string; dnsNames?: string[] };
    const { key, certificate } = selfSigned(dnsNames);
    bundles.set(`${metadata.namespace ?? 'kserve'}/${metadata.name}`, base64(certificate));
    core.push({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: secretName, namespace: metadata.namespace ?? 'kserve' },
      type: 'kubernetes.io/tls',
      data: { 'tls.crt': base64(certificate), 'tls.key': base64(key) },
    });
  }
  const definitions: KubernetesObject[] = [];
  const rest: KubernetesObject[] = [];
  for (const object of copies) {
    if (object.apiVersion.startsWith('cert-manager.io/')) continue;
    trust(object, bundles);
    if (object.kind === 'CustomResourceDefinition') definitions.push(withoutConversion(object));
    else if (/^(serving\.kserve\.io|inference\.networking)/.test(object.apiVersion)) rest.push(object);
    else core.push(adapt(object));
  }
  const namespaces = new Set(core.map(({ metadata }) => metadata.namespace ?? 'kserve'));
  for (const { kind, metadata } of core) if (kind === 'Namespace') namespaces.delete(metadata.name);
  for (const name of namespaces) core.unshift({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  // A webhook without its controller would reject all that follows, so webhooks come last; namespaces come first.
  const rank = ({ kind }: KubernetesObject) =>
    kind === 'Namespace' ? 0 : kind.endsWith('WebhookConfiguration') ? 2 : 1;
  return { definitions: unique(definitions), core: core.sort((a, b) => rank(a) - rank(b)), rest };
}

function isNeeded(object: KubernetesObject): boolean {
  const { kind, metadata } = object;
  if (kind === 'CustomResourceDefinition')
    return !/^(inference(pools|objectives|modelrewrites)|llminference|localmodel)/.test(metadata.name);
  if (kind === 'LLMInferenceServiceConfig' || kind === 'DaemonSet') return false;
  if (kind === 'Deployment') return metadata.name === controller;
  if (kind.endsWith('WebhookConfiguration')) {
    const webhooks = (object.webhooks as Webhook[] | undefined) ?? [];
    return webhooks.every(({ clientConfig }) => clientConfig.service?.name === webhookService);
  }
  return !/^(kserve-)?(llmisvc|localmodel)/.test(metadata.name);
}

/** Injects a CA certificate where the annotation asks for it, as cert-manager's injector does. */
function trust(object: KubernetesObject, bundles: ReadonlyMap<string, string>): void {
  const from = object.metadata.annotations?.['cert-manager.io/inject-ca-from'];
  const bundle = from === undefined ? undefined : bundles.get(from);
  if (bundle === undefined) return;
  for (const { clientConfig } of (object.webhooks as Webhook[] | undefined) ?? [])
    clientConfig.caBundle = bundle;
}

/** Without its controller, a conversion webhook would make every list of the kind fail. */
function withoutConversion(object: KubernetesObject): KubernetesObject {
  const spec = object.spec as { conversion?: { strategy?: string } };
  if (spec.conversion?.strategy === 'Webhook') spec.conversion = { strategy: 'None' };
  return object;
}

function adapt(object: KubernetesObject): KubernetesObject {
  if (object.kind === 'ConfigMap' && object.metadata.name === 'inferenceservice-config')
    object.data = configure(object as ServiceConfig);
  if (object.kind !== 'Deployment') return object;
  const { template } = object.spec as { template: { spec: { containers: Container[] } } };
  template.spec.containers = template.spec.containers.filter(({ name }) => name === 'manager');
  for (const container of template.spec.containers) {
    container.imagePullPolicy = 'IfNotPresent';
    // With the released limit of 100m it takes 30 s to start.
    if (container.resources?.limits?.cpu) container.resources.limits.cpu = '1';
    // A node of two CPUs has little more than a runtime's request of one left.
    if (container.resources?.requests?.cpu) container.resources.requests.cpu = '10m';
    if (container.readinessProbe)
      Object.assign(container.readinessProbe, {
        initialDelaySeconds: 1,
        periodSeconds: 1,
        failureThreshold: 120,
      });
  }
  return object;
}

function unique(objects: KubernetesObject[]): KubernetesObject[] {
  return [...new Map(objects.map((object) => [object.metadata.name, object])).values()];
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
