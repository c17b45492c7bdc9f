import type { Pruned } from '../store/prune.ts';
import { formatTable } from '../terminal/table.ts';
import { formatBytes } from '../text/bytes.ts';
import { defined, type Flags, usage } from './args/build.ts';
import type { Command, Context } from './command.ts';

const day = 24 * 3600 * 1000;
const units: Record<string, number> = { m: 60_000, h: 3_600_000, d: day, w: 7 * day };

/** `modelcars prune`: makes room in the store. */
export const prune: Command = {
  name: 'prune',
  describe: 'remove from the store what has not been used for long',
  options: ['older-than', 'max-size', 'all', 'store', 'dry-run', 'json'],
  examples: [
    ['prune --older-than 7d', 'what was not used for a week'],
    ['prune --max-size 200GB --dry-run', 'what would go to make it 200 GB'],
  ],
  async run(flags, context) {
    const { prune: pruneStore } = await import('../store/prune.ts');
    const { storeFolder } = await import('../store/folder.ts');
    const folder = flags.store ?? storeFolder();
    const result = await pruneStore(folder, { ...(await limits(flags)), dryRun: flags.dryRun });
    if (flags.json) {
      context.printJson({ command: 'prune', ok: true, dryRun: flags.dryRun, store: folder, ...result });
      return 0;
    }
    print(result, flags.dryRun, context);
    return 0;
  },
};

async function limits({ prune: { olderThan, maxSize, all } }: Flags) {
  const { sizeBytes } = await import('../catalog/fields.ts');
  const bytes = maxSize === undefined ? undefined : maxSize === '0' ? 0 : sizeBytes(maxSize);
  if (maxSize !== undefined && bytes === undefined)
    throw usage('--max-size must be a size', 'for example --max-size 200GB');
  const age = olderThan === undefined && maxSize === undefined && !all ? 30 * day : duration(olderThan);
  return { all, ...defined({ olderThan: age, maxSize: bytes }) };
}

/** `30d` in milliseconds. */
function duration(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const [, count, unit = ''] = /^(\d{1,6})([mhdw])$/.exec(text) ?? [];
  const milliseconds = Number(count) * (units[unit] ?? Number.NaN);
  if (Number.isFinite(milliseconds)) return milliseconds;
  throw usage(
    '--older-than must be a number of minutes, hours, days or weeks',
    'for example --older-than 30d',
  );
}

function print({ removed, freed, left, inUse }: Pruned, dryRun: boolean, context: Context): void {
  const columns = [
    { title: dryRun ? 'WOULD REMOVE' : 'REMOVED' },
    { title: 'NAME', shrinkTo: 14 },
    { title: 'SIZE', align: 'right' as const },
    { title: 'LAST USED' },
  ];
  const rows = removed.map(({ kind, name, size, lastUsed }) => [
    kind,
    name,
    formatBytes(size),
    lastUsed.slice(0, 10),
  ]);
  const { print, tell, width, colors } = context;
  if (rows.length > 0) print(formatTable(columns, rows, { width, title: colors.bold }));
  if (inUse > 0) tell(`${inUse} ${inUse === 1 ? 'entry' : 'entries'} kept: in use`);
  tell(
    `${formatBytes(freed)} ${dryRun ? 'would be freed' : 'freed'}, ${formatBytes(left)} ${dryRun ? 'would be left' : 'left'}`,
  );
}
