import { ModelcarsError } from '../errors.ts';
import type { Model } from '../model/types.ts';
import { contradicted } from '../sources/huggingface/licence.ts';
import { plain } from '../text/format.ts';

/**
 * Fails with code `catalog` when `defaults:` give a model another licence than its model card names: nobody has looked at this
 * model then, and the image would state what is not true. A `licenses:` of the model itself is somebody's decision and holds.
 */
export function checkLicences(model: Model, metadata: Record<string, string> = {}): void {
  if (model.licenses === undefined || model.licensesByDefault !== true) return;
  const card = contradicted(model.licenses, metadata);
  if (card === undefined) return;
  throw new ModelcarsError(
    'catalog',
    `check the licence of ${model.name}: \`defaults:\` say ${plain(model.licenses)}, the model card of ${plain(model.source)} says ${plain(card)}`,
    {
      next: `give the model a \`licenses:\` of its own: \`licenses: ${plain(card)}\`, or what you know to be true`,
    },
  );
}
