import * as args from './args/index.ts';
import { defineCommand } from './command.ts';
import { openCatalog } from './run-options.ts';

/**
 * `modelcars split [model..]`: the part of the catalog that each model needs, so that models can be built separately.
 */
export const split = defineCommand({
  name: 'split',
  describe: 'print a catalog, a lock and a list of files for each model alone',
  args: {
    ...args.selection,
    shard: args.shard,
    base: args.overrides.base,
    platforms: args.overrides.platforms,
    mirrors: args.overrides.mirrors,
  },
  examples: [['split', 'what the Dagger module builds each model from (JSON)']],
  async run({ args, io }) {
    const { catalog, models } = await openCatalog(args, io);
    const [{ readLock }, { splitCatalog }] = await Promise.all([
      import('../catalog/lockfile.ts'),
      import('../catalog/split.ts'),
    ]);
    const parts = await splitCatalog(catalog, models, await readLock(catalog.lockFile));
    io.printJson('split', { ok: true, models: parts });
    return 0;
  },
});
