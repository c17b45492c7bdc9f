/** KServe's controller of LLMInferenceServices in a test cluster, and a stand-in for vLLM, which needs GPUs or gigabytes. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { selfSigned } from '../../scripts/kserve/cluster/certificate.ts';
import type { KubernetesObject } from '../../scripts/kserve/manifests/inference-service.ts';
import { fromYaml, toYaml } from '../../scripts/kserve/manifests/yaml.ts';
import { writeArchive, writeLayer } from '../parts/kube/archive.ts';
import { goModule, goPrograms } from '../parts/kube/go.ts';
import { debianRoot, slimPackages } from '../parts/kube/rootfs.ts';
import { run } from '../parts/run.ts';
import { kubectl, ready } from './_cluster.ts';

const version = 'v0.20.0';
const controllerImage = `docker.io/kserve/llmisvc-controller:${version}`;
/** The image that runs `tests/kserve/vllm.py` as `vllm`. */
export const serverImage = 'modelcars.test/vllm:v1';

const secret = 'llmisvc-webhook-server-cert';
const service = 'llmisvc-webhook-server-service';

/**
 * Installs what `kserve.yaml` of 0.20 has for LLMInferenceServices and smoke tests leave out: definitions, presets,
 * controller, webhooks; and the Gateway API's definitions, whose objects the controller makes. A certificate of our own
 * takes cert-manager's place. Fails if the controller does not start.
 */
export async function installLlmController(cluster: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'modelcars-llm-'));
  try {
    await loadImage(cluster, folder, await controller(folder));
    await loadImage(cluster, folder, await standIn(folder));
    const { definitions, core, presets } = await objects();
    const file = join(folder, 'objects.yaml');
    const apply = async (some: KubernetesObject[]): Promise<void> => {
      await writeFile(file, toYaml(some));
      await kubectl(cluster, 'apply', '--server-side', '--force-conflicts', '--filename', file);
    };
    await kubectl(cluster, 'apply', '--server-side', '--filename', await gatewayDefinitions());
    await apply(definitions);
    await kubectl(cluster, 'wait', '--for=condition=Established', 'crd', '--all', '--timeout=600s');
    await apply(core);
    const at = ['-n', 'kserve', 'rollout', 'status', 'deployment/llmisvc-controller-manager'];
    await kubectl(cluster, ...at, '--timeout=600s');
    // Its readiness is that of the process: the webhooks, which check the presets, listen some time after it.
    await until(() => apply(presets), 300_000);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Tries until it succeeds, for so many milliseconds. */
async function until(attempt: () => Promise<void>, patience: number): Promise<void> {
  for (const start = Date.now(); ; ) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() - start > patience) throw error;
      await sleep(3000);
    }
  }
}

/** The Gateway API's standard definitions, of the version in KServe 0.20's go.mod. */
async function gatewayDefinitions(): Promise<string> {
  return join(await goModule('sigs.k8s.io/gateway-api', 'v1.5.1'), 'config/crd/standard');
}

async function objects(): Promise<Record<'definitions' | 'core' | 'presets', KubernetesObject[]>> {
  const { key, certificate } = selfSigned([`${service}.kserve.svc`]);
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const bundle = base64(certificate);
  const all: KubernetesObject[] = [];
  for (const file of ready().manifests[version]) all.push(...fromYaml(await run('cat', [file]), file));
  const ours = all.filter(({ metadata: { name } }) =>
    /^(kserve-)?(llmisvc|llminference|inference(pools|obj|modelr))/.test(name),
  );
  const definitions = ours.filter(({ kind }) => kind === 'CustomResourceDefinition');
  for (const { spec } of definitions) {
    const { conversion } = spec as { conversion?: { webhook?: { clientConfig: { caBundle?: string } } } };
    if (conversion?.webhook) conversion.webhook.clientConfig.caBundle = bundle;
  }
  const core = ours.filter(
    ({ kind, apiVersion }) => kind !== 'CustomResourceDefinition' && !apiVersion.startsWith('cert-manager'),
  );
  for (const object of core) adapt(object, bundle);
  core.unshift({
    ...{ apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/tls' },
    metadata: { name: secret, namespace: 'kserve' },
    data: { 'tls.crt': bundle, 'tls.key': base64(key) },
  });
  return { definitions, core, presets: all.filter(({ kind }) => kind === 'LLMInferenceServiceConfig') };
}

function adapt(object: KubernetesObject, caBundle: string): void {
  const { webhooks = [] } = object as { webhooks?: { clientConfig: object }[] };
  for (const { clientConfig } of webhooks) Object.assign(clientConfig, { caBundle });
  if (object.kind !== 'Deployment') return;
  const { template } = object.spec as { template: { spec: { containers: object[] } } };
  // The node has the image; at the released limit of 100m the controller starts slowly.
  for (const container of template.spec.containers)
    Object.assign(container, { imagePullPolicy: 'IfNotPresent', resources: {} });
}

async function controller(folder: string): Promise<string> {
  const build = { name: 'kserve-llmisvc', module: 'github.com/kserve/kserve', version };
  const program = join(await goPrograms({ ...build, packages: ['cmd/llmisvc'] }), build.name);
  const layer = join(folder, 'controller.layer');
  await writeLayer(layer, [{ to: 'manager', from: program, mode: 0o755 }]);
  const archive = join(folder, 'controller.tar');
  const config = { Entrypoint: ['/manager'], User: '1000:1000' };
  await writeArchive(archive, { name: controllerImage, layers: [layer], config });
  return archive;
}

async function standIn(folder: string): Promise<string> {
  const layer = join(folder, 'vllm.layer');
  const from = fileURLToPath(new URL('vllm.py', import.meta.url));
  await writeLayer(layer, [{ to: 'usr/local/bin/vllm', from, mode: 0o755 }]);
  const archive = join(folder, 'vllm.tar');
  const layers = [await debianRoot('slim', slimPackages), layer];
  await writeArchive(archive, { name: serverImage, layers, config: { User: '1000' } });
  return archive;
}

async function loadImage(cluster: string, folder: string, archive: string): Promise<void> {
  const { kind, env } = ready();
  await run(kind, ['load', 'image-archive', archive, '--name', cluster], { env: { ...env, TMPDIR: folder } });
  await rm(archive);
}
