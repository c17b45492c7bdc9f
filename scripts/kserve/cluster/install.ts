import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { EnvHttpProxyAgent, fetch } from 'undici';
import { ModelcarsError } from '../../errors.ts';
import type { KubernetesObject } from '../manifests/inference-service.ts';
import { fromYaml } from '../manifests/yaml.ts';
import type { Api } from './api.ts';
import { prepare } from './prepare-install.ts';
import { retryApi } from './retry-api.ts';

/** KServe version installed in a new cluster by default. */
export const defaultVersion = 'v0.20.0';
/** Seconds for the controller and its webhooks to start. */
const patience = 300;
const mostBytes = 64 * 1024 ** 2;

export interface InstallOptions {
  /** `v0.20.0`. */
  version: string;
  /** Files or URLs that replace the release's. */
  manifests: readonly string[];
  signal: AbortSignal;
  say(line: string): void;
  /** Receives the Deployments' images before the Deployments are created. */
  onImages?(images: string[]): Promise<void>;
}

/**
 * Installs KServe in a new cluster: definitions, then the controller and, once its webhooks respond, the runtimes.
 * Fails with code `cluster` or `network` when a part cannot be downloaded or does not start.
 */
export async function installKserve(api: Api, options: InstallOptions): Promise<void> {
  const { version, signal, say } = options;
  const release = `https://github.com/kserve/kserve/releases/download/${version}`;
  const sources =
    options.manifests.length > 0
      ? options.manifests
      : [`${release}/kserve.yaml`, `${release}/kserve-cluster-resources.yaml`];
  const objects: KubernetesObject[] = [];
  for (const source of sources) {
    say(`reading ${source}`);
    objects.push(...fromYaml(await readSource(source, signal), source));
  }
  const { definitions, core, rest } = prepare(objects);
  await options.onImages?.(core.flatMap(imagesOf));
  for (const object of definitions) {
    say(`definition ${object.metadata.name}`);
    await retryApi(() => api.create(object, signal), signal);
  }
  await Promise.all(definitions.map((object) => until(api, object, 'Established', signal)));
  for (const object of core) {
    say(`${object.kind} ${object.metadata.name}`);
    await retryApi(() => api.apply(object, signal), signal);
  }
  say('waiting for the controller');
  for (const object of core.filter(({ kind }) => kind === 'Deployment'))
    await until(api, object, 'Available', signal);
  for (const object of rest) {
    say(`${object.kind} ${object.metadata.name}`);
    await retryApi(() => api.apply(object, signal), signal);
  }
}

/** Images of a Deployment's containers. */
function imagesOf({ kind, spec }: KubernetesObject): string[] {
  if (kind !== 'Deployment') return [];
  const { template } = spec as { template: { spec: { containers: { image: string }[] } } };
  return template.spec.containers.map(({ image }) => image);
}

async function readSource(source: string, signal: AbortSignal): Promise<string> {
  if (!/^https?:\/\//.test(source)) {
    return await readFile(source, 'utf8').catch((cause: Error) => {
      throw new ModelcarsError('usage', `read --kserve-manifest ${source}: ${cause.message}`, { cause });
    });
  }
  const next = 'air-gapped: copy the file here and pass it with --kserve-manifest FILE';
  try {
    const response = await fetch(source, { signal, dispatcher: new EnvHttpProxyAgent() });
    const text = await response.text();
    if (response.ok && text.length < mostBytes) return text;
    throw new ModelcarsError('network', `read ${source}: HTTP ${response.status}`, { next });
  } catch (cause) {
    if (cause instanceof ModelcarsError || signal.aborted) throw cause;
    const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
    throw new ModelcarsError('network', `read ${source}: ${inner instanceof Error ? inner.message : inner}`, {
      next,
      cause,
    });
  }
}

interface Conditioned {
  status?: { conditions?: { type: string; status: string; message?: string }[] };
}

/** Waits for a condition of an object. Polls every second: this happens once per cluster. */
async function until(api: Api, object: KubernetesObject, type: string, signal: AbortSignal): Promise<void> {
  const start = Date.now();
  for (;;) {
    const found = await api.find<Conditioned>(object);
    const condition = found?.status?.conditions?.find((one) => one.type === type);
    if (condition?.status === 'True') return;
    if (Date.now() - start > patience * 1000) {
      throw new ModelcarsError(
        'cluster',
        `wait for ${object.kind} ${object.metadata.name}: not ${type} after ${patience} s${condition?.message ? `: ${condition.message}` : ''}`,
        {
          next: `run again with --keep-cluster, then: kubectl -n ${object.metadata.namespace ?? 'kserve'} get pods,events`,
        },
      );
    }
    await sleep(1000, undefined, { signal });
  }
}
