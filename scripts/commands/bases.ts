import * as args from './args/index.ts';
import { defineCommand } from './command.ts';
import { outcomeColumns, report } from './output/report.ts';
import { openRun } from './run-options.ts';

/** `modelcars bases [model..]`: fetches base images into the store, so that a build needs no registry. */
export const bases = defineCommand({
  name: 'bases',
  describe: 'fetch the base images of models into the store',
  args: {
    ...args.selection,
    base: args.overrides.base,
    platforms: args.overrides.platforms,
    mirrors: args.overrides.mirrors,
    frozen: args.frozen,
    ...args.access,
    ...args.reporting,
  },
  examples: [['bases', 'everything that later builds need from registries']],
  async run({ args, io }) {
    const options = await openRun(args, io);
    const { fetchBases } = await import('../pipeline/bases.ts');
    const outcomes = await fetchBases(options);
    const { name, size, platforms } = outcomeColumns;
    return report('bases', outcomes, [name, size, platforms], args, io, {});
  },
});
