import { ModelcarsError } from '../errors.ts';
import { isModel } from '../model/catalog-entry.ts';
import type { CatalogEntry, Model } from '../model/types.ts';
import { buildModels } from './build.ts';
import { repositoryName } from './image-names.ts';
import { type PushOptions, pushModels } from './push.ts';
import type { Outcome, RunOptions } from './types.ts';

export interface PushVerifiedOptions
  extends RunOptions,
    Pick<PushOptions, 'createRepository' | 'signing' | 'attest'> {
  /** Layout that the images are built into and smoke-tested from. */
  output: string;
  /** Runs the smoke test; returns the names of the models that passed. */
  smoke(models: Model[]): Promise<ReadonlySet<string>>;
}

/**
 * Builds and verifies, then runs the smoke test, then pushes the models that passed, with the tested digest. A model
 * that fails a step is not pushed; the others are, also those with `smoke: false`. Returns the last outcome of each model.
 */
export async function pushVerified(options: PushVerifiedOptions): Promise<Outcome[]> {
  for (const model of options.models) repositoryName(model);
  if (options.dryRun) return await pushModels(options);
  const built = await buildModels({ ...options, verify: true });
  const digests = new Map(
    built.flatMap(({ model, status, digest }) =>
      status !== 'failed' && digest !== undefined ? [[model, digest] as const] : [],
    ),
  );
  const good = options.models.filter(({ name }) => digests.has(name));
  options.signal.throwIfAborted();
  const untested = good.filter((model) => isModel(model) && model.smoke === false);
  for (const { name } of untested)
    options.progress.warn(`${name}: no smoke test (\`smoke: false\` in models.yaml), only verified`);
  const servable = good.filter(isModel).filter((model) => !untested.includes(model));
  const proven = servable.length === 0 ? new Set<string>() : await options.smoke(servable);
  options.signal.throwIfAborted();
  // A loader serves no model, so it has no smoke test; it is only verified.
  const ready = good.filter((model) => !isModel(model) || untested.includes(model) || proven.has(model.name));
  // Scanned before the build: the proven digests name the same bases.
  const { scan: _, ...unscanned } = options;
  const pushed = ready.length === 0 ? [] : await pushModels({ ...unscanned, models: ready, proven: digests });
  return options.models.map((model) => {
    const outcome = pushed.find((one) => one.model === model.name);
    const before = built.find((one) => one.model === model.name);
    if (outcome !== undefined) return { ...outcome, ...(before?.scan && { scan: before.scan }) };
    if (before !== undefined && !digests.has(model.name)) return before;
    return { model: model.name, status: 'failed', error: unproven(model) };
  });
}

function unproven({ name }: CatalogEntry): ModelcarsError {
  return new ModelcarsError('integrity', `push ${name}: smoke test failed, not pushed`, {
    next: 'see the diagnosis above; run `modelcars smoke` to repeat the test',
  });
}
