import { displayPath } from '../text/paths.ts';
import { oneLine } from '../text/width.ts';
import * as args from './args/index.ts';
import { usage } from './args/option.ts';
import { defineCommand } from './command.ts';
import { changeLines, resultLine } from './output/lock-changes.ts';
import { outcomeColumns, report } from './output/report.ts';
import { openRun } from './run-options.ts';

/** Exit code of --exit-code when the lock changed; 1 and 2 mean failures. */
const changed = 3;

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
    upgrade: args.upgrade,
    layers: args.layers,
    frozen: args.frozen,
    ...args.access,
    dryRun: args.dryRun,
    exitCode: args.exitCode,
    ...args.reporting,
  },
  examples: [
    ['lock', 'pin what the lock lacks or models.yaml changed; all else stays'],
    ['lock --upgrade llama', 'move one model to the newest revision'],
    ['lock --layers', 'read every model once, so that other machines push without reading it'],
    ['lock --frozen', 'fail when the lock is not up to date with the catalog and the local files'],
    ['lock --upgrade --dry-run --exit-code', 'what would move; exit code 3 when something would'],
  ],
  async run({ args, io }) {
    if (args.upgrade && args.frozen === true)
      throw usage(
        '--upgrade and --frozen exclude each other: a frozen lock does not move',
        'use `lock --upgrade --dry-run --exit-code` or `outdated --exit-code` to check',
      );
    // CI=true freezes builds. Running `lock` in CI is deliberate, so only --frozen freezes it.
    const options = {
      ...(await openRun(args, io)),
      frozen: args.frozen ?? false,
      layers: args.layers,
      upgrade: args.upgrade,
    };
    const { lockModels } = await import('../pipeline/lock.ts');
    const locking = await lockModels(options);
    const { outcomes, change, changes } = locking;
    const { name, size, digest } = outcomeColumns;
    const code = report('lock', outcomes, [name, size, digest], args, io, {
      lockFile: options.catalog.lockFile,
      change,
      changes,
    });
    if (!args.json) {
      for (const line of changeLines(changes)) io.print(oneLine(io.masker.mask(line)));
      io.note(`${displayPath(options.catalog.lockFile)}: ${resultLine(locking, args.dryRun)}`);
    }
    return code === 0 && args.exitCode && change !== 'unchanged' ? changed : code;
  },
});
