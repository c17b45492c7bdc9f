import type { Catalog, CatalogEntry } from '../model/types.ts';
import type { RunOptions } from '../pipeline/types.ts';
import { isCI } from '../terminal/progress.ts';
import type { access, frozen, keep, remote } from './args/build.ts';
import { type ArgValues, usage } from './args/option.ts';
import type { dryRun } from './args/output.ts';
import { type OverrideValues, readOverrides } from './args/overrides.ts';
import { type scan, type scanning, scanOptions } from './args/scan.ts';
import type { selection, shard } from './args/selection.ts';
import type { signed, unsafeFiles } from './args/trust.ts';
import { defined } from './args/values.ts';
import type { CommandIO } from './command.ts';

/** The arguments that select models; those that a command does not declare are absent. */
type CatalogValues = ArgValues<typeof selection> &
  Partial<ArgValues<{ shard: typeof shard }>> &
  OverrideValues;

/** The other arguments of a run. */
type RunValues = Partial<
  ArgValues<
    typeof access &
      typeof scanning & {
        frozen: typeof frozen;
        keep: typeof keep;
        dryRun: typeof dryRun;
        scan: typeof scan;
        unsafeFiles: typeof unsafeFiles;
        signed: typeof signed;
        remote: typeof remote;
      }
  >
>;

/**
 * The catalog of `--file` with the overrides applied, and the selected models. An empty shard is not an error (more
 * machines than models): it selects none and prints a line on stderr.
 */
export async function openCatalog(
  args: CatalogValues,
  io: CommandIO,
): Promise<{ catalog: Catalog; models: CatalogEntry[] }> {
  const { loadCatalog, selectModels } = await import('../catalog/load.ts');
  const catalog = await loadCatalog(args.file, readOverrides(args));
  const { formerLock } = await import('../catalog/lock-path.ts');
  const old = await formerLock(catalog);
  if (old !== undefined) io.progress.warn(old);
  const models = selectModels(catalog, args.models, args.only);
  if (args.shard === undefined) return { catalog, models };
  const { parseShard, shardModels } = await import('../catalog/shard.ts');
  const { readLock } = await import('../catalog/lockfile.ts');
  const shard = parseShard(args.shard, process.env);
  const chosen = shardModels(models, await readLock(catalog.lockFile), shard);
  const names = chosen.map(({ name }) => name).join(', ') || 'nothing to do';
  io.progress.log(
    `shard ${shard.index}/${shard.total}: ${chosen.length} of ${models.length} models: ${names}`,
  );
  return { catalog, models: chosen };
}

/** The pipeline's options, from arguments and environment. */
export async function openRun(args: CatalogValues & RunValues, io: CommandIO): Promise<RunOptions> {
  const opened = await openCatalog(args, io);
  const signedBy = requiredSigners(args, opened.catalog);
  return { ...runOptions(args, io), ...opened, ...(signedBy && { signedBy }) };
}

/** The catalog, for commands that take images named in full: undefined without a models.yaml. */
export async function optionalCatalog(
  args: { file: string },
  overrides: OverrideValues = {},
): Promise<Catalog | undefined> {
  const { loadCatalog, readCatalogText } = await import('../catalog/load.ts');
  if (args.file === 'models.yaml' && (await readCatalogText(args.file)) === undefined) return undefined;
  return await loadCatalog(args.file, readOverrides(overrides));
}

/** Whose signature `--signed` requires. Fails with code `usage` where it would check nothing. */
function requiredSigners({ signed, remote }: RunValues, { trust }: Catalog): RunOptions['signedBy'] {
  if (!signed) return undefined;
  if (!remote) throw usage('--signed needs --remote: a layout on disk has no signatures');
  if (trust === undefined)
    throw usage(
      '--signed: models.yaml does not say who signs',
      'add `trust:` with the signers to models.yaml',
    );
  return trust;
}

/** The same, without a catalog. */
export function runOptions(args: RunValues, io: CommandIO): Omit<RunOptions, 'catalog' | 'models'> {
  const { concurrency, store, unsafeFiles, failOn, maxDatabaseAge } = args;
  const scan = args.scan && scanOptions({ ...args.scan, failOn, maxDatabaseAge });
  return {
    frozen: args.frozen ?? isCI(),
    dryRun: args.dryRun ?? false,
    keep: args.keep ?? false,
    registry: registryAccess(args),
    signal: io.signal,
    progress: io.progress,
    ...defined({ concurrency, store, scan, unsafeFiles }),
  };
}

/** How to reach registries, from --insecure and --ca-file. */
export function registryAccess({ insecure = [], caFile }: RunValues): RunOptions['registry'] {
  return defined({ insecure: insecure.length > 0 ? insecure : undefined, caFile });
}
