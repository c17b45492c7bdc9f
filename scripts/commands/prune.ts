import type { Pruned } from '../store/prune.ts';
import { formatTable } from '../terminal/table.ts';
import { formatBytes } from '../text/bytes.ts';
import * as args from './args/index.ts';
import { type ArgValues, usage } from './args/option.ts';
import { defined } from './args/values.ts';
import { type CommandIO, defineCommand } from './command.ts';

const day = 24 * 3600 * 1000;
const units: Record<string, number> = { m: 60_000, h: 3_600_000, d: day, w: 7 * day };

/** `modelcars prune`: frees space in the store. */
export const prune = defineCommand({
  name: 'prune',
  describe: 'remove entries from the store that have not been used for long',
  args: { ...args.pruning, store: args.store, dryRun: args.dryRun, json: args.json },
  examples: [
    ['prune --older-than 7d', 'entries that were not used for a week'],
    ['prune --max-size 200GB --dry-run', 'what would be removed to shrink it to 200 GB'],
  ],
  async run({ args, io }) {
    const { prune: pruneStore } = await import('../store/prune.ts');
    const { storeFolder } = await import('../store/folder.ts');
    const folder = args.store ?? storeFolder();
    const result = await pruneStore(folder, { ...(await limits(args)), dryRun: args.dryRun });
    if (args.json) {
      io.printJson('prune', { ok: true, dryRun: args.dryRun, store: folder, ...result });
      return 0;
    }
    print(result, args.dryRun, io);
    return 0;
  },
});

async function limits({ olderThan, maxSize, all }: ArgValues<typeof args.pruning>) {
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

function print({ removed, freed, left, inUse }: Pruned, dryRun: boolean, io: CommandIO): void {
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
  const { print, note, width, colors } = io;
  if (rows.length > 0) print(formatTable(columns, rows, { width, title: colors.bold }));
  if (inUse > 0) note(`${inUse} ${inUse === 1 ? 'entry' : 'entries'} kept: in use`);
  note(
    `${formatBytes(freed)} ${dryRun ? 'would be freed' : 'freed'}, ${formatBytes(left)} ${dryRun ? 'would be left' : 'left'}`,
  );
}
