import { ModelcarsError } from '../errors.ts';
import type { Incomplete } from '../formats/find-incomplete.ts';
import { fileKind } from '../sources/file/index.ts';
import { kindOf } from '../sources/index.ts';
import { plain, show } from '../text/format.ts';
import type { PlacedFile } from './completeness.ts';

/** The origin of an incomplete file. */
export interface Origin {
  /** URI of its source. */
  source: string;
  /** Paths below /models of all files in the model's source, chosen or not. */
  seen: readonly string[];
  placed: readonly PlacedFile[];
}

/** The error for an incomplete model: names the file, its source and the next step for that kind of source. */
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
  if (leadsOut) return 'export the model again, with its data in files next to it';
  if (missing === undefined) return repair.corrupt;
  if (seen.includes(missing))
    return `the source has ${show(missing)}: add it to \`include\`, or remove it from \`exclude\``;
  const name = missing.slice(missing.lastIndexOf('/') + 1);
  const elsewhere = placed.find(({ path }) => path.slice(path.lastIndexOf('/') + 1) === name);
  if (elsewhere !== undefined)
    return `it is at ${show(elsewhere.path)} in the image; put it at ${show(missing)} with \`files:\``;
  return repair.missing;
}
