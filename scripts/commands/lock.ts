import { displayPath } from '../text/paths.ts';
import { oneLine } from '../text/width.ts';
import * as args from './args/index.ts';
import { defineCommand } from './command.ts';
import { changeLines } from './output/lock-changes.ts';
import { outcomeColumns, report } from './output/report.ts';
import { openRun } from './run-options.ts';

/** Exit code of --exit-code when the lock changed; 1 and 2 mean failures. */
const changed = 3;
const wouldBe = {
  created: 'would be created',
  changed: 'would change',
  unchanged: 'would stay as it is',
};

/** `modelcars lock [model..]`: resolves sources and bases and writes the catalog's lock. */
export const lock = defineCommand({
  name: 'lock',
  describe: 'resolve sources and bases, write the lock (models.lock.yaml)',
  args: {
    ...args.selection,
    base: args.overrides.base,
    platforms: args.overrides.platforms,
    compression: args.overrides.compression,
    mirrors: args.overrides.mirrors,
    layers: args.layers,
    frozen: args.frozen,
    ...args.access,
    dryRun: args.dryRun,
    exitCode: args.exitCode,
    ...args.reporting,
  },
  examples: [
    ['lock', 'pin every model to what its source holds now'],
    ['lock llama', 'move one model on, leave the others'],
    ['lock --layers', 'read every model once, so that other machines push without reading it'],
    ['lock --frozen', 'fail when the lock is not up to date with the catalog and the local files'],
    ['lock --dry-run --exit-code', 'what would change; exit code 3 when something would'],
  ],
  async run({ args, io }) {
    // CI=true freezes builds. Running `lock` in CI is deliberate, so only --frozen freezes it.
    const options = {
      ...(await openRun(args, io)),
      frozen: args.frozen ?? false,
      layers: args.layers,
    };
    const { lockModels } = await import('../pipeline/lock.ts');
    const { outcomes, change, changes } = await lockModels(options);
    const { name, size, digest } = outcomeColumns;
    const code = report('lock', outcomes, [name, size, digest], args, io, {
      lockFile: options.catalog.lockFile,
      change,
      changes,
    });
    if (!args.json) {
      for (const line of changeLines(changes)) io.print(oneLine(io.masker.mask(line)));
      const what =
        code === 1 ? 'not written, because a model failed' : args.dryRun ? wouldBe[change] : change;
      io.note(`${displayPath(options.catalog.lockFile)}: ${what}`);
    }
    return code === 0 && args.exitCode && change !== 'unchanged' ? changed : code;
  },
});
