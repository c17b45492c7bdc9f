/** The base that `manifest --output` writes, and the overlay of the guide, built by kustomize itself. */
import { execFileSync } from 'node:child_process';
import { appendFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { argoApplication } from '../../scripts/kserve/manifests/gitops/argocd.ts';
import type { KubernetesObject } from '../../scripts/kserve/manifests/inference-service.ts';
import { fromYaml } from '../../scripts/kserve/manifests/yaml.ts';
import { makeCatalog, root } from '../parts/cli.ts';
import { inside } from '../parts/inside.ts';
import { pages } from '../parts/markdown.ts';
import { missingParts, part } from '../parts/parts.ts';
import { programLines } from '../parts/recipes.ts';
import { type Registry, startRegistry } from '../parts/registry.ts';
import { run, tryRun } from '../parts/run.ts';

const missing = await missingParts('kustomize', 'docker-registry');

describe.skipIf(missing)('kustomize', () => {
  let folder: string;
  let registry: Registry;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'modelcars-kustomize-'));
    registry = await startRegistry({ kind: 'docker-registry' });
    const serving = { resources: { limits: { memory: '1.5Gi' } }, env: { OMP_NUM_THREADS: '2' } };
    const sample = await readFile(join(root, 'frameworks/sklearn/model.joblib'));
    const files = { 'model.joblib': sample };
    await makeCatalog(folder, [
      { name: 'iris', framework: 'sklearn', files, more: { base: 'embedded', version: undefined } },
      { name: 'wine', framework: 'sklearn', files, more: { base: 'embedded', version: undefined, serving } },
    ]);
    await appendFile(join(folder, 'models.yaml'), `registry: ${registry.host}/me\n`);
    execFileSync('git', ['-C', folder, 'init', '-q']);
    execFileSync('git', [
      '-C',
      folder,
      'remote',
      'add',
      'origin',
      'https://me:secret@git.example.com/models.git',
    ]);
    const guide = (await pages()).find(({ path }) => path === 'docs/guide/gitops.md');
    for (const { text } of guide?.blocks.filter(({ mark }) => mark === 'kustomize') ?? []) {
      const file = join(folder, /^# (\S+)\n/.exec(text)?.[1] ?? '');
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, text);
    }
    // The commands of the guide, in its order: push, then manifest in several ways.
    const lines = programLines({ path: 'guide.md', text: guide?.text ?? '', documents: [] });
    for (const line of lines.filter((words) => words.length > 2))
      application = await inside(
        line.map((word) => word.replace('quay.io', registry.host)),
        { cwd: folder },
      );
  });
  afterAll(async () => {
    await registry?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** What the last command of the guide prints. */
  let application: string;
  const build = async (path: string): Promise<KubernetesObject[]> =>
    fromYaml(await run(await part('kustomize'), ['build', path], { cwd: folder }), path);
  const service = (objects: KubernetesObject[], name: string) =>
    objects.find(({ kind, metadata }) => kind === 'InferenceService' && metadata.name === name);

  test('builds the base to the objects that `manifest` prints', async () => {
    const flags = [
      '--remote',
      '--registry',
      `${registry.host}/me`,
      '--namespace',
      'models',
      '--with-runtime',
    ];
    const printed = fromYaml(await inside(['manifest', ...flags], { cwd: folder }), 'stdout');
    expect(printed).toHaveLength(3);
    const built = await build('deploy');
    expect(built).toHaveLength(3);
    expect(built).toEqual(expect.arrayContaining(printed));
    expect(await readFile(join(folder, 'deploy/iris.yaml'), 'utf8')).toContain('# iris v1.2.0\n');
  });

  test('builds the overlay of the guide: namespace, replicas, another registry with the same digest', async () => {
    // The registry of the test has a port, which kustomize takes for a tag: the guide says so.
    for (const name of ['iris.yaml', 'wine.yaml']) {
      const file = join(folder, 'deploy', name);
      await writeFile(file, (await readFile(file, 'utf8')).replaceAll(registry.host, 'quay.io'));
    }
    const [base, prod] = [await build('deploy'), await build('overlays/prod')];
    expect(new Set(prod.map(({ metadata }) => metadata.namespace))).toEqual(new Set(['prod']));
    const iris = service(base, 'iris')?.spec as { predictor: { model: { storageUri: string } } };
    const { model } = iris.predictor;
    const storageUri = model.storageUri.replace('/me/', '/prod/');
    expect(storageUri).toMatch(/\/prod\/iris@sha256:[0-9a-f]{64}$/);
    expect(service(prod, 'iris')?.spec).toEqual({
      predictor: { minReplicas: 2, model: { ...model, storageUri } },
    });
    expect(service(prod, 'wine')?.spec).toMatchObject({
      predictor: { minReplicas: 2, model: { resources: { limits: { memory: '1536Mi' } } } },
    });
  });

  test('the last command of the guide prints the Application of the repository', () => {
    const repo = 'https://git.example.com/models.git';
    const where = { name: 'models', repo, path: 'deploy', revision: 'HEAD', namespace: 'models' };
    expect(fromYaml(application, 'stdout')).toEqual([argoApplication(where)]);
  });

  test('fails for a base without one of its files', async () => {
    await inside(['manifest', '--version', 'v1.0.0', '--output', 'broken'], {
      cwd: folder,
    });
    await rm(join(folder, 'broken/wine.yaml'));
    const { code, stderr } = await tryRun(await part('kustomize'), ['build', 'broken'], { cwd: folder });
    expect(code).toBe(1);
    expect(stderr).toContain('wine.yaml');
  });
});
