import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { ModelcarsError } from '../errors.ts';
import { writeTextAtomically } from '../files/atomic.ts';
import { ownClusterOptions } from '../kserve/in-cluster/choose-cluster.ts';
import { openOwnCluster } from '../kserve/kind/own-cluster.ts';
import type { ClusterSettings } from '../kserve/types.ts';
import { Store } from '../store/store.ts';
import type { Progress } from '../terminal/types.ts';

/**
 * Creates a kind cluster with KServe, or reuses an existing one, and leaves it running. Returns its kubeconfig as text,
 * and writes it to `kubeconfig` of the settings. Fails as `smokeModels` does; then, and when the signal aborts,
 * everything created is deleted first.
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
  opened.requireTrust(`create cluster ${clusterName}`);
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
 * Deletes a kubeconfig of an earlier cluster of this name, which would be mistaken for the new one's. Fails with code
 * `usage` when the file has any other content: it may be the one with all of the user's clusters.
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
    // Not YAML: refused below.
  }
  if (!Array.isArray(contexts) || contexts.some((one) => one.name !== context)) {
    throw new ModelcarsError('usage', `write --kubeconfig ${file}: it holds more than cluster ${context}`, {
      next: 'pass a separate file, and use both: KUBECONFIG=FILE:~/.kube/config',
    });
  }
  await rm(file);
}
