import { defined } from './args/build.ts';
import { clusterOptions } from './args/kserve.ts';
import type { Command } from './command.ts';

/** `modelcars cluster`: a kind cluster with KServe that stays, as `smoke` makes it. */
export const cluster: Command = {
  name: 'cluster',
  describe: 'make a kind cluster with KServe, leave it standing, and print or write its kubeconfig',
  options: [...clusterOptions, 'api-port', 'kubeconfig', 'store', 'no-progress'],
  examples: [
    [
      'cluster --kubeconfig own.yaml',
      'for `kubectl --kubeconfig own.yaml` and `smoke --kubeconfig own.yaml`',
    ],
    ['cluster --cluster-name mine --kserve-version v0.16.0', 'another one, with an older KServe'],
  ],
  async run({ kserve, store }, context) {
    const { createCluster } = await import('../pipeline/cluster.ts');
    const { progress, signal } = context;
    const kubeconfig = await createCluster({ wishes: kserve, signal, progress, ...defined({ store }) });
    progress.stop();
    if (kserve.kubeconfig === undefined) context.print(kubeconfig.trimEnd());
    return 0;
  },
};
