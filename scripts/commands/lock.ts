import { displayPath } from '../text/paths.ts';
import { oneLine } from '../text/width.ts';
import { optionSets } from './args/build.ts';
import type { Command } from './command.ts';
import { changeLines } from './output/lock-changes.ts';
import { outcomeColumns, report } from './output/report.ts';
import { openRun } from './run-options.ts';

/** Exit code of --exit-code for a lock that changed; 1 and 2 mean failures. */
const changed = 3;
const wouldBe = {
  created: 'would be created',
  changed: 'would change',
  unchanged: 'would stay as it is',
};

/** `modelcars lock [model..]`: resolves sources and bases and writes the catalog's lock. */
export const lock: Command = {
  name: 'lock',
  positional: {
    spec: '[model..]',
    key: 'model',
    describe: 'names from the catalog; all when none is given',
  },
  describe: 'resolve sources and bases, write the lock (models.lock.yaml)',
  options: [
    ...optionSets.models,
    'base',
    'platform',
    'compression',
    'mirror',
    'layers',
    'frozen',
    'no-frozen',
    ...optionSets.access,
    'dry-run',
    'exit-code',
    ...optionSets.output,
  ],
  examples: [
    ['lock', 'pin every model to what its source holds now'],
    ['lock llama', 'move one model on, leave the others'],
    ['lock --layers', 'read every model once, so that other machines push without reading it'],
    ['lock --frozen', 'fail when the lock is not up to date with the catalog and the local files'],
    ['lock --dry-run --exit-code', 'what would change; exit code 3 when something would'],
  ],
  async run(flags, context) {
    // CI=true freezes builds; who asks for `lock` there means it, so only --frozen itself does here.
    const options = {
      ...(await openRun(flags, context)),
      frozen: flags.frozen ?? false,
      layers: flags.layers,
    };
    const { lockModels } = await import('../pipeline/lock.ts');
    const { outcomes, change, changes } = await lockModels(options);
    const { name, size, digest } = outcomeColumns;
    const code = report('lock', outcomes, [name, size, digest], flags, context, {
      lockFile: options.catalog.lockFile,
      change,
      changes,
    });
    if (!flags.json) {
      for (const line of changeLines(changes)) context.print(oneLine(context.masker.mask(line)));
      const what =
        code === 1 ? 'not written, because a model failed' : flags.dryRun ? wouldBe[change] : change;
      context.tell(`${displayPath(options.catalog.lockFile)}: ${what}`);
    }
    return code === 0 && flags.exitCode && change !== 'unchanged' ? changed : code;
  },
};
