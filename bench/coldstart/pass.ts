/** One pass of a way: from an empty node to a served model, once more beside it, and to four pods of it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError } from '../../scripts/kserve/cluster/api.ts';
import type { KubernetesObject } from '../../scripts/kserve/manifests/inference-service.ts';
import { run } from '../../tests/parts/run.ts';
import { cpuOf } from '../proc.ts';
import { readAllBelow } from '../pull.ts';
import type { Sample } from '../types.ts';
import type { BenchCluster } from './cluster.ts';
import { setModelcarCpu } from './modelcar-cpu.ts';
import { namespace, port, service } from './objects.ts';
import type { OpenSources, Source } from './sources.ts';
import { now, type PodSelector, type PodWatch, watchPods } from './watch.ts';
import type { TableName, Way } from './ways.ts';

export interface PassOptions {
  cluster: BenchCluster;
  sources: OpenSources;
  /** Path below the model's folder → its SHA-256, in hexadecimal. */
  digests: Record<string, string>;
  /** Bytes of all files. */
  bytes: number;
  signal: AbortSignal;
}

/** What to start the clock for. */
interface Start {
  objects: KubernetesObject[];
  which: PodSelector;
  pods: number;
  /** Whether its pods predict. */
  predicts: boolean;
}

/** Milliseconds between requests to a pod that is ready and does not answer yet. */
const again = 50;

/** Runs a way once, with a sample for each table that has it. Leaves an empty node. */
export async function runPass(way: Way, options: PassOptions): Promise<Partial<Record<TableName, Sample>>> {
  const { cluster, sources, signal, bytes } = options;
  const source = sources.of(way);
  await using watch = await watchPods(cluster.api, signal);
  // A cluster of modelcars' own sets more than KServe does by default.
  await using _limit = await setModelcarCpu(cluster, way.cpuModelcar ?? '10m');
  const measured = async (start: Start): Promise<Sample> => await measure(start, source, watch, options);
  const samples: Partial<Record<TableName, Sample>> = {};
  try {
    await readAllBelow(source.storage);
    if (way.before === 'pod') {
      await measured(serving('first', source.uri, 1));
      await cluster.kubectl('--namespace', namespace, 'delete', 'inferenceservices', '--all');
      await watch.empty();
    }
    if (way.before === 'prefetch') samples.prefetched = await measured(prefetching(sources.prefetch));
    samples.first = await measured(serving('first', source.uri, 1));
    checkTemperature(way, samples.first, bytes);
    if (way.before === undefined) {
      samples.second = await measured(serving('second', source.uri, 1));
      samples.scaled = await measured(serving('first', source.uri, 4));
    }
    return samples;
  } catch (error) {
    signal.throwIfAborted();
    throw new Error(`${error instanceof Error ? error.message : error}\n${await evidence(cluster)}`);
  } finally {
    await cleanUp(options, watch);
  }
}

/** Serves once, unmeasured: the first service of a cluster pays for caches of all that takes part. */
export async function warmUp(way: Way, options: PassOptions): Promise<void> {
  await using watch = await watchPods(options.cluster.api, options.signal);
  const source = options.sources.of(way);
  try {
    await measure(serving('first', source.uri, 1), source, watch, options);
  } finally {
    await cleanUp(options, watch);
  }
}

function serving(name: string, uri: string, pods: number): Start {
  const which = { label: 'serving.kserve.io/inferenceservice', value: name };
  return { objects: [service(name, uri, pods)], which, pods, predicts: true };
}

function prefetching(objects: KubernetesObject[]): Start {
  const which = { label: 'app.kubernetes.io/name', value: 'modelcars-prefetch' };
  return { objects, which, pods: 1, predicts: false };
}

/** The clock starts with kubectl, and stops with the right prediction of every pod. */
async function measure(
  { objects, which, pods: count, predicts }: Start,
  { pid }: Source,
  watch: PodWatch,
  { cluster, digests, signal }: PassOptions,
): Promise<Sample> {
  const { node } = cluster;
  const file = await cluster.file(...objects);
  await run('sync', []);
  const usage = () => ({ cpu: node.cpu(), source: pid === undefined ? 0 : cpuOf(pid) });
  const [disk, before, start] = [node.disk(), usage(), now()];
  const applied = cluster.kubectl('apply', '--filename', file);
  const [{ pods, phases }] = await Promise.all([watch.ready(which, count, start), applied]);
  if (predicts)
    await Promise.all(pods.map(async ({ name }) => await rightPrediction(cluster, name, digests, signal)));
  const wall = now() - start;
  const after = usage();
  return {
    wall,
    cpu: after.cpu - before.cpu,
    registryCpu: after.source - before.source,
    kept: Math.max(0, node.disk() - disk),
    ...phases,
  };
}

/** Asks a pod through the API server until it predicts, for a minute. Fails when the prediction is wrong. */
async function rightPrediction(
  { api }: BenchCluster,
  pod: string,
  digests: Record<string, string>,
  signal: AbortSignal,
): Promise<void> {
  const path = `/api/v1/namespaces/${namespace}/pods/${pod}:${port}/proxy/v1/models/bench:predict`;
  const body = { instances: Object.keys(digests) };
  for (const start = now(); ; ) {
    try {
      const { predictions } = await api.request<{ predictions: unknown }>('POST', path, { body, signal });
      if (JSON.stringify(predictions) === JSON.stringify(Object.values(digests))) return;
      throw new Error(`predict by ${pod}: a file of the model is missing or wrong`);
    } catch (error) {
      if (!(error instanceof ApiError) || now() - start > 60) throw error;
      await sleep(again);
    }
  }
}

/** Fails when a node that should be empty had the model, or one that should have it did not. */
function checkTemperature({ name, before }: Way, { kept }: Sample, bytes: number): void {
  if (before === undefined ? kept < 0.9 * bytes : kept > bytes / 2)
    throw new Error(`start ${name}: its node had ${before === undefined ? 'the' : 'no'} model before`);
}

/** What the cluster says of a start that failed. */
async function evidence({ kubectl }: BenchCluster): Promise<string> {
  const at = ['--namespace', namespace];
  const said = [
    kubectl(...at, 'get', 'pods', '--output', 'wide'),
    kubectl(...at, 'get', 'events', '--sort-by', '.lastTimestamp'),
    kubectl(...at, 'logs', '--all-containers', '--tail', '20', '--selector', 'component=predictor'),
  ].map(async (text) => await text.catch((error: unknown) => `${error}`));
  return (await Promise.all(said)).join('\n').slice(-8000);
}

async function cleanUp({ cluster, sources }: PassOptions, watch: PodWatch): Promise<void> {
  await cluster.kubectl('--namespace', namespace, 'delete', 'inferenceservices,daemonsets', '--all');
  await watch.empty();
  await cluster.node.forgetImages(sources.registry);
}
