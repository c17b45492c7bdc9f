import * as args from './args/index.ts';
import { defineCommand } from './command.ts';
import { reportOutdated } from './output/outdated-report.ts';
import { openRun } from './run-options.ts';

/** Exit code of --exit-code when a model is outdated or not locked; 1 and 2 mean failures. */
const outdatedCode = 3;

/** `modelcars outdated [model..]`: compares the lock with the newest revisions; writes nothing. */
export const outdated = defineCommand({
  name: 'outdated',
  describe: 'compare the lock with the newest revisions of sources and bases',
  args: {
    ...args.selection,
    base: args.overrides.base,
    platforms: args.overrides.platforms,
    mirrors: args.overrides.mirrors,
    ...args.access,
    exitCode: args.exitCode,
    ...args.reporting,
  },
  examples: [
    ['outdated', 'what `lock --upgrade` would move'],
    ['outdated llama --json', 'the files of one model, for a script'],
    ['outdated --exit-code', 'for CI: 3 when a model is outdated'],
  ],
  async run({ args, io }) {
    const options = await openRun(args, io);
    const { compareWithNewest } = await import('../pipeline/outdated.ts');
    const compared = await compareWithNewest(options);
    const code = reportOutdated(compared, options.catalog, args, io);
    const current = compared.every(({ status }) => status === 'up to date');
    return code === 0 && args.exitCode && !current ? outdatedCode : code;
  },
});
