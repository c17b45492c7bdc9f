import { refusedName } from '../admission/names.ts';
import { ModelcarsError } from '../errors.ts';
import type { SmokeResult } from '../kserve/types.ts';
import type { Model } from '../model/types.ts';
import type { SmokeOptions } from './smoke-options.ts';

/**
 * The failed results of models that no cluster would serve under their names: a test under another name would hide that.
 * A model without a smoke test has none.
 */
export function refusedModels(
  models: readonly Model[],
  { namespace, local, modes, security }: SmokeOptions['wishes'],
): SmokeResult[] {
  return models.flatMap((model) => {
    const refusal = model.smoke === false ? undefined : refusedName(model, namespace);
    if (refusal === undefined) return [];
    const { what, fix } = refusal;
    return {
      model: model.name,
      mode: local ? 'local' : (modes[0] ?? model.serving?.storage ?? 'oci'),
      security: security[0] ?? 'openshift',
      status: 'failed',
      seconds: 0,
      diagnosis: { stage: 'apply', what, fix, events: [], logs: [] },
    };
  });
}

/** Fails with code `catalog`, naming every model whose name a cluster would refuse. */
export function requireNames(models: readonly Model[], namespace: string | undefined): void {
  const refused = models.flatMap((model) => {
    const refusal = refusedName(model, namespace);
    return refusal === undefined ? [] : [{ name: model.name, ...refusal }];
  });
  const [first] = refused;
  if (first === undefined) return;
  if (refused.length === 1)
    throw new ModelcarsError('catalog', `write manifest of ${first.name}: ${first.what}`, {
      next: first.fix,
    });
  const lines = refused.map(({ name, what, fix }) => `${name}: ${what}; ${fix}`);
  throw new ModelcarsError(
    'catalog',
    [`write manifest: ${refused.length} models have names that KServe cannot serve`, ...lines].join('\n'),
    { next: 'correct models.yaml' },
  );
}
