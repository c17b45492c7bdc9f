import { ModelcarsError } from '../errors.ts';
import type { Catalog, Model } from '../model/types.ts';
import { contradicted, spdxOf } from '../sources/huggingface/licence.ts';
import { list, plain } from '../text/format.ts';

/**
 * Fails with code `catalog` when `defaults:` give a model a licence that contradicts its model card: the image would
 * make a false claim about a model that the catalog's author never looked at. `licenses:` of the model itself is a
 * decision and is not checked. With `allowLicenses` of the catalog, fails for a licence that it does not allow, and for
 * a model whose licence is not known.
 */
export async function checkLicences(
  model: Model,
  metadata: Record<string, string> = {},
  { allowLicenses }: Pick<Catalog, 'allowLicenses'> = {},
): Promise<void> {
  checkDefault(model, metadata);
  if (allowLicenses !== undefined) await checkAllowed(model, licencesOf(model, metadata), allowLicenses);
}

/** The licence that the image states: the catalog's, or that of the model card. */
export function licencesOf(
  { licenses }: Pick<Model, 'licenses'>,
  metadata: Record<string, string> = {},
): string | undefined {
  return licenses ?? spdxOf(metadata);
}

function checkDefault(model: Model, metadata: Record<string, string>): void {
  if (model.licenses === undefined || model.licensesByDefault !== true) return;
  const card = contradicted(model.licenses, metadata);
  if (card === undefined) return;
  throw new ModelcarsError(
    'catalog',
    `check the licence of ${model.name}: \`defaults:\` say ${plain(model.licenses)}, the model card of ${plain(model.source)} says ${plain(card)}`,
    {
      next: `set \`licenses: ${plain(card)}\` for this model, or the licence that you know to be right`,
    },
  );
}

async function checkAllowed(
  model: Model,
  licence: string | undefined,
  allowed: readonly string[],
): Promise<void> {
  const fail = (problem: string, next: string) =>
    new ModelcarsError('catalog', `check the licence of ${model.name}: ${problem}`, { next });
  // The card says that the licence is another than the hub's known ones, and does not name it.
  if (licence === undefined || licence === 'LicenseRef-other')
    throw fail(
      `${plain(model.source)} names no licence, and \`allowLicenses\` allows only ${list(allowed, 'and')}`,
      'find out its licence and set it with `licenses:` for this model',
    );
  const { default: satisfies } = await import('spdx-satisfies');
  let isAllowed: boolean;
  try {
    isAllowed = satisfies(licence, [...allowed]);
  } catch {
    isAllowed = allowed.includes(licence);
  }
  if (isAllowed) return;
  throw fail(
    `it has ${plain(licence)}, and \`allowLicenses\` allows only ${list(allowed, 'and')}`,
    `leave the model out, or add ${plain(licence)} to \`allowLicenses\``,
  );
}
