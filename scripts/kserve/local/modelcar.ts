import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pod } from './pod.ts';

/** The fields of an image's config that decide which process runs. */
export interface ImageProcess {
  env: string[];
  entrypoint: string[];
}

/** How one of the image's containers ended. */
export interface ModelcarEnd {
  code: number | null;
  /** Its last lines of output. */
  lines: string[];
}

/** KServe pkg/utils/storage.go, CreateModelcarInitContainer: the check of the image before the pod starts. */
export const check =
  "echo 'Pre-fetching modelcar: ' && [ -d /models ] && [ \"$(ls -A /models)\" ] && echo 'OK ... Prefetched and valid (/models exists)' || " +
  "(echo 'NOK ... Prefetched but modelcar is invalid (/models does not exist or is empty)' && exit 1)";
/** The same file, CreateModelcarContainer: how the sidecar links its files for the server. */
export const showModels = 'ln -sf /proc/$$/root/models /mnt/models && sleep infinity';
/** Milliseconds for the link to appear. */
const patience = 15_000;
/** Number of last lines kept of a container's output. */
const keptLines = 100;
/** PATH when the image's config sets none: the container engines' default. */
const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Runs KServe's init container to its end. */
export async function prefetch(pod: Pod, image: ImageProcess): Promise<ModelcarEnd> {
  const { ended } = follow(pod.inImage(command(image, check)));
  return await ended;
}

/**
 * Starts KServe's sidecar, which keeps running and creates the link `models` in the pod's shared folder. Returns the
 * link's path, or how the sidecar ended without creating it.
 */
export async function linkModels(
  pod: Pod,
  image: ImageProcess,
  shared: string,
  signal: AbortSignal,
): Promise<string | ModelcarEnd> {
  const { ended, lines } = follow(pod.inImage(command(image, showModels)));
  let end: ModelcarEnd | undefined;
  void ended.then((result) => {
    end = result;
  });
  const link = join(shared, 'models');
  for (const until = Date.now() + patience; Date.now() < until; ) {
    const made = await lstat(link).catch(() => undefined);
    if (end !== undefined) return end;
    if (made?.isSymbolicLink()) return link;
    await sleep(20, undefined, { signal });
  }
  return { code: null, lines };
}

/** KServe sets arguments only, so the image's entrypoint comes before them. */
function command(
  { env, entrypoint }: ImageProcess,
  script: string,
): { argv: [string, ...string[]]; env: Record<string, string> } {
  const [first, ...rest] = [...entrypoint, 'sh', '-c', script];
  const own = env.map((entry): [string, string] => {
    const at = entry.indexOf('=');
    return at === -1 ? [entry, ''] : [entry.slice(0, at), entry.slice(at + 1)];
  });
  return { argv: [first ?? 'sh', ...rest], env: { PATH: defaultPath, ...Object.fromEntries(own) } };
}

function follow(child: ChildProcess): { ended: Promise<ModelcarEnd>; lines: string[] } {
  const lines: string[] = [];
  for (const input of [child.stdout, child.stderr]) {
    if (input === null) continue;
    // A line may arrive in several chunks: nsenter writes its error in three.
    createInterface({ input }).on('line', (line) => {
      if (line.trim() === '') return;
      lines.push(line);
      if (lines.length > keptLines) lines.shift();
    });
  }
  const ended = once(child, 'close').then(([code]: unknown[]) => ({ code: code as number | null, lines }));
  return { ended, lines };
}
