/** Where the pods of cold starts get a model from: a registry, a hub and an S3 of this machine, each with the same files. */
import { mkdir, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import type { KubernetesObject } from '../../scripts/kserve/manifests/inference-service.ts';
import { letNodesPull } from '../../tests/parts/kube/running/cluster-parts.ts';
import { run } from '../../tests/parts/run.ts';
import { startCdn } from '../cdn.ts';
import { startBenchHub } from '../hub.ts';
import { programStep, writeCatalog } from '../peers/modelcars.ts';
import { startBenchRegistry } from '../registry.ts';
import { startBenchS3 } from '../s3.ts';
import { environment, type Input, makeFolders } from '../stage.ts';
import type { Job } from '../types.ts';
import { hubFiles, type Work } from '../works.ts';
import type { BenchCluster } from './cluster.ts';
import { namespace, storageContainers } from './objects.ts';
import type { Way } from './ways.ts';

/** What a way's pods read. */
export interface Source {
  /** The `storageUri`. */
  uri: string;
  /** The process that sends, for its CPU time. */
  pid: number | undefined;
  /** A folder with what is sent, for the page cache. */
  storage: string;
}

export interface OpenSources extends AsyncDisposable {
  of(way: Way): Source;
  /** `HOST:PORT` */
  registry: string;
  /** What `modelcars prefetch` prints. */
  prefetch: KubernetesObject[];
  /** Whether nginx sends the hub's large files. */
  hasCdn: boolean;
}

/** Starts all of them, pushes the model by modelcars, and tells KServe's storage initializer about them. */
export async function openSources(
  cluster: BenchCluster,
  model: Input,
  work: Work,
  root: string,
): Promise<OpenSources> {
  await using owned = new AsyncDisposableStack();
  const { gateway } = cluster;
  const storage = await mkdtemp(join(root, 'registry-'));
  const registry = await startBenchRegistry('distribution', storage, gateway);
  owned.defer(async () => await registry.stop());
  await letNodesPull(cluster.parts, cluster.name, registry.host);
  const { image, objects } = await publish(model, registry.host, join(root, 'publish'));
  const objectsFolder = await mkdtemp(join(root, 's3-'));
  const s3 = owned.use(await startBenchS3(objectsFolder, [model], gateway));
  const cdn = await startCdn(join(model.folder, '..'), gateway);
  owned.defer(async () => await cdn?.stop());
  const hub = await startBenchHub({
    models: { [`bench/${model.name}`]: { files: await hubFiles(model, work) } },
    address: gateway,
    ...(cdn && { elsewhere: cdn.origin }),
  });
  owned.defer(() => hub.stop());
  // KServe installs one of them, whose fields are another owner's.
  const how = ['apply', '--server-side', '--force-conflicts', '--filename'];
  await cluster.kubectl(...how, await cluster.file(...storageContainers({ hub: hub.url, s3 })));
  const all = owned.move();
  return {
    of: ({ from, scheme }) =>
      ({
        registry: { uri: `${scheme}://${image}`, pid: registry.pid, storage },
        s3: { uri: `${scheme}://models/${model.name}`, pid: s3.pid, storage: objectsFolder },
        hub: { uri: `${scheme}://bench/${model.name}`, pid: hub.pid, storage: model.folder },
      })[from],
    registry: registry.host,
    prefetch: objects,
    hasCdn: cdn !== undefined,
    [Symbol.asyncDispose]: async () => await all.disposeAsync(),
  };
}

/** Locks and pushes a model. Returns its image, by digest, and the objects of `modelcars prefetch` for it. */
async function publish(
  model: Input,
  registry: string,
  folder: string,
): Promise<{ image: string; objects: KubernetesObject[] }> {
  const job: Job = {
    models: [{ ...model, repository: `${registry}/bench/${model.name}` }],
    base: 'embedded',
    registry,
    folder,
    changed: false,
  };
  await mkdir(folder);
  await makeFolders(job);
  await writeCatalog(job);
  const modelcars = async (...words: string[]): Promise<string> => {
    const { program, args } = programStep([...words, '--file', join(folder, 'models.yaml'), '--no-progress']);
    return await run(program, args, { cwd: folder, env: environment(job) });
  };
  await modelcars('lock');
  const remote = ['--frozen', '--insecure', registry];
  await modelcars('push', ...remote);
  const printed = await modelcars('prefetch', '--remote', '--namespace', namespace, '--json', ...remote);
  const { models, objects }: { models: { image: string }[]; objects: KubernetesObject[] } =
    JSON.parse(printed);
  const image = models[0]?.image;
  if (image === undefined) throw new Error(`prefetch ${model.name}: no image\n${printed}`);
  return { image, objects };
}
