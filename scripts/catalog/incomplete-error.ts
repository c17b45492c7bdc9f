import { ModelcarsError } from '../errors.ts';
import type { Incomplete } from '../formats/find-incomplete.ts';
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
  // `http:` is a server on this machine.
  const scheme = source.slice(0, source.indexOf(':')).replace(/^http$/, 'https');
  const { missing, isPointer, leadsOut } = incomplete;
  if (isPointer) return pointerSteps[scheme] ?? pointerSteps.file;
  if (leadsOut) return 'export the model again, with its data in files beside it';
  if (missing === undefined) return wrongSteps[scheme] ?? wrongSteps.file;
  if (seen.includes(missing))
    return `choose ${show(missing)} with \`include\`, or take it out of \`exclude\`: the source has it`;
  const name = missing.slice(missing.lastIndexOf('/') + 1);
  const elsewhere = placed.find(({ path }) => path.slice(path.lastIndexOf('/') + 1) === name);
  if (elsewhere !== undefined)
    return `it lies at ${show(elsewhere.path)} in the image: put it at ${show(missing)} with \`files:\``;
  return missingSteps[scheme] ?? missingSteps.file;
}

type Steps = Partial<Record<string, string>> & { file: string };

const pointerSteps: Steps = {
  file: 'run `git lfs pull` in the repository that the files are from, then run it again',
  hf: 'choose a revision that has the file itself, or ask the owner of the repository to upload it',
  https:
    'use the URL that has the content: `https://github.com/…/raw/…` or `https://media.githubusercontent.com/media/…`',
  s3: 'run `git lfs pull` where the files come from, and upload them again',
};
const wrongSteps: Steps = {
  file: 'copy or download the file again; leave it out with `exclude` if the model works without it',
  hf: 'choose a revision where the file is whole; leave it out with `exclude` if the model works without it',
  https: 'check the URL in a browser: it should give the file itself',
  s3: 'upload the file again; leave it out with `exclude` if the model works without it',
};
const missingSteps: Steps = {
  file: 'copy or download the files that are missing: a copy stopped too early',
  hf: 'choose a revision that has all files, or ask the owner of the repository to upload the rest',
  https: 'a URL is one file: name the others in `files:`',
  s3: 'upload the files that are missing: an upload stopped too early',
};
