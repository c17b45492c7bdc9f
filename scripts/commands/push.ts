import * as args from './args/index.ts';
import { defineCommand } from './command.ts';
import { limitMemory } from './max-memory.ts';
import { report } from './output/report.ts';
import { pushColumns, readSigning, signingArgs } from './push-signing.ts';
import { runPushVerified } from './push-verified.ts';
import { openRun } from './run-options.ts';

/** `modelcars push [model..]`: images straight from their sources into a registry, then their tags. */
export const push = defineCommand({
  name: 'push',
  describe: 'push images and their tags to a registry',
  args: {
    ...args.selection,
    shard: args.shard,
    ...args.overrides,
    floatingTags: args.floatingTags,
    frozen: args.frozen,
    ...args.access,
    maxMemory: args.maxMemory,
    keep: args.keep,
    createRepository: args.createRepository,
    dryRun: args.dryRun,
    unsafeFiles: args.unsafeFiles,
    ...signingArgs,
    smoke: args.smoke,
    scan: args.scan,
    ...args.scanning,
    output: args.output,
    ...args.smoking,
    ...args.reporting,
  },
  examples: [
    ['push --registry quay.io/me --version v1.2.0', 'every model, tagged v1.2.0, v1.2, v1 and latest'],
    ['push --registry quay.io/me --smoke', 'only models that return the correct prediction in KServe'],
    ['push --registry quay.io/me --sign --key cosign.key', 'signed before the tags are set'],
    ['push iris --dry-run', 'what would be sent and which tags would move'],
  ],
  async run({ args, io }) {
    await limitMemory(args.maxMemory, 'images');
    if (args.smoke) return runPushVerified('push', args, io);
    const options = await openRun(args, io);
    const { pushModels } = await import('../pipeline/push.ts');
    const outcomes = await pushModels({
      ...options,
      ...readSigning(args),
      createRepository: args.createRepository,
    });
    return report('push', outcomes, pushColumns(args, options), args, io, {});
  },
});
