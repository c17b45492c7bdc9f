import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ModelcarsError, stopIfAborted } from '../../errors.ts';
import { type LockHandle, tryLock } from '../../store/file-lock.ts';
import type { Api } from '../cluster/api.ts';
import { connect } from '../cluster/connect.ts';
import { defaultVersion, installKserve } from '../cluster/install.ts';
import { run } from '../run-program.ts';
import { bringCached } from './image-cache.ts';
import { findEngine, Kind } from './kind.ts';

export interface OwnClusterOptions {
  /** The kind program. */
  program: string;
  name: string;
  nodeImage?: string;
  config?: string;
  /** Port of its API server; any free one by default. */
  apiPort?: number;
  version?: string;
  manifests: readonly string[];
  /** Archives and images to load into the nodes. */
  images: readonly string[];
  /** Keep the images that the nodes run in the engine. */
  cacheImages: boolean;
  /** Leave the cluster running afterwards, and reuse one that was left running. */
  keep: boolean;
  /** Folder with a record of each cluster that modelcars created. */
  folder: string;
  signal: AbortSignal;
  say(line: string): void;
  warn(line: string): void;
}

/** A kind cluster with KServe. Disposing of it deletes it, unless `keep` is set. */
export interface OwnCluster extends AsyncDisposable {
  api: Api;
  kind: Kind;
}

/** The record of a cluster, kept from before its creation until its deletion. */
interface ClusterRecord {
  /** Hash of its settings; different settings recreate the cluster. */
  settings: string;
  ready: boolean;
  /** Process group of `kind create` while it runs. */
  group?: number;
}

/**
 * Creates a kind cluster with KServe, or reuses one left by --keep-cluster. Leftovers of a killed run are deleted
 * first. On failure, and when the signal aborts, everything created so far is deleted. Fails with code `cluster`.
 */
export async function openOwnCluster(options: OwnClusterOptions): Promise<OwnCluster> {
  const { program, name, keep, folder, signal, say, warn } = options;
  const engine = await findEngine(signal);
  const kind = new Kind(program, name, engine);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const recordFile = join(folder, `${name}.json`);
  const held = await lockSoon(recordFile, signal);
  if (held === undefined) {
    throw new ModelcarsError('cluster', `use kind cluster ${name}: another smoke test is using it`, {
      next: 'wait for it, or pass another name with --cluster-name',
    });
  }
  const leave = async () => {
    await kind.remove();
    await rm(recordFile, { force: true });
  };
  const close = closer({ kind, keep, held, leave, warn });
  try {
    const settings = settingsHash(options);
    if (await kind.exists(signal)) {
      const known = await readRecord(recordFile);
      if (known === undefined) {
        throw new ModelcarsError(
          'cluster',
          `create kind cluster ${name}: one of that name exists that modelcars did not create`,
          {
            next: `pass another name with --cluster-name, or use that cluster: --context kind-${name}`,
          },
        );
      }
      if (keep && known.ready && known.settings === settings) {
        say(`reusing kind cluster ${name}`);
        return { kind, api: connect({ text: await kind.kubeconfig() }), [Symbol.asyncDispose]: close };
      }
      warn(`kind cluster ${name} was left behind by a killed run, or has other settings: deleting it`);
      await endCreation(known, name);
      await leave();
    } else await endCreation(await readRecord(recordFile), name);
  } catch (error) {
    await held.release();
    throw error;
  }
  try {
    await writeRecord(recordFile, { settings: settingsHash(options), ready: false });
    const { nodeImage, config, apiPort } = options;
    await kind.create({
      program,
      name,
      signal,
      say,
      onStart: (group) =>
        void writeRecord(recordFile, { settings: settingsHash(options), ready: false, group }),
      ...(nodeImage !== undefined && { image: nodeImage }),
      ...(config !== undefined && { config }),
      ...(apiPort !== undefined && { apiPort }),
    });
    for (const image of options.images) {
      say(`loading ${image}`);
      await kind.load(image, signal);
    }
    const api = connect({ text: await kind.kubeconfig() });
    const version = options.version ?? defaultVersion;
    await installKserve(api, {
      version,
      manifests: options.manifests,
      signal,
      say,
      ...(options.cacheImages && { onImages: (images) => bringCached(kind, images, { signal, say, warn }) }),
    });
    await writeRecord(recordFile, { settings: settingsHash(options), ready: true });
    return { kind, api, [Symbol.asyncDispose]: close };
  } catch (error) {
    say(`deleting kind cluster ${name}`);
    await leave().catch((left: unknown) => warn(left instanceof Error ? left.message : String(left)));
    await held.release();
    throw error;
  }
}

/** Takes the lock. The lock of a run killed just now is free after two seconds, so this waits three. */
async function lockSoon(recordFile: string, signal: AbortSignal): Promise<LockHandle | undefined> {
  const until = Date.now() + 3000;
  for (;;) {
    const held = await tryLock(recordFile);
    if (held !== undefined || Date.now() > until) return held;
    stopIfAborted(signal);
    await sleep(300);
  }
}

/** Kills a `kind create` that outlived its run and would recreate the cluster deleted here. */
async function endCreation(known: ClusterRecord | undefined, name: string): Promise<void> {
  if (known?.group === undefined) return;
  const command = await commandOf(known.group);
  // The id may belong to another process by now.
  if (!command.includes(`create cluster --name ${name} `)) return;
  try {
    process.kill(-known.group, 'SIGKILL');
  } catch {
    // It has exited meanwhile.
  }
}

/**
 * The command line of a process; empty when it is not running. Read from /proc on Linux, where a container may lack
 * `ps`.
 */
async function commandOf(pid: number): Promise<string> {
  if (process.platform === 'linux') {
    const words = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    return words.replaceAll('\0', ' ');
  }
  const { stdout } = await run('ps', ['-o', 'command=', '-p', String(pid)], { mayFail: true }).catch(() => ({
    stdout: '',
  }));
  return stdout;
}

function closer(parts: {
  kind: Kind;
  keep: boolean;
  held: LockHandle;
  leave(): Promise<void>;
  warn(line: string): void;
}): () => Promise<void> {
  return async () => {
    if (parts.keep)
      parts.warn(`kind cluster ${parts.kind.name} keeps running; to delete it: ${parts.kind.removal}`);
    else await parts.leave();
    await parts.held.release();
  };
}

function settingsHash({ nodeImage, config, apiPort, version, manifests, images }: OwnClusterOptions): string {
  const all = JSON.stringify({
    nodeImage,
    config,
    apiPort,
    version: version ?? defaultVersion,
    manifests,
    images,
  });
  return createHash('sha256').update(all).digest('hex');
}

async function readRecord(file: string): Promise<ClusterRecord | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as ClusterRecord;
  } catch {
    return undefined;
  }
}

async function writeRecord(file: string, record: ClusterRecord): Promise<void> {
  await writeFile(file, JSON.stringify(record), { mode: 0o600 });
}
