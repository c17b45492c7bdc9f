import { ModelcarsError } from '../errors.ts';
import { identify } from '../formats/identify.ts';
import { signatureBytes } from '../formats/signature.ts';
import type { Choice, Examination, Framework, Model, ModelReader, Refusal } from '../model/types.ts';
import { openSource } from '../sources/index.ts';
import type { SourceOptions } from '../sources/types.ts';
import { plain } from '../text/format.ts';
import { compareBytes } from '../text/paths.ts';
import { matcherOf, selectionOf } from './globs.ts';
import { globsOf } from './lock-check.ts';
import { isVague, type Rename, renamable } from './rename.ts';

/** The files of a model's source, before any is read for its hash. */
export interface ChosenFiles extends Choice {
  /** Path of the source → path below /models, for files whose place another file's content decided. */
  places: ReadonlyMap<string, string>;
  /** One line each. */
  warnings: string[];
  /** The file that gets the name that the server looks for. */
  rename?: Rename;
  /** Left out although they are no known repetition of a chosen file. */
  unknown: UnknownFiles;
}

/** Files that may be missed. */
export interface UnknownFiles {
  paths: string[];
  /** Sum of their sizes; undefined where the source does not state them. */
  bytes?: number;
}

/** Whether a framework needs to see all paths before any is chosen. */
export function looksFirst(model: Model, framework: Framework): boolean {
  const { refuse, examine, unmentioned } = framework;
  return [chooserOf(model, framework), refuse, examine, unmentioned].some((one) => one !== undefined);
}

/**
 * The paths of a model's source that go into the image, and those that the framework leaves out. Reads at most the
 * beginnings of files that say which others belong to them. Fails with code `source`, also when the framework refuses
 * them.
 */
export async function chooseFiles(
  model: Model,
  framework: Framework,
  sources: SourceOptions,
  signal?: AbortSignal,
): Promise<ChosenFiles> {
  const sizes = new Map<string, number | undefined>();
  const source = openSource(model.source, sources);
  const look = (path: string, size?: number): boolean => {
    sizes.set(path, size);
    return false;
  };
  const { revision } = await source.resolve(model.source, look, signal);
  const paths = [...sizes.keys()].sort(compareBytes);
  const chosen = paths.filter(selectionOf(globsOf(model, framework)));
  const choice = chooserOf(model, framework)?.(chosen) ?? { take: chosen, leave: [], why: '' };
  const refused = (refusal: Omit<Refusal, 'choices'> | undefined): void => {
    if (refusal === undefined) return;
    const what = `resolve model ${model.name}: ${plain(model.source)} ${refusal.problem}`;
    throw new ModelcarsError('source', what, { next: refusal.next });
  };
  refused(framework.refuse?.(choice.take));
  const read: ModelReader['read'] = async (path, offset, length) => {
    const size = sizes.get(path) ?? 0;
    const end = Math.min(size, offset + length);
    const chunks: Buffer[] = [];
    let at = offset;
    if (at >= end) return Buffer.alloc(0);
    const file = { path, size, sha256: '' };
    for await (const chunk of source.open(model.source, revision, file, offset, signal, end)) {
      // A chunk is only lent.
      chunks.push(Buffer.from(chunk.subarray(0, end - at)));
      at += chunk.length;
      if (at >= end) break;
    }
    return Buffer.concat(chunks);
  };
  const files: ModelReader = { paths, size: (path) => sizes.get(path), read };
  const {
    also = [],
    places = {},
    warnings = [],
    refusal,
  }: Examination = (await framework.examine?.(files, choice.take)) ?? {};
  refused(refusal);
  const excluded = matcherOf(model.exclude);
  const rename = await renameOf(model, framework, files);
  if (rename !== undefined) {
    also.push(rename.from);
    places[rename.from] = rename.to;
  }
  const take = new Set([...choice.take, ...also.filter((path) => sizes.has(path) && !excluded(path))]);
  const leave = choice.leave.filter((path) => !take.has(path));
  return {
    take: [...take],
    leave,
    why: choice.why,
    places: new Map(Object.entries(places)),
    warnings,
    ...(rename && { rename }),
    unknown: unknownOf(model, framework, sizes, new Set([...take, ...leave])),
  };
}

/**
 * The only file that can be the model under another name, of those that the model does not leave out. A name that
 * anything can have counts only with the framework's content.
 */
async function renameOf(model: Model, framework: Framework, files: ModelReader): Promise<Rename | undefined> {
  const included = model.include.length === 0 ? () => true : matcherOf(model.include);
  const excluded = matcherOf(model.exclude);
  const paths = files.paths.filter((path) => included(path) && !excluded(path));
  const candidates = renamable(framework, paths, Object.keys(model.files));
  const fitting: Rename[] = [];
  for (const one of candidates) {
    const identity = isVague(one.from)
      ? identify(Buffer.from(await files.read(one.from, 0, signatureBytes)))
      : undefined;
    // A single file that is something else is named as what it is when its content is checked.
    const fits = candidates.length === 1 ? identity !== undefined : identity?.framework === framework.name;
    if (!isVague(one.from) || fits) fitting.push(one);
  }
  return fitting.length === 1 ? fitting[0] : undefined;
}

/** What is left out and neither excluded by the model nor known to the framework as a repetition. */
function unknownOf(
  model: Model,
  { unmentioned }: Framework,
  sizes: ReadonlyMap<string, number | undefined>,
  known: ReadonlySet<string>,
): UnknownFiles {
  // Whoever names files has left out the others.
  if (unmentioned === undefined || model.include.length > 0) return { paths: [] };
  const isKnown = matcherOf([...unmentioned, ...model.exclude]);
  const left = [...sizes].filter(([path]) => !known.has(path) && !isKnown(path));
  const paths = left.map(([path]) => path).sort(compareBytes);
  let bytes = 0;
  for (const [, size] of left) {
    if (size === undefined) return { paths };
    bytes += size;
  }
  return { paths, bytes };
}

/** The framework's `choose`, unless the model names its files itself. */
function chooserOf(model: Model, framework: Framework): Framework['choose'] {
  return model.include.length === 0 ? framework.choose : undefined;
}
