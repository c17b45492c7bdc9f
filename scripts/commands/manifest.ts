import * as args from './args/index.ts';
import { defined } from './args/values.ts';
import { defineCommand } from './command.ts';
import { openRun } from './run-options.ts';

/** `modelcars manifest [model..]`: the InferenceService of a model, with its image pinned by digest. */
export const manifest = defineCommand({
  name: 'manifest',
  describe: 'print the InferenceService of a model, pinned by digest',
  args: {
    ...args.selection,
    ...args.overrides,
    output: args.output,
    remote: args.remote,
    signed: args.signed,
    namespace: args.namespace,
    pullSecrets: args.pullSecrets,
    withRuntime: args.withRuntime,
    serverImage: args.serverImage,
    frozen: args.frozen,
    ...args.access,
    ...args.reporting,
  },
  examples: [
    ['manifest iris --registry quay.io/me | kubectl apply -f -', 'serve a pushed model'],
    [
      'manifest --remote --namespace models --pull-secret quay',
      'what the registry holds, from a private one',
    ],
    ['manifest iris --with-runtime', 'with its ServingRuntime, for a cluster that lacks it'],
  ],
  async run({ args, io }) {
    const options = await openRun(args, io);
    const { manifestModels } = await import('../pipeline/manifest.ts');
    const { toYaml } = await import('../kserve/manifests/yaml.ts');
    const { namespace, pullSecrets, withRuntime, serverImage } = args;
    const manifests = await manifestModels({
      ...options,
      from: args.remote ? { registry: true } : { layout: args.output },
      pullSecrets,
      withRuntime,
      ...defined({ namespace, serverImage }),
    });
    io.progress.stop();
    if (args.json) io.printJson('manifest', { ok: true, models: manifests });
    else io.print(toYaml(manifests.flatMap(({ objects }) => objects)).trimEnd());
    return 0;
  },
});
