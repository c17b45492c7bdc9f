/** The table of tests/support/admissions.ts and a base of kustomize, applied to KServe in clusters. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { irisSmoke } from '../../frameworks/iris.ts';
import type { KubernetesObject } from '../../scripts/kserve/manifests/inference-service.ts';
import { fromYaml } from '../../scripts/kserve/manifests/yaml.ts';
import { modelcars } from '../parts/cli.ts';
import { kserveVersions } from '../parts/kube/kserve.ts';
import { run } from '../parts/run.ts';
import { applied, drift, namespace, openshift } from '../support/admissions.ts';
import { docker, kubectl, missingClusters, ready, startNodeRegistry } from './_cluster.ts';
import { catalog, clusterEnv } from './_smoke.ts';

const cluster = 'modelcars-admission';
const model = 'mlserver-sklearn';
const deploymentOf = (name: string): string => `deployment/${name}-predictor`;
/** Python: sends a body to a URL, and prints status and answer. */
const post = `
import sys, urllib.error, urllib.request as r
try:
  answer = r.urlopen(r.Request(sys.argv[1], sys.argv[2].encode(), {"content-type": "application/json"}))
except urllib.error.HTTPError as error:
  answer = error
print(answer.status, answer.read().decode())
`;

describe.skipIf(missingClusters()).each(kserveVersions)('KServe %s', (version) => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'modelcars-admission-'));
    const made = ['cluster', '--cluster-name', cluster, '--kubeconfig', join(folder, 'kubeconfig')];
    await modelcars(made, { cwd: folder, env: clusterEnv(version), timeout: 1_200_000 });
    for (const name of [namespace, openshift, 'models']) await kubectl(cluster, 'create', 'namespace', name);
  });
  afterAll(async () => {
    const { kind, env } = ready();
    await run(kind, ['delete', 'cluster', '--name', cluster], { env });
    await rm(folder, { recursive: true, force: true });
  });

  /** Applies an object, as `kubectl apply` does. Returns what the cluster then has of it. */
  async function apply(object: KubernetesObject, ...more: string[]): Promise<object> {
    const file = join(folder, 'object.json');
    await writeFile(file, JSON.stringify(object));
    const args = ['apply', '--validate=strict', '--filename', file, '--output', 'json', ...more];
    return JSON.parse(await kubectl(cluster, ...args)) as object;
  }

  // Runtimes are applied, since the webhook compares them; services would only start pods that cannot run.
  test.each(applied)('$title', async ({ object, refuses, rewrites }) => {
    const how = object.kind === 'ServingRuntime' ? [] : ['--dry-run=server'];
    const refusal = refuses?.[version];
    if (refusal !== undefined) await expect(apply(object, ...how)).rejects.toThrow(refusal);
    else expect(drift(object, await apply(object, ...how))).toEqual(rewrites?.[version] ?? []);
  });

  test('serves the base that `manifest --output` writes, and has it as written', async () => {
    await using registry = await startNodeRegistry(cluster);
    const remote = ['--file', catalog, '--registry', `${registry.host}/me`, '--insecure', registry.host];
    const release = ['--version', 'v1.0.0'];
    const image = ['--base', 'embedded', '--platform', 'linux/amd64', ...release];
    await modelcars(['push', model, ...image, ...remote], { cwd: folder });
    const server = ['--with-runtime', '--server-image', 'docker.io/seldonio/mlserver:1.7.1'];
    const base = ['--remote', '--output', 'deploy', '--namespace', 'models', ...release, ...server];
    await modelcars(['manifest', model, ...base, ...remote], { cwd: folder });
    const deploy = join(folder, 'deploy');
    await kubectl(cluster, 'apply', '--kustomize', deploy);
    const wait = ['wait', '--for=condition=Ready', `inferenceservice/${model}`, '--timeout=600s'];
    await kubectl(cluster, '-n', 'models', ...wait);
    const { body, expect: expected } = irisSmoke('labels', {});
    const sent = JSON.stringify(body);
    const url = `http://localhost:8080/v2/models/${model}/infer`;
    const call = [deploymentOf(model), '-c', 'kserve-container', '--', 'python3', '-c', post, url];
    // Ready says that the server's port is open: MLServer loads the model after that.
    await expect
      .poll(async () => (await kubectl(cluster, '-n', 'models', 'exec', ...call, sent)).replaceAll(' ', ''), {
        timeout: 120_000,
        interval: 2000,
      })
      .toContain(JSON.stringify(expected.classes));
    // As Argo CD compares: nothing has changed since, neither by webhooks nor by the controller.
    for (const object of fromYaml(await kubectl(cluster, 'kustomize', deploy), deploy)) {
      const { kind, metadata } = object;
      const stored = await kubectl(cluster, '-n', 'models', 'get', kind, metadata.name, '--output', 'json');
      expect(drift(object, JSON.parse(stored))).toEqual([]);
    }
  });

  test('has images on its node after the DaemonSet and the Job of `prefetch`', async () => {
    const space = 'prefetch';
    await kubectl(cluster, 'create', 'namespace', space);
    await kubectl(cluster, 'label', 'namespace', space, 'pod-security.kubernetes.io/enforce=restricted');
    await using registry = await startNodeRegistry(cluster);
    // The node's own store, by the names that the kubelet pulled.
    const onNode = async () => {
      const list = ['--namespace', 'k8s.io', 'images', 'list', '--quiet'];
      return (await docker('exec', `${cluster}-control-plane`, 'ctr', ...list)).split('\n');
    };
    for (const [name, words, wait] of [
      ['hung', [], ['rollout', 'status', 'daemonset', '--timeout=300s']],
      ['once', ['--job', '1'], ['wait', '--for=condition=complete', 'job', '--all', '--timeout=300s']],
    ] as const) {
      const remote = ['--registry', `${registry.host}/${name}`, '--insecure', registry.host];
      const version = ['--file', catalog, '--version', 'v1.0.0', ...remote];
      const image = ['--base', 'embedded', '--platform', 'linux/amd64'];
      await modelcars(['push', model, ...image, ...version], { cwd: folder });
      const prefetch = ['prefetch', model, '--remote', '--namespace', space, ...image, ...version, ...words];
      const objects = await modelcars([...prefetch, '--json'], { cwd: folder });
      const { models } = JSON.parse(objects) as { models: { image: string }[] };
      const images = models.map(({ image }) => image);
      expect(images).toHaveLength(1);
      expect(await onNode()).not.toEqual(expect.arrayContaining(images));
      const file = join(folder, `${name}.yaml`);
      await writeFile(file, await modelcars(prefetch, { cwd: folder }));
      await kubectl(cluster, 'apply', '--filename', file);
      await kubectl(cluster, '-n', space, ...wait);
      expect(await onNode()).toEqual(expect.arrayContaining(images));
    }
  });
});
