import { copyFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { type FakeRegistry, startFake } from '../../tests/support/fake-registry.ts';
import { modelcarsInside } from '../../tests/support/run-inside.ts';
import type { KubernetesObject } from '../kserve/manifests/inference-service.ts';
import type { PrefetchPod } from '../kserve/manifests/prefetch/prefetch.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const sample = fileURLToPath(new URL('../../frameworks/sklearn/model.joblib', import.meta.url));
const servings: Record<string, string> = {
  iris: '{imagePullSecrets: [quay]}',
  wine: '{storage: oci+native}',
  llama: '{nodeSelector: {pool: gpu}, tolerations: [{key: gpu, operator: Exists}]}',
  fetched: '{storage: oci+fetch}',
};
let folder: string;
let registry: FakeRegistry;

const run = (...words: string[]) =>
  modelcarsInside(words, { cwd: folder, env: { MODELCARS_STORE: join(folder, 'store') } });
const prefetch = (...words: string[]) => run('prefetch', ...words, '--registry', `${registry.host}/me`);

/** The objects that a run prints. */
async function printed(...words: string[]): Promise<{ object: KubernetesObject; pod: PrefetchPod }[]> {
  const { code, stdout, stderr } = await prefetch(...words);
  expect(code, stderr).toBe(0);
  expect(stdout).not.toMatch(/[&*]a\d/);
  return parseAllDocuments(stdout).map((document) => {
    const object = document.toJS() as KubernetesObject;
    return { object, pod: (object.spec as { template: { spec: PrefetchPod } }).template.spec };
  });
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelcars-prefetch-'));
  registry = await startFake();
  await copyFile(sample, join(folder, 'model.joblib'));
  const entries = Object.entries(servings).map(
    ([name, serving]) =>
      `  - {name: ${name}, framework: sklearn, source: "file:model.joblib", serving: ${serving}}\n`,
  );
  const head = 'version: v1.0.0\ndefaults: {base: embedded, platforms: [linux/amd64]}\n';
  await writeFile(join(folder, 'models.yaml'), `${head}models:\n${entries.join('')}`);
  expect(await run('lock')).toMatchObject({ code: 0 });
});
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

describe('prefetch', () => {
  it('prints a DaemonSet for each set of nodes, with the digests of manifest', async () => {
    const manifest = await run('manifest', '--registry', `${registry.host}/me`, '--json');
    const images = Object.fromEntries(
      (JSON.parse(manifest.stdout) as { models: { model: string; image: string }[] }).models.map(
        ({ model, image }) => [model, image],
      ),
    );
    const [first, second, ...more] = await printed('--namespace', 'models', '--pull-secret', 'other');
    expect(more).toEqual([]);
    expect(first?.object).toMatchObject({ kind: 'DaemonSet', metadata: { namespace: 'models' } });
    expect(first?.pod.initContainers.map(({ name, image }) => [name, image])).toEqual([
      ['iris', images.iris],
      ['wine', images.wine],
    ]);
    expect(first?.pod.imagePullSecrets).toEqual([{ name: 'quay' }, { name: 'other' }]);
    expect(second?.pod).toMatchObject({
      nodeSelector: { pool: 'gpu' },
      tolerations: [{ key: 'gpu', operator: 'Exists' }],
      initContainers: [{ name: 'llama', image: images.llama }],
    });
    expect(images.iris).toMatch(/@sha256:[0-9a-f]{64}$/);
  });

  it('takes nodes from the command line for all models, in the notation of kubectl', async () => {
    const [only, ...more] = await printed(
      ...['--node-selector', 'pool=cpu', '--node-selector', 'zone='],
      ...['--toleration', 'a', '--toleration', 'b=c', '--toleration', 'd:NoExecute'],
      ...['--toleration', 'example.com/e=f:NoSchedule'],
    );
    expect(more).toEqual([]);
    expect(only?.pod.nodeSelector).toEqual({ pool: 'cpu', zone: '' });
    expect(only?.pod.tolerations).toEqual([
      { key: 'a', operator: 'Exists' },
      { key: 'b', operator: 'Equal', value: 'c' },
      { key: 'd', operator: 'Exists', effect: 'NoExecute' },
      { key: 'example.com/e', operator: 'Equal', value: 'f', effect: 'NoSchedule' },
    ]);
  });

  it('prints Jobs, and names as asked for', async () => {
    const objects = await printed('iris', '--job', '2', '--set-name', 'warm');
    expect(objects.map(({ object }) => [object.kind, object.metadata.name])).toEqual([
      ['Job', expect.stringMatching(/^warm-[0-9a-f]{8}$/)],
    ]);
  });

  it('leaves out models that KServe downloads itself, and says so', async () => {
    const { code, stdout, stderr } = await prefetch('iris', 'fetched');
    expect([code, stdout.includes('fetched')]).toEqual([0, false]);
    expect(stderr).toContain('warning: fetched: with `storage: oci+fetch` KServe downloads the model itself');
    const alone = await prefetch('fetched');
    expect(alone).toMatchObject({ code: 2, stdout: '' });
    expect(alone.stderr).toContain('prefetch fetched: with `storage: oci+fetch`');
  });

  it('fails for an image that --remote does not find', async () => {
    const { code, stdout, stderr } = await prefetch('iris', '--remote');
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain('me/iris:v1.0.0: the registry has no such image');
  });

  it.each([
    [['--node-selector', 'pool'], '--node-selector pool: must be KEY=VALUE'],
    [['--node-selector', 'a b=c'], '--node-selector a b=c: must be the key of a label'],
    [['--node-selector', 'a=b c'], '--node-selector a=b c: must be the value of a label'],
    [['--node-selector', 'a=b', '--node-selector', 'a=c'], 'no node has two values of a'],
    [['--toleration', 'a:NoSchedul'], 'did you mean `NoSchedule`'],
    [['--toleration', '=b'], '--toleration =b: expected the key of a taint'],
    [['--job', '0'], '--job 0: must be a number of nodes'],
    [['--set-name', 'A'], '--set-name A: must be at most 54 lower-case letters'],
    [['--set-name', 'a'.repeat(55)], 'must be at most 54 lower-case letters'],
  ])('refuses %j', async (words, message) => {
    const { code, stderr } = await prefetch(...words);
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
  });
});

describe('prefetch --output', () => {
  const read = (path: string) => readFile(join(folder, path), 'utf8');
  const names = async (path: string) => (await readdir(join(folder, path))).sort();

  it('writes a base with the namespace in the kustomization alone, and only what it needs', async () => {
    const words = ['--output', 'warm', '--namespace', 'models'];
    expect(await prefetch('iris', 'llama', ...words)).toMatchObject({ code: 0 });
    const files = await names('warm');
    expect(files).toHaveLength(3);
    const objects = files.filter((name) => name !== 'kustomization.yaml');
    expect(parse(await read('warm/kustomization.yaml'))).toMatchObject({
      namespace: 'models',
      resources: objects,
    });
    const text = await read(`warm/${objects.find((name) => name.startsWith('modelcars-prefetch-'))}`);
    expect(text).not.toContain('namespace');
    expect(text).toMatch(/^# Written by `modelcars prefetch` .*\n# (iris|llama) v1\.0\.0\n/);
    expect(await prefetch('iris', 'llama', ...words)).toMatchObject({ stdout: 'warm: unchanged\n' });
    const { stdout } = await prefetch('iris', ...words, '--json');
    const { files: changes } = JSON.parse(stdout) as { files: { status: string }[] };
    expect(changes.map(({ status }) => status)).toEqual(['unchanged', 'changed', 'removed']);
  });

  it('leaves a base of manifest alone', async () => {
    expect(await run('manifest', '--registry', `${registry.host}/me`, '--output', 'deploy')).toMatchObject({
      code: 0,
    });
    const before = await names('deploy');
    const { code, stderr } = await prefetch('--output', 'deploy');
    expect([code, stderr]).toEqual([
      2,
      expect.stringContaining('deploy/kustomization.yaml was not written by modelcars prefetch'),
    ]);
    expect(await names('deploy')).toEqual(before);
  });
});
