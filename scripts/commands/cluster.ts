import * as args from './args/index.ts';
import { defined, pick } from './args/values.ts';
import { defineCommand } from './command.ts';

/** How to create the cluster, and where to write its kubeconfig. */
const asked = { ...args.kindCluster, apiPort: args.apiPort, kubeconfig: args.kubeconfig };

/** `modelcars cluster`: a persistent kind cluster with KServe, created as `smoke` creates its own. */
export const cluster = defineCommand({
  name: 'cluster',
  describe: 'make a kind cluster with KServe, leave it standing, and print or write its kubeconfig',
  args: { ...asked, store: args.store, noProgress: args.noProgress },
  examples: [
    [
      'cluster --kubeconfig own.yaml',
      'for `kubectl --kubeconfig own.yaml` and `smoke --kubeconfig own.yaml`',
    ],
    ['cluster --cluster-name mine --kserve-version v0.16.0', 'another one, with an older KServe'],
  ],
  async run({ args, io }) {
    const { createCluster } = await import('../pipeline/cluster.ts');
    const { progress, signal } = io;
    const { kubeconfig: file, store } = args;
    const wishes = { ...pick(args, asked), keepCluster: false, withRuntime: false, pullSecrets: [] };
    const kubeconfig = await createCluster({ wishes, signal, progress, ...defined({ store }) });
    progress.stop();
    if (file === undefined) io.print(kubeconfig.trimEnd());
    return 0;
  },
});
