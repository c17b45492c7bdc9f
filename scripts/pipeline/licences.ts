import { ModelcarsError } from '../errors.ts';
import type { Model } from '../model/types.ts';
import { contradicted } from '../sources/huggingface/licence.ts';
import { plain } from '../text/format.ts';

/**
 * Fails with code `catalog` when `defaults:` give a model a licence that contradicts its model card: the image would
 * make a false claim about a model that the catalog's author never looked at. `licenses:` of the model itself is a
 * decision and is not checked.
 */
export function checkLicences(model: Model, metadata: Record<string, string> = {}): void {
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
