import type { Framework } from '../model/types.ts';
import { plain } from '../text/format.ts';
import { matchesAny } from './globs.ts';

/** A file of a source under a name that the framework does not look for, and its path below /models. */
export interface Rename {
  from: string;
  to: string;
}

/** Extensions whose role is plain: nothing but a model has them. */
const plainExtensions: ReadonlySet<string> = new Set([
  '.bst',
  '.cbm',
  '.joblib',
  '.pickle',
  '.pkl',
  '.pmml',
  '.ubj',
]);
/** Extensions that anything can have: only the content says that such a file is the model. */
const vagueExtensions: ReadonlySet<string> = new Set(['.json', '.txt']);
/** Limit on the files whose content is compared to find the model among them. */
const mostVague = 16;

/** Whether only the content of this file says what it is. */
export function isVague(path: string): boolean {
  return vagueExtensions.has(extensionOf(path));
}

/**
 * The files of a source that can be the model under another name, of a framework that requires one file by name:
 * those with a plain extension, or else those whose content decides. Empty when a file already has its name, and
 * when too many would have to be read.
 */
export function renamable(
  framework: Framework,
  paths: readonly string[],
  given: readonly string[] = [],
): Rename[] {
  const { requires, place = (path: string) => path } = framework;
  const [required, ...more] = requires;
  if (required === undefined || more.length > 0) return [];
  const { anyOf } = required;
  if (paths.some((path) => matchesAny(path, anyOf))) return [];
  if (given.some((path) => matchesAny(path, anyOf.map(place)))) return [];
  const names = anyOf.filter(isName);
  const candidates = paths.flatMap((from) => {
    const extension = extensionOf(from);
    const name = names.find((one) => extensionOf(one) === extension);
    return name === undefined || /(^|\/)(model-)?settings\.json$/.test(from)
      ? []
      : [{ from, to: place(name) }];
  });
  const clear = candidates.filter(({ from }) => plainExtensions.has(extensionOf(from)));
  if (clear.length > 0) return clear;
  const vague = candidates.filter(({ from }) => isVague(from));
  return vague.length > mostVague ? [] : vague;
}

/** The log line for a file that gets another name. */
export function renameLine(model: string, { from, to }: Rename): string {
  return `${model}: ${plain(from)} is ${plain(to)} in the image, the name that its server looks for`;
}

/** Whether a glob is a name. */
function isName(glob: string): boolean {
  return /^[\w.-]+$/.test(glob);
}

function extensionOf(path: string): string {
  return /\.\w+$/.exec(path)?.[0].toLowerCase() ?? '';
}
