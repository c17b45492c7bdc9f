import type { ListedModel } from '../pipeline/list.ts';
import { formatTable } from '../terminal/table.ts';
import { formatBytes } from '../text/bytes.ts';
import * as args from './args/index.ts';
import { usage } from './args/option.ts';
import { type CommandIO, defineCommand } from './command.ts';
import { matrixOf } from './output/matrix.ts';
import { openCatalog, runOptions } from './run-options.ts';

/** `modelcars list [model..]`: the catalog's models, compared with the lock; sends no request to a hub or registry. */
export const list = defineCommand({
  name: 'list',
  describe: 'show the models and whether the lock has them',
  args: {
    ...args.selection,
    shard: args.shard,
    ...args.overrides,
    store: args.store,
    matrix: args.matrix,
    json: args.json,
  },
  examples: [
    ['list --only framework=sklearn', 'some of them'],
    ['list --json', 'with every field, for a script'],
    ['list --matrix github', 'one job per model, for a matrix of GitHub Actions'],
    ['list --shard 2/4', 'what the second of four machines has to do'],
  ],
  async run({ args, io }) {
    if (args.matrix !== undefined && args.shard !== undefined)
      throw usage('--matrix and --shard exclude each other: either is a way to fan out');
    const { catalog, models } = await openCatalog(args, io);
    if (args.matrix !== undefined) {
      const { readLock } = await import('../catalog/lockfile.ts');
      io.print(io.masker.mask(matrixOf(args.matrix, models, await readLock(catalog.lockFile))));
      return 0;
    }
    const { listModels } = await import('../pipeline/list.ts');
    const { lockCommand } = await import('../catalog/lock-path.ts');
    const listed: ListedModel[] = await listModels({ ...runOptions(args, io), catalog, models });
    const { file, lockFile } = catalog;
    if (args.json) io.printJson('list', { ok: true, file, lockFile, models: listed });
    else if (listed.length > 0) printModels(listed, lockCommand(catalog), io);
    return 0;
  },
});

function printModels(
  models: ListedModel[],
  locking: string,
  { print, note, colors, width, masker }: CommandIO,
): void {
  const licenceOf = ({ lock, licenses }: ListedModel) => lock.licenses ?? licenses;
  // Most catalogs of one's own models state none.
  const hasLicences = models.some((model) => licenceOf(model) !== undefined);
  const columns = [
    { title: 'NAME', shrinkTo: 24 },
    { title: 'FRAMEWORK' },
    { title: 'SOURCE', shrinkTo: 12 },
    { title: 'VERSION' },
    { title: 'BASE', shrinkTo: 8 },
    { title: 'PLATFORMS', shrinkTo: 9 },
    { title: 'SIZE', align: 'right' as const },
    ...(hasLicences ? [{ title: 'LICENCE', shrinkTo: 10 }] : []),
    { title: 'DIGEST', shrinkTo: 14 },
    {
      title: 'LOCK',
      style: (shown: string, cell: string) =>
        cell === 'locked' ? colors.green(shown) : colors.yellow(shown),
    },
  ];
  const rows = models.map((model) => {
    const { name, framework, source, version, base, platforms, lock } = model;
    return [
      name,
      framework,
      source,
      version ?? '-',
      base,
      platforms.map((platform) => platform.replace(/^linux\//, '')).join(','),
      lock.size === undefined ? '-' : formatBytes(lock.size),
      ...(hasLicences ? [licenceOf(model) ?? '-'] : []),
      lock.digest ?? '-',
      lock.state,
    ].map((cell) => masker.mask(cell));
  });
  print(formatTable(columns, rows, { width, title: colors.bold }));
  const stale = models.filter(({ lock }) => lock.state === 'stale').flatMap(({ lock }) => lock.reasons);
  for (const reason of new Set(stale)) note(masker.mask(`stale: ${reason}`));
  for (const { lock } of models) if (lock.warning !== undefined) note(masker.mask(lock.warning));
  if (models.some(({ lock }) => lock.state !== 'locked'))
    note(`run \`${locking}\` to bring the lock up to date`);
}
