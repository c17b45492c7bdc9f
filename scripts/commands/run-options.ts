import type { Catalog, CatalogEntry } from '../model/types.ts';
import type { RunOptions } from '../pipeline/types.ts';
import { isCI } from '../terminal/progress.ts';
import { defined, type Flags } from './args/build.ts';
import type { Context } from './command.ts';

/**
 * The catalog of `--file` with the overrides applied, and the models that were asked for. None, and a word of it on stderr, when
 * `--shard` holds none: on a machine too many there is nothing to do, and nothing wrong.
 */
export async function openCatalog(
  flags: Flags,
  context: Context,
): Promise<{ catalog: Catalog; models: CatalogEntry[] }> {
  const { loadCatalog, selectModels } = await import('../catalog/load.ts');
  const catalog = await loadCatalog(flags.file, flags.overrides);
  const { formerLock } = await import('../catalog/lock-path.ts');
  const old = await formerLock(catalog);
  if (old !== undefined) context.progress.warn(old);
  const models = selectModels(catalog, flags.models, flags.only);
  if (flags.shard === undefined) return { catalog, models };
  const { parseShard, shardModels } = await import('../catalog/shard.ts');
  const { readLock } = await import('../catalog/lockfile.ts');
  const shard = parseShard(flags.shard, process.env);
  const chosen = shardModels(models, await readLock(catalog.lockFile), shard);
  const names = chosen.map(({ name }) => name).join(', ') || 'nothing to do';
  context.progress.log(
    `shard ${shard.index}/${shard.total}: ${chosen.length} of ${models.length} models: ${names}`,
  );
  return { catalog, models: chosen };
}

/** What the pipeline wants to know, from flags and environment. */
export async function openRun(flags: Flags, context: Context): Promise<RunOptions> {
  return { ...runOptions(flags, context), ...(await openCatalog(flags, context)) };
}

/** What flags and environment say, without a catalog. */
export function runOptions(flags: Flags, context: Context): Omit<RunOptions, 'catalog' | 'models'> {
  return {
    frozen: flags.frozen ?? isCI(),
    dryRun: flags.dryRun,
    keep: flags.keep,
    registry: flags.registry,
    signal: context.signal,
    progress: context.progress,
    ...defined({ concurrency: flags.concurrency, store: flags.store }),
  };
}
