import * as args from './args/index.ts';
import { usage } from './args/option.ts';
import { defined } from './args/values.ts';
import { defineCommand } from './command.ts';
import { outcomeColumns, report } from './output/report.ts';
import { openRun } from './run-options.ts';

/** `modelcars register [model..]`: versions in a Kubeflow Model Registry, with the images' URIs by digest. */
export const register = defineCommand({
  name: 'register',
  describe: 'register pushed images as versions in a Kubeflow Model Registry',
  args: {
    ...args.selection,
    shard: args.shard,
    registry: args.overrides.registry,
    version: args.overrides.version,
    ...args.modelRegistry,
    signed: args.signed,
    ...args.registryAccess,
    concurrency: args.concurrency,
    dryRun: args.dryRun,
    ...args.reporting,
  },
  examples: [
    ['register --model-registry http://localhost:8080', 'every model, at the version of models.yaml'],
    ['register iris --signed -n', 'what would be registered, if a trusted signer signed it'],
  ],
  async run({ args: values, io }) {
    const { modelRegistry, tokenFile } = values;
    if (modelRegistry === undefined)
      throw usage(
        'no model registry is given',
        'pass --model-registry https://registry.example.com, or set MODELCARS_MODEL_REGISTRY',
      );
    // Images are in registries, where --signed can be checked.
    const options = await openRun({ ...values, remote: true }, io);
    const { registerModels } = await import('../pipeline/register.ts');
    const outcomes = await registerModels({ ...options, modelRegistry, ...defined({ tokenFile }) });
    const { name, digest, size, registered } = outcomeColumns;
    return report('register', outcomes, [name, digest, size, registered], values, io, {});
  },
});
