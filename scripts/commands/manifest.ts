import { defined, optionSets } from './args/build.ts';
import type { Command } from './command.ts';
import { openRun } from './run-options.ts';

/** `modelcars manifest [model..]`: the InferenceService of a model, its image pinned by digest. */
export const manifest: Command = {
  name: 'manifest',
  positional: {
    spec: '[model..]',
    key: 'model',
    describe: 'names from the catalog; all when none is given',
  },
  describe: 'print the InferenceService of a model, pinned by digest',
  options: [
    ...optionSets.models,
    ...optionSets.overrides,
    'output',
    'remote',
    'namespace',
    'pull-secret',
    'with-runtime',
    'server-image',
    'frozen',
    'no-frozen',
    ...optionSets.access,
    ...optionSets.output,
  ],
  examples: [
    ['manifest iris --registry quay.io/me | kubectl apply -f -', 'serve a pushed model'],
    [
      'manifest --remote --namespace models --pull-secret quay',
      'what the registry holds, from a private one',
    ],
    ['manifest iris --with-runtime', 'with its ServingRuntime, for a cluster that lacks it'],
  ],
  async run(flags, context) {
    const options = await openRun(flags, context);
    const { manifestModels } = await import('../pipeline/manifest.ts');
    const { toYaml } = await import('../kserve/manifests/yaml.ts');
    const { namespace, pullSecrets, withRuntime, serverImage } = flags.kserve;
    const manifests = await manifestModels({
      ...options,
      from: flags.remote ? { registry: true } : { layout: flags.output },
      pullSecrets,
      withRuntime,
      ...defined({ namespace, serverImage }),
    });
    context.progress.stop();
    if (flags.json) context.printJson({ command: 'manifest', models: manifests });
    else context.print(toYaml(manifests.flatMap(({ objects }) => objects)).trimEnd());
    return 0;
  },
};
