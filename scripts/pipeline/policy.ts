import { ModelcarsError } from '../errors.ts';
import type { Catalog, CatalogEntry } from '../model/types.ts';
import { displayPath } from '../text/paths.ts';
import { makePolicy } from '../trust/policy/make-policy.ts';
import { policyInput } from '../trust/policy/policy-input.ts';
import type { Policy, PolicyKind } from '../trust/policy/types.ts';
import { repositoryName } from './image-names.ts';

/**
 * The cluster's policy for the models' repositories, made from `trust:` of the catalog. Fails with code `catalog`
 * without it, and with `usage` for a model without a registry.
 */
export async function policyOf(
  kind: PolicyKind,
  { catalog, models }: { catalog: Catalog; models: readonly CatalogEntry[] },
): Promise<Policy> {
  if (catalog.trust === undefined)
    throw new ModelcarsError('catalog', `make a policy: ${displayPath(catalog.file)} has no \`trust:\``, {
      next: 'say who signs, such as `trust: {signers: [{key: cosign.pub}]}`',
    });
  const prefixes = models.map((model) => repositoryName(model).slice(0, -model.name.length - 1));
  return makePolicy(kind, await policyInput(catalog.trust, prefixes));
}
