import { optionSets } from './args/build.ts';
import type { Command } from './command.ts';
import { outcomeColumns, report } from './output/report.ts';
import { openRun } from './run-options.ts';

/** `modelcars bases [model..]`: fetches base images into the store, so that a build needs no registry. */
export const bases: Command = {
  name: 'bases',
  positional: {
    spec: '[model..]',
    key: 'model',
    describe: 'names from the catalog; all when none is given',
  },
  describe: 'fetch the base images of models into the store',
  options: [
    ...optionSets.models,
    'base',
    'platform',
    'mirror',
    'frozen',
    'no-frozen',
    ...optionSets.access,
    ...optionSets.output,
  ],
  examples: [['bases', 'what later builds need of registries']],
  async run(flags, context) {
    const options = await openRun(flags, context);
    const { fetchBases } = await import('../pipeline/bases.ts');
    const outcomes = await fetchBases(options);
    const { name, size, platforms } = outcomeColumns;
    return report('bases', outcomes, [name, size, platforms], flags, context);
  },
};
