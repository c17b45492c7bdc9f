/** A pushed model in a fake registry and two bases, to rebase it; for tests. */
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OutcomeJson } from '../../scripts/commands/output/report.ts';
import { layerOf } from '../../scripts/image/layer.ts';
import { documentOf } from '../../scripts/image/manifest.ts';
import { type LayerPlan, planLayers } from '../../scripts/image/plan.ts';
import { type Descriptor, type Digest, isManifest, mediaTypes } from '../../scripts/image/types.ts';
import { layerAnnotations } from '../../scripts/pipeline/annotations.ts';
import { pushBase } from '../parts/bases.ts';
import { noise } from '../parts/cli.ts';
import { type FakeOptions, type FakeRegistry, type FakeRequest, sha256, startFake } from './fake-registry.ts';
import { modelcarsInside } from './run-inside.ts';

export interface RebaseRoom extends AsyncDisposable {
  folder: string;
  registry: FakeRegistry;
  /** References of two bases. */
  bases: [string, string];
  /** Digests of the model's layers. */
  modelLayers: string[];
  /** Runs a command line in the folder. */
  run(...words: string[]): ReturnType<typeof modelcarsInside>;
  /** Rebases with --json; fails when the program prints no outcome. */
  rebase(...words: string[]): Promise<{ code: number; outcome: OutcomeJson; stderr: string }>;
  /** The same in another folder, with a store of its own. */
  rebaseIn(cwd: string, ...words: string[]): ReturnType<RebaseRoom['rebase']>;
  /** Writes models.yaml with this base and version, and more text. */
  catalog(base: string, version: string, more?: string): Promise<void>;
  /** Digest of a tag of `me/iris` or another repository. */
  tag(name: string, repository?: string): string | undefined;
  /** Requests since the last call. */
  requests(): FakeRequest[];
}

const files = { 'model.joblib': noise(300_000, 1), 'README.md': 'a model of irises\n' };

/** Pushes `me/iris:v1.2.3` on the first base, then hides the model's files. */
export async function openRebaseRoom(options: FakeOptions = {}): Promise<RebaseRoom> {
  const folder = await mkdtemp(join(tmpdir(), 'modelcars-rebase-'));
  const registry = await startFake(options);
  const bases: [string, string] = [
    (await pushBase(registry.host, 'bases/shell', 'one', 'v1')).reference,
    (await pushBase(registry.host, 'bases/shell', 'two', 'v2')).reference,
  ];
  const run: RebaseRoom['run'] = (...words) => runIn(folder, ...words);
  const runIn = (cwd: string, ...words: string[]) =>
    modelcarsInside(words, { cwd, env: { MODELCARS_STORE: join(cwd, '.store'), DOCKER_CONFIG: cwd } });
  const catalog: RebaseRoom['catalog'] = (base, version, more = '') =>
    writeFile(
      join(folder, 'models.yaml'),
      `registry: ${registry.host}/me\nversion: ${version}\n${more}defaults: {base: "${base}", platforms: [linux/amd64, linux/arm64]}\nmodels:\n  - {name: iris, framework: sklearn, source: "file:iris", licenses: MIT}\n`,
    );
  await mkdir(join(folder, 'iris'));
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, 'iris', name), content);
  await catalog(bases[0], 'v1.2.3');
  const pushed = [await run('lock'), await run('push', '--unsafe-files', 'allow')];
  if (pushed.some(({ code }) => code !== 0)) throw new Error(pushed.map(({ stderr }) => stderr).join('\n'));
  await rename(join(folder, 'iris'), join(folder, 'hidden'));
  let seen = 0;
  const room: RebaseRoom = {
    folder,
    registry,
    bases,
    modelLayers: [],
    run,
    catalog,
    rebase: (...words) => room.rebaseIn(folder, ...words),
    async rebaseIn(cwd, ...words) {
      const { code, stdout, stderr } = await runIn(cwd, 'rebase', ...words, '--json');
      const { models } = JSON.parse(stdout);
      if (models === undefined) throw new Error(stdout + stderr);
      return { code, outcome: models[0], stderr };
    },
    tag(name, repository = 'me/iris') {
      const bytes = registry.manifests.get(`${repository} ${name}`)?.bytes;
      return bytes && sha256(bytes);
    },
    requests() {
      const since = registry.requests.slice(seen);
      seen = registry.requests.length;
      return since;
    },
    async [Symbol.asyncDispose]() {
      await registry[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
  room.modelLayers = layersOf(registry, 'v1.2.3')
    .filter(({ annotations }) => annotations !== undefined)
    .map(({ digest }) => digest);
  room.requests();
  return room;
}

interface Layer {
  digest: string;
  annotations?: Record<string, string>;
}

/** The layers of the first platform of a tag of `me/iris`. */
export function layersOf(registry: FakeRegistry, tag: string): Layer[] {
  const read = (name: string) => JSON.parse(String(registry.manifests.get(`me/iris ${name}`)?.bytes));
  return read(read(tag).manifests[0].digest).layers;
}

/** Requests that read or send a blob with one of these digests. */
export function transfers(requests: readonly FakeRequest[], digests: readonly string[]): string[] {
  return requests
    .filter(
      ({ method, path }) =>
        method !== 'HEAD' && digests.some((digest) => decodeURIComponent(path).includes(digest)),
    )
    .map(({ method, path }) => `${method} ${path}`);
}

/**
 * Stores `me/iris:TAG`: the image `v1.2.3` with one model layer of `size` bytes of a file, which does not exist. Returns
 * the layer's descriptor. The registry answers for it with the help of `intercept`.
 */
export function addLargeImage({ manifests, blobs }: FakeRegistry, tag: string, size: number): Descriptor {
  const file = { path: 'model.joblib', size, sha256: 'a'.repeat(64) };
  const [plan] = planLayers([file]) as [LayerPlan];
  const layer = layerOf(plan, () => [] as never, { mtime: 0, compression: 'none' });
  const digest: Digest = `sha256:${'b'.repeat(64)}`;
  const large = {
    mediaType: mediaTypes.layer,
    digest,
    size: plan.size,
    annotations: layerAnnotations(layer),
  };
  const read = (name: string) => JSON.parse(String(manifests.get(`me/iris ${name}`)?.bytes));
  const put = (mediaType: string, document: object): Descriptor => {
    const { bytes, descriptor } = documentOf(mediaType, document);
    const stored = Buffer.from(bytes);
    if (isManifest(mediaType))
      manifests.set(`me/iris ${descriptor.digest}`, { type: mediaType, bytes: stored });
    else blobs.set(`me/iris ${descriptor.digest}`, stored);
    return descriptor;
  };
  const index = read('v1.2.3');
  index.annotations['org.opencontainers.image.version'] = tag;
  index.manifests = index.manifests.map(({ digest: own, platform }: Descriptor) => {
    const manifest = read(own);
    const config = JSON.parse(String(blobs.get(`me/iris ${manifest.config.digest}`)));
    const count = manifest.layers.filter((one: Layer) => one.annotations === undefined).length;
    for (const labels of [manifest.annotations, config.config.Labels])
      labels['org.opencontainers.image.version'] = tag;
    config.rootfs.diff_ids = [...config.rootfs.diff_ids.slice(0, count), digest];
    config.history = config.history.slice(0, config.history.length - (manifest.layers.length - count) + 1);
    manifest.layers = [...manifest.layers.slice(0, count), large];
    manifest.config = put(mediaTypes.config, config);
    return { ...put(mediaTypes.manifest, manifest), platform };
  });
  const root = put(mediaTypes.index, index);
  manifests.set(`me/iris ${tag}`, manifests.get(`me/iris ${root.digest}`) as { type: string; bytes: Buffer });
  return large;
}
