import { ModelcarsError } from '../errors.ts';
import type { Incomplete } from '../formats/find-incomplete.ts';
import { fileKind } from '../sources/file/index.ts';
import { kindOf } from '../sources/index.ts';
import { plain, show } from '../text/format.ts';
import type { PlacedFile } from './completeness.ts';

/** Where a file that is not whole comes from. */
export interface Origin {
  /** URI of the source that it is from. */
  source: string;
  /** Paths below /models of all that the model's source has, chosen or not. */
  seen: readonly string[];
  placed: readonly PlacedFile[];
}

/** The error for a model whose files are not whole: names the file, its source and the step that fits the source. */
export function incompleteError(model: string, incomplete: Incomplete, origin: Origin): ModelcarsError {
  const { path, problem } = incomplete;
  const own = origin.placed.find((one) => one.path === path)?.file.path ?? path;
  const where = own === path ? plain(own) : `${plain(own)} (${plain(path)} in the image)`;
  return new ModelcarsError(
    'source',
    `resolve model ${model}: ${where} of ${plain(origin.source)} ${problem}`,
    {
      next: nextStep(incomplete, origin),
    },
  );
}

function nextStep(incomplete: Incomplete, { source, seen, placed }: Origin): string {
  const repair = (kindOf(source) ?? fileKind).repair;
  const { missing, isPointer, leadsOut } = incomplete;
  if (isPointer) return repair.pointer;
  if (leadsOut) return 'export the model again, with its data in files beside it';
  if (missing === undefined) return repair.corrupt;
  if (seen.includes(missing))
    return `choose ${show(missing)} with \`include\`, or take it out of \`exclude\`: the source has it`;
  const name = missing.slice(missing.lastIndexOf('/') + 1);
  const elsewhere = placed.find(({ path }) => path.slice(path.lastIndexOf('/') + 1) === name);
  if (elsewhere !== undefined)
    return `it lies at ${show(elsewhere.path)} in the image: put it at ${show(missing)} with \`files:\``;
  return repair.missing;
}
