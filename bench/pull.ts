/**
 * The sources and nodes of a pull: each peer's images are published once per work, to a registry of its own; every run
 * has an empty node.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../tests/parts/run.ts';
import { pushBase } from './base.ts';
import { type Containerd, startContainerd, unmountBelow } from './containerd.ts';
import { diskFolder, diskOf } from './disk.ts';
import type { BenchHub } from './hub.ts';
import { type MeasureOptions, measure, runSteps } from './measure.ts';
import { pulledTo } from './peers/node.ts';
import { startBenchRegistry } from './registry.ts';
import { startBenchS3 } from './s3.ts';
import { environment, type Input, makeFolders } from './stage.ts';
import { startThrottle } from './throttle.ts';
import type { Job, Peer, RegistryKind, Sample } from './types.ts';

export interface PullOptions {
  models: Input[];
  hub: BenchHub;
  registry: RegistryKind;
  /** Bytes per second of each connection to a registry or S3; the hub limits its own. */
  throttle?: number | undefined;
  /** Measures a second pod on the node, not the first. */
  again?: boolean;
  /** A new version before the second pod: changes the files of the job, and what they are. */
  change?: ((job: Job) => Promise<void>) | undefined;
  /** Undoes the change. */
  restore?: (() => Promise<void>) | undefined;
  /** Stops running steps. */
  signal: AbortSignal;
}

/** Where a peer's node reads from. */
interface Source {
  registry: string;
  base: string;
  /** The registry without the limit, to publish to. */
  direct: string;
  /** The process that sends, for its CPU time. */
  pid: number | undefined;
  s3?: Job['s3'];
  /** On disk; read before each run, so that it comes from the page cache. */
  storage?: string;
}

export interface Pulls extends AsyncDisposable {
  /** One run on an empty node, measured; publishes before the peer's first. Fails if a file is wrong. */
  run(peer: Peer): Promise<Sample>;
}

/** Opens the place for a work's sources; nothing is started before the first run. */
export async function openPulls(options: PullOptions): Promise<Pulls> {
  await using owned = new AsyncDisposableStack();
  const root = await mkdtemp(join(await diskFolder(), 'modelcars-bench-'));
  owned.defer(() => rm(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }));
  const sources = new Map<Peer, Source>();
  const all = owned.move();
  return {
    run: async (peer) => {
      if (options.change !== undefined) {
        await using own = new AsyncDisposableStack();
        own.defer(async () => await options.restore?.());
        return await pullOnce(peer, await openSource(peer, options, root, own), options, root);
      }
      const source = sources.get(peer) ?? (await openSource(peer, options, root, all));
      sources.set(peer, source);
      return await pullOnce(peer, source, options, root);
    },
    [Symbol.asyncDispose]: async () => await all.disposeAsync(),
  };
}

async function openSource(
  peer: Peer,
  options: PullOptions,
  root: string,
  owned: AsyncDisposableStack,
): Promise<Source> {
  const { models, hub, throttle } = options;
  const limited = async (host: string): Promise<string> => {
    if (throttle === undefined) return host;
    const limit = await startThrottle(host, throttle);
    owned.defer(limit.stop);
    return limit.host;
  };
  const none = { registry: '', direct: '', base: '' };
  if (peer.pull?.from === 'hub') return { ...none, pid: hub.pid };
  const storage = await mkdtemp(join(root, `source-${peer.name}-`));
  owned.defer(() => rm(storage, { recursive: true, force: true }));
  if (peer.pull?.from === 's3') {
    const s3 = await startBenchS3(storage, models);
    owned.use(s3);
    return { ...none, pid: s3.pid, s3: { ...s3, endpoint: `http://${await limited(s3.host)}` }, storage };
  }
  const registry = await startBenchRegistry(options.registry, storage);
  owned.defer(async () => await registry.stop());
  const base = await pushBase(registry.host, 'v1');
  const source = { registry: registry.host, direct: registry.host, base, pid: registry.pid, storage };
  await publish(peer, source, options, root, false);
  return { ...source, registry: await limited(registry.host) };
}

async function publish(
  peer: Peer,
  source: Source,
  options: PullOptions,
  root: string,
  changed: boolean,
): Promise<void> {
  const from = { ...source, registry: source.direct };
  const job = { ...jobOf(peer, from, options, join(root, 'publish')), changed };
  await makeFolders(job);
  const settings = { env: environment(job), cwd: job.folder, logFile: join(root, 'log') };
  await using owned = new AsyncDisposableStack();
  owned.defer(() => rm(job.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }));
  owned.defer(() => unmountBelow(job.folder));
  await runSteps((await peer.pull?.publish?.(job)) ?? [], { ...settings, signal: options.signal });
}

async function pullOnce(peer: Peer, source: Source, options: PullOptions, root: string): Promise<Sample> {
  const job = jobOf(peer, source, options, join(root, 'node'));
  await makeFolders(job);
  await using owned = new AsyncDisposableStack();
  owned.defer(() => rm(job.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }));
  owned.defer(() => unmountBelow(job.folder));
  let daemon: Containerd | undefined;
  if (peer.pull?.containerd !== undefined) {
    daemon = owned.use(await startContainerd(join(job.folder, 'containerd'), peer.pull.containerd));
    job.containerd = daemon.socket;
  }
  const settings: MeasureOptions = {
    env: environment(job),
    cwd: job.folder,
    logFile: join(root, 'log'),
    registry: source.pid,
    daemon: daemon?.pid,
    watch: job.folder,
    signal: options.signal,
  };
  if (options.again) {
    await runSteps(await peer.steps(job, 'pull'), { ...settings, daemon: undefined, watch: undefined });
    job.pod = 2;
    await options.change?.(job);
    if (job.changed) await publish(peer, source, options, root, true);
  }
  const steps = await peer.steps(job, 'pull');
  if (source.storage !== undefined) await readAllBelow(source.storage);
  for (const { folder } of peer.pull?.from === 'hub' ? options.models : []) await readAllBelow(folder);
  await run('sync', []);
  const before = diskOf(job.folder);
  const { peakDisk = 0, ...measured } = await measure(steps, settings);
  for (const model of job.models)
    for (const file of model.files)
      await run('cmp', [join(model.folder, file), join(pulledTo(job, model), file)]);
  await runSteps(peer.clean?.(job) ?? [], { ...settings, daemon: undefined, signal: undefined });
  return { ...measured, kept: Math.max(0, diskOf(job.folder) - before), peakDisk: peakDisk - before };
}

function jobOf(
  peer: Peer,
  { registry, base, s3 }: Source,
  { models, hub }: PullOptions,
  folder: string,
): Job {
  return {
    models: models.map((model) => ({ ...model, repository: `${registry}/bench/${model.name}` })),
    base,
    registry,
    ...(peer.readsHub && { hub: hub.url }),
    ...(s3 && { s3 }),
    folder,
    changed: false,
  };
}

/** So that a run finds all files below a folder in the page cache. */
export async function readAllBelow(folder: string): Promise<void> {
  await run('find', [
    folder,
    '-type',
    'f',
    '-exec',
    'dd',
    'if={}',
    'of=/dev/null',
    'bs=1M',
    'status=none',
    ';',
  ]);
}
