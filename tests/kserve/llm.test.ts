/** An LLMInferenceService in a cluster: KServe's controller, webhooks and presets, and pods that run the model's image. */
import { createHash } from 'node:crypto';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import type { KubernetesObject } from '../../scripts/kserve/manifests/inference-service.ts';
import { fromYaml } from '../../scripts/kserve/manifests/yaml.ts';
import { modelcars, root } from '../parts/cli.ts';
import type { Registry } from '../parts/registry.ts';
import { run } from '../parts/run.ts';
import { drift } from '../support/admissions.ts';
import { kubectl, missingClusters, ready, startNodeRegistry } from './_cluster.ts';
import { installLlmController, serverImage } from './_llm-controller.ts';
import { clusterEnv } from './_smoke.ts';

const cluster = 'modelcars-llm';
const files = join(root, 'frameworks/huggingface/model');
const at = ['-n', 'models'];
/** KServe's webhook adds fields to containers, and a list is compared whole. */
const rewritten = ['.spec.template.containers'];

interface Pod {
  spec: { containers: { name: string; image: string }[] };
  status: { containerStatuses: { name: string; ready: boolean; imageID: string }[] };
}

describe.skipIf(missingClusters())('an LLMInferenceService', () => {
  let folder: string;
  let registry: Registry;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'modelcars-llm-'));
    const made = ['cluster', '--cluster-name', cluster, '--kubeconfig', join(folder, 'kubeconfig')];
    await modelcars(made, { cwd: folder, env: clusterEnv('v0.20.0'), timeout: 1_200_000 });
    await installLlmController(cluster);
    await kubectl(cluster, 'create', 'namespace', 'models');
    registry = await startNodeRegistry(cluster);
    await cp(files, join(folder, 'topics'), { recursive: true });
    const entry = (name: string, serving: object) => ({
      ...{ name, framework: 'vllm', source: 'file:topics', version: 'v1.0.0' },
      ...{ base: 'embedded', platforms: ['linux/amd64'] },
      serving: { kind: 'LLMInferenceService', ...serving },
    });
    const models = [
      entry('served', { router: {}, args: ['--limit-mm-per-prompt={"image": 2}'], minReplicas: 2 }),
      entry('routed', {}),
    ];
    await writeFile(join(folder, 'models.yaml'), stringify({ models }));
    await modelcars(['push', ...remote()], { cwd: folder });
  });
  afterAll(async () => {
    await registry?.[Symbol.asyncDispose]();
    const { kind, env } = ready();
    await run(kind, ['delete', 'cluster', '--name', cluster], { env });
    await rm(folder, { recursive: true, force: true });
  });

  const remote = (): string[] => ['--registry', `${registry.host}/me`, '--insecure', registry.host];

  /** Applies what `manifest` prints for a model. Returns it. */
  async function apply(model: string): Promise<KubernetesObject> {
    const options = ['--remote', '--namespace', 'models', '--server-image', serverImage];
    const printed = await modelcars(['manifest', model, ...options, ...remote()], { cwd: folder });
    const file = join(folder, `${model}.yaml`);
    await writeFile(file, printed);
    await kubectl(cluster, 'apply', '--validate=strict', '--filename', file);
    const [object, ...others] = fromYaml(printed, file);
    if (object === undefined || others.length > 0) throw new Error(`not one object:\n${printed}`);
    return object;
  }

  const get = async <T>(...what: string[]): Promise<T> =>
    JSON.parse(await kubectl(cluster, ...at, 'get', ...what, '--output', 'json')) as T;

  test('gets ready with pods that run the image, and its server reads every file of the model', async () => {
    const object = await apply('served');
    const wait = ['wait', '--for=condition=Ready', 'llminferenceservice/served', '--timeout=600s'];
    await kubectl(cluster, ...at, ...wait);
    const image = (object.spec as { model: { uri: string } }).model.uri.replace('oci://', '');
    const { items } = await get<{ items: Pod[] }>('pods', '--selector', 'app.kubernetes.io/name=served');
    expect(items.length).toBe(2);
    for (const { spec, status } of items) {
      expect(spec.containers).toContainEqual(expect.objectContaining({ name: 'modelcar', image }));
      for (const container of status.containerStatuses) expect(container).toMatchObject({ ready: true });
    }
    // The server stands in for vLLM; command line and files are as KServe gives them to vLLM.
    const code =
      'import urllib.request as r; print(r.urlopen("http://localhost:8000/v1/models").read().decode())';
    const inside = ['exec', 'deployment/served-kserve', '-c', 'main', '--', 'python3', '-c', code];
    const answer = JSON.parse(await kubectl(cluster, ...at, ...inside)) as { files: Record<string, string> };
    for (const name of await readdir(files))
      expect(answer.files[name]).toBe(
        createHash('sha256')
          .update(await readFile(join(files, name)))
          .digest('hex'),
      );
    const argument = '--limit-mm-per-prompt={"image": 2}';
    expect(answer).toMatchObject({ data: [{ id: 'served' }], arguments: expect.arrayContaining([argument]) });
    expect(drift(object, await get(`llminferenceservice/served`))).toEqual(rewritten);
  });

  test('with a route and a scheduler, is stored as written but for its containers', async () => {
    const object = await apply('routed');
    expect(drift(object, await get('llminferenceservice/routed'))).toEqual(rewritten);
  });

  test('is refused by KServe before it is stored if its pods could not be', async () => {
    const file = join(folder, 'broken.yaml');
    const broken = { ...fromYaml(await readFile(join(folder, 'served.yaml'), 'utf8'), file)[0] };
    const spec = { ...(broken.spec as object), worker: { containers: [] } };
    await writeFile(file, stringify({ ...broken, spec }));
    await expect(kubectl(cluster, 'apply', '--dry-run=server', '--filename', file)).rejects.toThrow(/worker/);
  });
});
