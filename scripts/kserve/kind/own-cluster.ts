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
  /** Port of its API server; any free one when absent. */
  apiPort?: number;
  version?: string;
  manifests: readonly string[];
  /** Archives and images for the node. */
  images: readonly string[];
  /** The engine keeps what the nodes run. */
  cacheImages: boolean;
  /** Leave it standing, and take one that was left standing. */
  keep: boolean;
  /** Folder that remembers which clusters are ours. */
  folder: string;
  signal: AbortSignal;
  say(line: string): void;
  warn(line: string): void;
}

/** A kind cluster with KServe. Disposing of it deletes it, unless it is to be kept. */
export interface OwnCluster extends AsyncDisposable {
  api: Api;
  kind: Kind;
}

/** What is remembered of a cluster, from before it is made until it is gone. */
interface Memory {
  /** Of what made it; another wish wants another cluster. */
  wish: string;
  ready: boolean;
  /** Process group of `kind create`, while that runs. */
  group?: number;
}

/**
 * Makes a kind cluster with KServe, or takes up one that --keep-cluster left. What a killed run left is deleted first. Whatever goes wrong,
 * and when the signal aborts, what was made so far is deleted. Fails with code `cluster`.
 */
export async function openOwnCluster(options: OwnClusterOptions): Promise<OwnCluster> {
  const { program, name, keep, folder, signal, say, warn } = options;
  const engine = await findEngine(signal);
  const kind = new Kind(program, name, engine);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const memory = join(folder, `${name}.json`);
  const held = await holdSoon(memory, signal);
  if (held === undefined) {
    throw new ModelcarsError('cluster', `use kind cluster ${name}: another smoke test is at it`, {
      next: 'wait for it, or name another with --cluster-name',
    });
  }
  const leave = async () => {
    await kind.remove();
    await rm(memory, { force: true });
  };
  const close = closer({ kind, keep, held, leave, warn });
  try {
    const wish = wishOf(options);
    if (await kind.exists(signal)) {
      const known = await recall(memory);
      if (known === undefined) {
        throw new ModelcarsError(
          'cluster',
          `make kind cluster ${name}: there is one that modelcars did not make`,
          {
            next: `name another with --cluster-name, or use it: --context kind-${name}`,
          },
        );
      }
      if (keep && known.ready && known.wish === wish) {
        say(`kind cluster ${name} is there`);
        return { kind, api: connect({ text: await kind.kubeconfig() }), [Symbol.asyncDispose]: close };
      }
      warn(
        `kind cluster ${name} was left behind by a run that was killed, or with other settings: deleting it`,
      );
      await endMaker(known, name);
      await leave();
    } else await endMaker(await recall(memory), name);
  } catch (error) {
    await held.release();
    throw error;
  }
  try {
    await remember(memory, { wish: wishOf(options), ready: false });
    const { nodeImage, config, apiPort } = options;
    await kind.create({
      program,
      name,
      signal,
      say,
      onStart: (group) => void remember(memory, { wish: wishOf(options), ready: false, group }),
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
    await remember(memory, { wish: wishOf(options), ready: true });
    return { kind, api, [Symbol.asyncDispose]: close };
  } catch (error) {
    say(`deleting kind cluster ${name}`);
    await leave().catch((left: unknown) => warn(left instanceof Error ? left.message : String(left)));
    await held.release();
    throw error;
  }
}

/** Takes the lock, also of a run that was killed just now: that is free after two seconds. */
async function holdSoon(memory: string, signal: AbortSignal): Promise<LockHandle | undefined> {
  const until = Date.now() + 3000;
  for (;;) {
    const held = await tryLock(memory);
    if (held !== undefined || Date.now() > until) return held;
    stopIfAborted(signal);
    await sleep(300);
  }
}

/** Ends a `kind create` that outlived the run it belonged to; it would go on making what is deleted. */
async function endMaker(known: Memory | undefined, name: string): Promise<void> {
  if (known?.group === undefined) return;
  const command = await commandOf(known.group);
  // The number may be another process's by now.
  if (!command.includes(`create cluster --name ${name} `)) return;
  try {
    process.kill(-known.group, 'SIGKILL');
  } catch {
    // It ended meanwhile.
  }
}

/** The words of a running process; empty when there is none. Linux tells in /proc (a container may have no `ps`), others by `ps`. */
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
    if (parts.keep) parts.warn(`kind cluster ${parts.kind.name} stands: ${parts.kind.removal}`);
    else await parts.leave();
    await parts.held.release();
  };
}

function wishOf({ nodeImage, config, apiPort, version, manifests, images }: OwnClusterOptions): string {
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

async function recall(file: string): Promise<Memory | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Memory;
  } catch {
    return undefined;
  }
}

async function remember(file: string, memory: Memory): Promise<void> {
  await writeFile(file, JSON.stringify(memory), { mode: 0o600 });
}
