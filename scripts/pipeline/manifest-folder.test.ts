import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { ModelObjects } from '../kserve/manifests/gitops/kustomize.ts';
import { type BaseOptions, writeBase } from './manifest-folder.ts';

let folder: string;
beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'modelcars-base-')), 'deploy');
});
afterEach(() => rm(join(folder, '..'), { recursive: true, force: true }));

const runtime = (name: string) => ({
  apiVersion: 'serving.kserve.io/v1alpha1',
  kind: 'ServingRuntime',
  metadata: { name },
  spec: {},
});
const service = (name: string, digest = 'a') => ({
  apiVersion: 'serving.kserve.io/v1beta1',
  kind: 'InferenceService',
  metadata: { name },
  spec: { predictor: { model: { storageUri: `oci://quay.io/me/${name}@sha256:${digest}` } } },
});
const model = (name: string, digest?: string): ModelObjects => ({
  model: name,
  version: 'v1.0.0',
  objects: [service(name, digest)],
});
const withRuntime = (name: string, of: string): ModelObjects => ({
  ...model(name),
  objects: [runtime(of), service(name)],
});

const put = (manifests: ModelObjects[], options: Partial<BaseOptions> = {}) =>
  writeBase(manifests, { folder, whole: true, ...options });
/** What happened to each file, by its path in the folder. */
const statuses = async (...given: Parameters<typeof put>) =>
  Object.fromEntries(
    (await put(...given)).map(({ path, status }) => [path.slice(path.indexOf('deploy/') + 7), status]),
  );
const read = (path: string) => readFile(join(folder, path), 'utf8');
const top = async (): Promise<{ namespace?: string; resources: string[] }> =>
  parse(await read('kustomization.yaml'));
const tree = async () => (await readdir(folder, { recursive: true })).sort();

describe('a base', () => {
  it('has one file per object, runtimes first, and the namespace in the kustomization alone', async () => {
    const changes = await statuses([withRuntime('wine', 'mlserver'), model('iris')], { namespace: 'models' });
    expect(changes).toEqual({
      'runtimes/mlserver.yaml': 'created',
      'wine.yaml': 'created',
      'iris.yaml': 'created',
      'kustomization.yaml': 'created',
    });
    expect(await top()).toEqual({
      apiVersion: 'kustomize.config.k8s.io/v1beta1',
      kind: 'Kustomization',
      namespace: 'models',
      resources: ['runtimes/mlserver.yaml', 'iris.yaml', 'wine.yaml'],
    });
    expect(parse(await read('iris.yaml'))).toEqual(service('iris'));
    expect((await read('iris.yaml')).split('\n')[1]).toBe('# iris v1.0.0');
  });

  it('stays as it is when the models do: no file is written again', async () => {
    await put([withRuntime('iris', 'mlserver')]);
    const before = await Promise.all((await tree()).map((path) => stat(join(folder, path))));
    expect(new Set(Object.values(await statuses([withRuntime('iris', 'mlserver')])))).toEqual(
      new Set(['unchanged']),
    );
    const after = await Promise.all((await tree()).map((path) => stat(join(folder, path))));
    expect(after.map(({ ino, mtimeMs }) => ({ ino, mtimeMs }))).toEqual(
      before.map(({ ino, mtimeMs }) => ({ ino, mtimeMs })),
    );
  });

  it('changes only the file of the model that changed', async () => {
    await put([model('iris'), model('wine')]);
    expect(await statuses([model('iris', 'b'), model('wine')])).toEqual({
      'iris.yaml': 'changed',
      'wine.yaml': 'unchanged',
      'kustomization.yaml': 'unchanged',
    });
  });

  it('loses models that left the catalog, and the folder of runtimes when it is empty', async () => {
    await put([withRuntime('iris', 'mlserver'), model('wine')]);
    expect(await statuses([model('wine')])).toEqual({
      'wine.yaml': 'unchanged',
      'kustomization.yaml': 'changed',
      'iris.yaml': 'removed',
      'runtimes/mlserver.yaml': 'removed',
    });
    expect(await tree()).toEqual(['kustomization.yaml', 'wine.yaml']);
    expect((await top()).resources).toEqual(['wine.yaml']);
  });

  it('keeps the other models and the namespace in a run of some models', async () => {
    await put([withRuntime('iris', 'mlserver'), model('wine')], { namespace: 'models' });
    expect(await statuses([model('wine', 'b')], { whole: false })).toEqual({
      'wine.yaml': 'changed',
      'kustomization.yaml': 'unchanged',
    });
    await put([model('new')], { whole: false });
    expect(await top()).toMatchObject({
      namespace: 'models',
      resources: ['runtimes/mlserver.yaml', 'iris.yaml', 'new.yaml', 'wine.yaml'],
    });
  });

  it('takes a checkout with the line ends of Windows for its own', async () => {
    await put([model('iris')]);
    await writeFile(join(folder, 'iris.yaml'), (await read('iris.yaml')).replaceAll('\n', '\r\n'));
    expect(await statuses([model('iris')])).toMatchObject({ 'iris.yaml': 'unchanged' });
    expect(await statuses([model('iris', 'b')])).toMatchObject({ 'iris.yaml': 'changed' });
  });
});

describe("a user's files", () => {
  const attempt = async (manifests: ModelObjects[]) => {
    const before = await tree();
    const error = await put(manifests).catch((thrown: unknown) => thrown);
    expect(await tree()).toEqual(before);
    return error;
  };

  it('that were edited are all named, and nothing is written', async () => {
    await put([withRuntime('iris', 'mlserver'), model('wine')]);
    for (const path of ['iris.yaml', 'kustomization.yaml', 'runtimes/mlserver.yaml'])
      await writeFile(join(folder, path), `${await read(path)}# ours\n`);
    const error = await attempt([withRuntime('iris', 'mlserver'), model('wine', 'b'), model('new')]);
    expect(error).toMatchObject({
      code: 'usage',
      message: expect.stringMatching(/mlserver\.yaml was edited .*\n.*iris\.yaml was .*\n.*kustomization/),
    });
    expect(await read('wine.yaml')).toContain('sha256:a');
  });

  it('that were edited are not removed with their model', async () => {
    await put([model('iris'), model('wine')]);
    await writeFile(join(folder, 'iris.yaml'), `${await read('iris.yaml')}# ours\n`);
    expect(await attempt([model('wine')])).toMatchObject({
      message: expect.stringContaining('iris.yaml was edited'),
    });
  });

  it.each([
    ['a file', async () => writeFile(join(folder, 'iris.yaml'), 'kind: Secret\n')],
    ['a folder', async () => mkdir(join(folder, 'iris.yaml'))],
    ['a link', async () => symlink('/etc/hostname', join(folder, 'iris.yaml'))],
  ])('of the same name are left alone: %s', async (_, make) => {
    await mkdir(folder);
    await make();
    expect(await attempt([model('iris')])).toMatchObject({
      code: 'usage',
      message: expect.stringContaining('iris.yaml was not written by modelcars'),
    });
  });

  it('of other names stay', async () => {
    await mkdir(join(folder, 'runtimes'), { recursive: true });
    const own = ['README.md', 'secret.yaml', 'runtimes/own.yaml'];
    for (const path of own) await writeFile(join(folder, path), 'ours');
    await put([model('iris')]);
    await put([model('wine')]);
    expect(await tree()).toEqual(expect.arrayContaining(own));
    expect((await top()).resources).toEqual(['wine.yaml']);
  });
});

it.each([
  ['the layout of a build', 'oci-layout', /image layout.*kustomize base/],
  ['another kustomization', 'kustomization.yml', /it has a kustomization\.yml/],
])('refuses %s', async (_, name, message) => {
  await mkdir(folder);
  await writeFile(join(folder, name), '{}');
  await expect(put([model('iris')])).rejects.toThrow(message);
});

it('refuses a model with the name of the kustomization', async () => {
  await expect(put([model('kustomization')])).rejects.toThrow(/model kustomization has it too/);
});
