import { join } from 'node:path';
import { ModelcarsError } from '../errors.ts';
import { ownOptions, type SmokeWishes } from '../kserve/cluster.ts';
import { openOwnCluster } from '../kserve/owncluster.ts';
import { Store } from '../store/store.ts';
import type { Progress } from '../terminal/progress.ts';

/**
 * Makes a kind cluster with KServe, or takes up the one that is there, and leaves it standing. Returns its kubeconfig as text. Fails as
 * `smokeModels` does; then, and when the signal aborts, what was made is deleted first.
 */
export async function makeCluster({
  wishes,
  store,
  signal,
  progress,
}: {
  wishes: SmokeWishes;
  store?: string;
  signal: AbortSignal;
  progress: Progress;
}): Promise<string> {
  const { folder } = await Store.open(store);
  const task = progress.task(`cluster ${wishes.clusterName}`);
  try {
    await using cluster = await openOwnCluster(
      ownOptions({
        ...wishes,
        keepCluster: true,
        folder: join(folder, 'smoke'),
        signal,
        say: (line) => task.note(line),
        warn: (line) => progress.warn(line),
      }),
    );
    const kubeconfig = await cluster.kind.kubeconfig();
    task.done('ready');
    return kubeconfig;
  } catch (error) {
    task.fail(error instanceof ModelcarsError ? (error.message.split('\n')[0] ?? '') : 'stopped');
    throw error;
  }
}
