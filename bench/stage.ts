/**
 * The environment for one run of one tool: a fresh registry that holds the base image, and an empty folder for all that
 * the tool keeps.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../tests/parts/run.ts';
import { holesBehind } from '../tests/parts/tags.ts';
import { pushBase } from './base.ts';
import { diskFolder, diskOf, warmMemory } from './disk.ts';
import { type MeasureOptions, measure, runSteps } from './measure.ts';
import { startProxy } from './proxy.ts';
import { type RunningRegistry, startBenchRegistry } from './registry.ts';
import { startSink } from './sink.ts';
import type { BenchModel, Job, Kind, Peer, RegistryKind, Sample } from './types.ts';

/** The files of a model, before its repository is known. */
export type Input = Omit<BenchModel, 'repository'>;

export interface Stage extends AsyncDisposable {
  job: Job;
  /** Runs the peer's preparation, before the clock starts. */
  prepare(): Promise<void>;
  /** Does the job once and measures it; fails if the peer fails or an image is incomplete in the registry. */
  run(): Promise<Sample>;
}

export interface StageOptions {
  peer: Peer;
  kind: Kind;
  models: Input[];
  hub?: string | undefined;
  /** Puts a counting proxy in front of the registry; the times then include the proxy. */
  count?: boolean;
  registry: RegistryKind;
  /** A folder in memory for the registry's storage; on disk by default. */
  storage?: string | undefined;
  /** Bytes of all files. */
  bytes: number;
  /** The registry keeps nothing, and the files are not read beforehand. */
  huge?: boolean;
  /** Stops running steps; the stage can still be disposed of. */
  signal: AbortSignal;
}

/** Starts the registry and prepares the folder below the temporary directory. */
export async function openStage(options: StageOptions): Promise<Stage> {
  const { peer, kind } = options;
  await using owned = new AsyncDisposableStack();
  const root = await mkdtemp(join(await diskFolder(), 'modelcars-bench-'));
  owned.defer(() => rm(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }));
  const storage = await mkdtemp(join(options.storage ?? root, 'modelcars-registry-'));
  owned.defer(() => rm(storage, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }));
  const registry: RunningRegistry = options.huge
    ? await startSink()
    : await startBenchRegistry(options.registry, storage);
  owned.defer(async () => await registry.stop());
  const proxy = options.count ? await startProxy(registry.host) : undefined;
  owned.defer(async () => await proxy?.stop());
  const host = proxy?.host ?? registry.host;
  const base = await pushBase(host, 'v1');
  const job: Job = {
    models: options.models.map((model) => ({ ...model, repository: `${host}/bench/${model.name}` })),
    base,
    registry: host,
    ...(options.hub !== undefined && { hub: options.hub }),
    folder: join(root, 'own'),
    changed: false,
  };
  const measuring: MeasureOptions = {
    env: environment(job),
    cwd: job.folder,
    logFile: join(root, 'log'),
    registry: registry.pid,
    signal: options.signal,
  };
  await makeFolders(job);
  owned.defer(() => runSteps(peer.clean?.(job) ?? [], { ...measuring, signal: undefined }));
  const all = owned.move();
  let before = 0;
  return {
    job,
    prepare: async () => {
      await runSteps((await peer.prepare?.(job, kind)) ?? [], measuring);
      if (!options.huge) await Promise.all(job.models.flatMap(readAll));
      before = diskOf(job.folder);
    },
    run: async () => {
      const steps = await peer.steps(job, kind);
      // So that no run pays for an earlier run's writes.
      await run('sync', []);
      // As much as the registry will keep, and more because the host goes on reclaiming it.
      if (options.storage !== undefined) await warmMemory(options.storage, 2.5 * options.bytes);
      proxy?.reset();
      const measured = await measure(steps, measuring);
      const traffic = proxy?.traffic();
      if (kind !== 'layout' && !peer.noImage) await checkImages(job, peer);
      return { ...measured, kept: Math.max(0, diskOf(job.folder) - before), ...traffic };
    },
    [Symbol.asyncDispose]: async () => await all.disposeAsync(),
  };
}

/** The folders that `environment` names. */
export async function makeFolders({ folder }: Job): Promise<void> {
  for (const name of ['home', 'tmp', 'run']) await mkdir(join(folder, name), { recursive: true });
}

/** Nothing from the developer's environment: no credentials, no configuration, no caches. */
export function environment({ folder, hub, s3 }: Job): Record<string, string> {
  const home = join(folder, 'home');
  return {
    PATH: process.env.PATH ?? '',
    LANG: 'C.UTF-8',
    NO_COLOR: '1',
    HOME: home,
    TMPDIR: join(folder, 'tmp'),
    XDG_RUNTIME_DIR: join(folder, 'run'),
    MODELCARS_STORE: join(folder, 'store'),
    HF_HOME: join(home, 'huggingface'),
    HF_HUB_DISABLE_TELEMETRY: '1',
    ...(hub !== undefined && { HF_ENDPOINT: hub }),
    ...(s3 && {
      AWS_ENDPOINT_URL: s3.endpoint,
      AWS_ACCESS_KEY_ID: s3.accessKey,
      AWS_SECRET_ACCESS_KEY: s3.secretKey,
      AWS_DEFAULT_REGION: 'us-east-1',
    }),
    // KServe's oci+fetch:// asks for https otherwise.
    KSERVE_OCI_INSECURE_REGISTRY: 'true',
  };
}

/** So that every run finds the files in the page cache. */
export function readAll({ folder, files }: BenchModel): Promise<unknown>[] {
  const copy = ['of=/dev/null', 'bs=1M', 'status=none'];
  return files.map(async (file) => await run('dd', [`if=${join(folder, file)}`, ...copy]));
}

async function checkImages({ models, registry }: Job, peer: Peer): Promise<void> {
  for (const { name } of models) {
    const holes = await holesBehind(registry, `bench/${name}`, 'v1');
    if (holes.length > 0)
      throw new Error(`push ${name} by ${peer.name}: ${holes.join(', ')} not in the registry`);
  }
}
