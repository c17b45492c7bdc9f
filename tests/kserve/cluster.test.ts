import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { wineSmoke } from '../../frameworks/mlflow/wine.ts';
import type { SmokeResult } from '../../scripts/kserve/types.ts';
import { modelcars, root, tryModelcars } from '../parts/cli.ts';
import { imageVolumesConfig } from '../parts/kube/running/cluster-parts.ts';
import { huggingFaceArchive, tritonArchive } from '../parts/kube/servers/images.ts';
import type { Registry } from '../parts/registry.ts';
import { run } from '../parts/run.ts';
import { tagDigest } from '../parts/tags.ts';
import { kindClusters, kubectl, missingClusters, ready, startNodeRegistry } from './_cluster.ts';
import { ownModels } from './_own-models.ts';
import { ownRuntimes } from './_own-runtimes.ts';
import { servedModels } from './_served-models.ts';
import { catalog, classics, clusterEnv, expectAllPassed, smoke } from './_smoke.ts';
import { pushUbiLike } from './_ubi.ts';

const cluster = 'modelcars-there';

describe.skipIf(missingClusters())('a cluster that is kept, KServe 0.20', () => {
  let folder: string;
  let registry: Registry;
  let own: string[];
  let kubeconfig: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'modelcars-cluster-'));
    const config = await imageVolumesConfig(folder);
    const servers = [await huggingFaceArchive(folder), await tritonArchive(folder)];
    own = ['--keep-cluster', '--cluster-name', cluster, '--kind-config', config];
    own.push(...servers.flatMap((archive) => ['--load-image', archive]));
    const build = ['--file', catalog, '--base', 'embedded', '--platform', 'linux/amd64'];
    await modelcars(['build', classics[0] ?? '', ...build, '--output', 'layout'], { cwd: folder });
    const which = [classics[0] ?? '', '--file', catalog, '--layout', 'layout', '--security', 'openshift'];
    expectAllPassed(await smoke([...which, ...own], { cwd: folder }), 1);
    registry = await startNodeRegistry(cluster);
    const base = await pushUbiLike(registry.host, 'bases/ubi');
    const push = ['--file', catalog, '--base', base, '--platform', 'linux/amd64'];
    await modelcars(['push', ...classics, ...push, ...remote(registry)], { cwd: folder });
    kubeconfig = join(folder, 'kubeconfig');
    const { kind, env } = ready();
    await writeFile(kubeconfig, await run(kind, ['get', 'kubeconfig', '--name', cluster], { env }));
  });
  afterAll(async () => {
    const { kind, env } = ready();
    await run(kind, ['delete', 'cluster', '--name', cluster], { env });
    await registry?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** The registry that models are pushed to and pulled from. */
  const remote = ({ host }: Registry): string[] => ['--registry', `${host}/me`, '--insecure', host];

  test('--keep-cluster keeps the cluster and its KServe, and the next run uses them', async () => {
    expect(await kindClusters()).toEqual([cluster]);
    const images = await kubectl(cluster, '-n', 'kserve', 'get', 'pods', '-o', 'yaml');
    expect(images).toContain('image: kserve/kserve-controller:v0.20.0');
    expect(await kubectl(cluster, 'version')).toContain('Server Version: v1.34.2');
    const node = await kubectl(cluster, 'get', 'nodes', '-o', 'name');
    const which = [...classics, '--file', catalog, '--remote', ...remote(registry)];
    const smoked = await smoke([...which, ...own, '--modes', 'oci,oci+native'], { cwd: folder });
    const cases = smoked.results.filter(({ status }) => status !== 'skipped');
    expectAllPassed({ ...smoked, results: cases }, 3 * classics.length);
    expect(await kubectl(cluster, 'get', 'nodes', '-o', 'name')).toBe(node);
  });

  test('with --context only the test namespace is created and deleted', async () => {
    const namespaces = async (): Promise<string[]> =>
      (await kubectl(cluster, 'get', 'namespaces', '-o', 'name')).split('\n').filter(Boolean);
    // Namespaces of earlier runs disappear without help.
    const none = expect.not.arrayContaining([expect.stringContaining('modelcars-smoke')]);
    await expect.poll(namespaces, { timeout: 120_000 }).toEqual(none);
    const config = ['-n', 'kserve', 'get', 'configmap', 'inferenceservice-config', '-o', 'jsonpath={.data}'];
    const before = await kubectl(cluster, ...config);
    const which = [...classics, '--file', catalog, '--remote', ...remote(registry)];
    const there = ['--kubeconfig', kubeconfig, '--context', `kind-${cluster}`];
    expectAllPassed(await smoke([...which, ...there], { cwd: folder }), classics.length);
    await expect.poll(namespaces, { timeout: 120_000 }).toEqual(none);
    expect(await kubectl(cluster, ...config)).toBe(before);
  });

  test('serves an MLflow model of its own, with the request that the model gives', async () => {
    const source = `file:${join(root, 'frameworks/mlflow/model')}`;
    const model = { name: 'wine', framework: 'mlflow', source, version: 'v1.0.0', base: 'embedded' };
    const inputs = wineSmoke.body as object;
    const request = { ...inputs, expect: { classes: wineSmoke.expect.classes, output: 'output-1' } };
    await writeFile(join(folder, 'models.yaml'), stringify({ models: [{ ...model, smoke: request }] }));
    await modelcars(['lock'], { cwd: folder });
    await modelcars(['push', '--platform', 'linux/amd64', ...remote(registry)], { cwd: folder });
    const which = ['wine', '--remote', ...remote(registry), '--security', 'openshift', '--modes', 'oci'];
    expectAllPassed(await smoke([...which, ...own], { cwd: folder }), 1);
  });

  test('oci+fetch is skipped with the reason: this KServe does not support it', async () => {
    const which = [classics[0] ?? '', '--file', catalog, '--remote', ...remote(registry)];
    const { results } = await smoke([...which, ...own, '--modes', 'oci+fetch'], { cwd: folder });
    expect(results.map(({ status, reason }) => ({ status, reason }))).toEqual([
      { status: 'skipped', reason: expect.stringContaining('oci+fetch') },
      { status: 'skipped', reason: expect.any(String) },
    ]);
  });

  /** Runs `push --smoke` on a catalog, of which some models fail. Returns its results and messages. */
  async function pushSmoke(models: string): Promise<{ results: SmokeResult[]; stderr: string }> {
    const which = ['--file', join(models, 'models.yaml'), '--output', `${models}-layout`];
    const how = ['--security', 'openshift', ...own, ...remote(registry), '--json'];
    const settings = { cwd: folder, env: clusterEnv('v0.20.0'), timeout: 900_000 };
    const { stdout, stderr, code } = await tryModelcars(['push', '--smoke', ...which, ...how], settings);
    expect(code, stderr).toBe(1);
    return { results: (JSON.parse(stdout) as { smoke: SmokeResult[] }).smoke, stderr };
  }

  /** The models that the registry has. */
  async function pushed(...names: string[]): Promise<string[]> {
    const digests = await Promise.all(names.map((name) => tagDigest(registry.host, `me/${name}`, 'v1.0.0')));
    return names.filter((_, at) => digests[at] !== undefined);
  }

  test('push --smoke pushes own models that answer their own requests, and no other', async () => {
    const { results, stderr } = await pushSmoke(await ownModels(join(folder, 'own')));
    expect(results, stderr).toMatchObject([
      { model: 'named', status: 'passed' },
      {
        model: 'other-classes',
        status: 'failed',
        diagnosis: { stage: 'answer', expected: [1, 0], got: [0, 1] },
      },
      { model: 'unnamed', status: 'passed' },
    ]);
    expect(stderr).toContain('named: the smoke test sends the request of `smoke:` in models.yaml');
    expect(stderr).toMatch(
      /unnamed: the smoke test sends a request made from the 10 columns that model\.joblib takes/,
    );
    expect(await pushed('named', 'other-classes', 'unnamed')).toEqual(['named', 'unnamed']);
  });

  test("push --smoke: a text classifier by KServe's Hugging Face server, and ONNX by Triton", async () => {
    const { results, stderr } = await pushSmoke(await servedModels(join(folder, 'served')));
    expect(results, stderr).toMatchObject([
      { model: 'topics', status: 'passed' },
      {
        model: 'topics-wrong',
        status: 'failed',
        diagnosis: { stage: 'answer', expected: [0, 1, 2], got: [2, 1, 0] },
      },
      { model: 'flowers', status: 'passed' },
      {
        model: 'flowers-wrong',
        status: 'failed',
        diagnosis: { stage: 'answer', expected: [0, 2, 1], got: [1, 2, 0] },
      },
    ]);
    const names = results.map(({ model }) => model);
    expect(await pushed(...names)).toEqual(['topics', 'flowers']);
  });

  test("KServe accepts modelcars' own ServingRuntimes and the InferenceServices for them", async () => {
    const namespace = 'own-runtimes';
    await kubectl(cluster, 'create', 'namespace', namespace);
    const file = await ownRuntimes(join(folder, 'runtimes'), `${registry.host}/me`, namespace);
    const applied = await kubectl(cluster, 'apply', '--filename', file);
    for (const name of ['modelcars-llamacpp', 'modelcars-catboost'])
      expect(applied).toContain(`servingruntime.serving.kserve.io/${name} created`);
    /** The server's container as KServe completes it, with the model's name in the runtime's templates. */
    const server = async (name: string): Promise<object | undefined> => {
      const path = '{.spec.template.spec.containers[?(@.name=="kserve-container")]}';
      const which = ['deployment', `${name}-predictor`, '--ignore-not-found', '-o', `jsonpath=${path}`];
      return JSON.parse((await kubectl(cluster, '-n', namespace, 'get', ...which)) || 'null') as object;
    };
    const patience = { timeout: 60_000 };
    await expect
      .poll(() => server('own-gguf'), patience)
      .toMatchObject({
        image: expect.stringContaining('/llama.cpp:server'),
        args: expect.arrayContaining(['--alias', 'own-gguf']),
      });
    await expect
      .poll(() => server('own-catboost'), patience)
      .toMatchObject({
        env: expect.arrayContaining([{ name: 'MLSERVER_MODEL_NAME', value: 'own-catboost' }]),
      });
    // A negative check: the webhook reads what it accepts.
    const known = ['get', 'servingruntime', 'modelcars-catboost', '-o', 'json'];
    const runtime = JSON.parse(await kubectl(cluster, '-n', namespace, ...known));
    const twin = { ...runtime, metadata: { name: 'twin', namespace } };
    await writeFile(join(folder, 'twin.json'), JSON.stringify(twin));
    const refused = kubectl(cluster, 'apply', '--filename', join(folder, 'twin.json'));
    await expect(refused).rejects.toThrow(/denied the request.*same priority/is);
    await kubectl(cluster, 'delete', 'namespace', namespace, '--wait=false');
  });
});
