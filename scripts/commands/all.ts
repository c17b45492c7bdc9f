import * as args from './args/index.ts';
import { defineCommand } from './command.ts';
import { signingArgs } from './push-signing.ts';
import { runPushVerified } from './push-verified.ts';

/** `modelcars all [model..]`: build, verify, smoke, push. */
export const all = defineCommand({
  name: 'all',
  describe: 'build, verify, smoke, and push models that pass the smoke test',
  args: {
    ...args.selection,
    shard: args.shard,
    ...args.overrides,
    floatingTags: args.floatingTags,
    output: args.output,
    frozen: args.frozen,
    ...args.access,
    keep: args.keep,
    createRepository: args.createRepository,
    scan: args.scan,
    ...args.scanning,
    dryRun: args.dryRun,
    unsafeFiles: args.unsafeFiles,
    ...signingArgs,
    ...args.smoking,
    ...args.reporting,
  },
  examples: [
    ['all --registry quay.io/me --version v1.2.0', 'models that fail the smoke test are not pushed'],
    ['all --local --registry quay.io/me', 'the same without a cluster'],
  ],
  run: ({ args, io }) => runPushVerified('all', args, io),
});
