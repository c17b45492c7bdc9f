import type { Command } from './command.ts';
import { openCatalog } from './run-options.ts';

/** `modelcars split [model..]`: what each model needs of the catalog, so that each can be built apart from the others. */
export const split: Command = {
  name: 'split',
  positional: {
    spec: '[model..]',
    key: 'model',
    describe: 'names from the catalog; all when none is given',
  },
  describe: 'print a catalog, a lock and a list of files for each model alone',
  options: ['file', 'only', 'shard', 'base', 'platform', 'mirror'],
  examples: [['split', 'what the Dagger module builds each model from (JSON)']],
  async run(flags, context) {
    const { catalog, models } = await openCatalog(flags, context);
    const [{ readLock }, { splitCatalog }] = await Promise.all([
      import('../catalog/lockfile.ts'),
      import('../catalog/split.ts'),
    ]);
    context.printJson({ models: await splitCatalog(catalog, models, await readLock(catalog.lockFile)) });
    return 0;
  },
};
