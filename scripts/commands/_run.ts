import type { Catalog, Model } from '../catalog/types.ts';
import type { RunOptions } from '../pipeline/types.ts';
import { isCI } from '../terminal/progress.ts';
import type { Context } from './_command.ts';
import { defined, type Flags } from './_options.ts';

/** The catalog of `--file` with the overrides applied, and the models that were asked for. */
export async function openCatalog(flags: Flags): Promise<{ catalog: Catalog; models: Model[] }> {
  const { loadCatalog, selectModels } = await import('../catalog/load.ts');
  const catalog = await loadCatalog(flags.file, flags.overrides);
  return { catalog, models: selectModels(catalog, flags.models, flags.only) };
}

/** What the pipeline wants to know, from flags and environment. */
export async function openRun(flags: Flags, context: Context): Promise<RunOptions> {
  const { catalog, models } = await openCatalog(flags);
  return {
    catalog,
    models,
    frozen: flags.frozen ?? isCI(),
    dryRun: flags.dryRun,
    keep: flags.keep,
    registry: flags.registry,
    signal: context.signal,
    progress: context.progress,
    ...defined({ concurrency: flags.concurrency, store: flags.store }),
  };
}
