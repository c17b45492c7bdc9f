import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { ModelcarsError } from '../errors.ts';
import { writeTextAtomically } from '../files/atomic.ts';
import { ownClusterOptions } from '../kserve/in-cluster/choose-cluster.ts';
import type { ClusterSettings } from '../kserve/in-cluster/types.ts';
import { openOwnCluster } from '../kserve/kind/own-cluster.ts';
import { Store } from '../store/store.ts';
import type { Progress } from '../terminal/types.ts';

/**
 * Makes a kind cluster with KServe, or takes up the one that is there, and leaves it standing. Returns its kubeconfig as text, and writes
 * it where the wishes say. Fails as `smokeModels` does; then, and when the signal aborts, what was made is deleted first.
 */
export async function createCluster({
  wishes,
  store,
  signal,
  progress,
}: {
  wishes: ClusterSettings;
  store?: string;
  signal: AbortSignal;
  progress: Progress;
}): Promise<string> {
  const { clusterName, kubeconfig: file } = wishes;
  if (file !== undefined) await makeRoom(file, `kind-${clusterName}`);
  const opened = await Store.open(store);
  opened.requireTrust(`make cluster ${clusterName}`);
  const { folder } = opened;
  const task = progress.task(`cluster ${clusterName}`);
  try {
    await using cluster = await openOwnCluster(
      ownClusterOptions({
        ...wishes,
        keepCluster: true,
        folder: join(folder, 'smoke'),
        signal,
        say: (line) => task.note(line),
        warn: (line) => progress.warn(line),
      }),
    );
    const kubeconfig = await cluster.kind.kubeconfig();
    if (file !== undefined) await writeTextAtomically(file, kubeconfig, 0o600);
    task.done('ready');
    return kubeconfig;
  } catch (error) {
    task.fail(error instanceof ModelcarsError ? (error.message.split('\n')[0] ?? '') : 'stopped');
    throw error;
  }
}

/**
 * Takes a kubeconfig away that this cluster had before, which would be taken for the new one's. Fails with code `usage` when the file
 * is anything else: it may be the one with all of the user's clusters.
 */
export async function makeRoom(file: string, context: string): Promise<void> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  if (text === '') return;
  let contexts: { name?: string }[] | undefined;
  try {
    contexts = parse(text)?.contexts;
  } catch {
    // Not even YAML.
  }
  if (!Array.isArray(contexts) || contexts.some((one) => one.name !== context)) {
    throw new ModelcarsError(
      'usage',
      `write --kubeconfig ${file}: it holds more than the cluster ${context}`,
      {
        next: 'name a file of its own, and use both: KUBECONFIG=FILE:~/.kube/config',
      },
    );
  }
  await rm(file);
}
