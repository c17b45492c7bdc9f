import picomatch from 'picomatch';
import { ModelcarsError } from '../errors.ts';
import type { Choice, Framework, LockedFile, LockedModel, Model } from '../model/types.ts';
import { kindOf, openSource } from '../sources/index.ts';
import { revisionOf } from '../sources/revision.ts';
import type { FileTap, Selection, Snapshot, SourceOptions } from '../sources/types.ts';
import { list, plain, show } from '../text/format.ts';
import { checkClashes, checkPath, compareBytes } from '../text/paths.ts';
import { CompletenessCheck, type OpenFile } from './completeness.ts';
import { incompleteError } from './incomplete-error.ts';
import { type Globs, globsOf } from './lock-check.ts';
import { recognise } from './recognise-files.ts';

/**
 * How all globs are matched: `*` matches dot files too; no extglobs (slow on crafted names), no negation. With `s`, a
 * name with a newline matches and is then rejected by name, rather than silently left out.
 */
const globOptions = { dot: true, noextglob: true, nonegate: true, flags: 's' };

/** Whether a path is included and not excluded. */
export function selectionOf({ include, exclude }: Globs): Selection {
  const included = picomatch(include, globOptions);
  const excluded = exclude.length === 0 ? () => false : picomatch(exclude, globOptions);
  return (path) => included(path) && !excluded(path);
}

/** A model with the current files of its sources, and the files left out because the framework does not need them. */
export interface ResolvedModel extends LockedModel {
  /** Not part of the lock. */
  leftOut?: LeftOut;
}

/** Files that match a framework's globs but that it does not need. */
export interface LeftOut {
  paths: string[];
  why: string;
}

/**
 * A model's current files from its sources, for the lock. Fails with code `source` when they cannot be read, lack a
 * file that the framework needs or are incomplete (formats/find-incomplete.ts), and with code `catalog` when two have
 * the same path. `pins` has the revisions of files in `files:` that stay, by path.
 */
export async function resolveModel(
  model: Model,
  framework: Framework,
  sources: SourceOptions,
  signal?: AbortSignal,
  tap?: FileTap,
  pins: Record<string, string> = {},
): Promise<ResolvedModel> {
  const globs = globsOf(model, framework);
  const chosen = selectionOf(globs);
  const source = openSource(model.source, sources);
  // `choose` and `refuse` need all paths, so the first pass only collects them.
  const { take, leave, why } =
    chooserOf(model, framework) === undefined && framework.refuse === undefined
      ? { take: undefined, leave: [], why: '' }
      : await chooseFiles(model, framework, sources, signal);
  const seen: string[] = [];
  const taken = take && new Set(take);
  const select: Selection = (path) => {
    seen.push(path);
    return taken?.has(path) ?? chosen(path);
  };
  const wholeness = new CompletenessCheck();
  const place = (path: string) => framework.place?.(path) ?? path;
  const snapshot = await source.resolve(model.source, select, signal, wholeness.tap(place, tap));
  const extra: LockedFile[] = [];
  for (const [path, uri] of Object.entries(model.files)) {
    extra.push(await resolveExtra(model, { path, uri, pin: pins[path] }, sources, wholeness, signal));
  }
  const files = [...snapshot.files, ...extra];
  checkRequired(model, framework, files, seen);
  checkTargets(model, framework, files);
  const placed = files.map((file) => ({ path: targetPath(framework, file), file }));
  const needed = servedFiles(framework).map(({ anyOf }) => picomatch(anyOf, globOptions));
  const open: OpenFile = (file, offset, end, stop) => {
    const uri = file.source ?? model.source;
    return openSource(uri, sources).open(uri, file.revision ?? snapshot.revision, file, offset, stop, end);
  };
  const incomplete = await wholeness.check(placed, needed, open, signal);
  if (incomplete !== undefined) {
    const source = placed.find(({ path }) => path === incomplete.path)?.file.source ?? model.source;
    throw incompleteError(model.name, incomplete, { source, seen: seen.map(place), placed });
  }
  return {
    framework: model.framework,
    source: model.source,
    revision: revisionFor(model, snapshot, extra),
    ...(snapshot.metadata && { metadata: snapshot.metadata }),
    ...globs,
    files: files.sort((a, b) => compareBytes(a.path, b.path)),
    ...(leave.length > 0 && { leftOut: { paths: leave, why } }),
  };
}

/**
 * The revision of a model. That of a source without revisions of which no file is chosen, because all come from `files:`
 * under other names, would be the hash of nothing: that of the files says what the image contains.
 */
function revisionFor({ source }: Model, { revision, files }: Snapshot, extra: readonly LockedFile[]): string {
  const isOwn = kindOf(source)?.at !== undefined;
  if (isOwn || files.length > 0 || extra.length === 0 || !revision.startsWith('sha256:')) return revision;
  return revisionOf(extra.toSorted((a, b) => compareBytes(a.path, b.path)));
}

/**
 * The paths of a model's source that go into the image, and those that the framework leaves out. Reads no file. Fails
 * with code `source`, also when the framework refuses them.
 */
export async function chooseFiles(
  model: Model,
  framework: Framework,
  sources: SourceOptions,
  signal?: AbortSignal,
): Promise<Choice> {
  const seen: string[] = [];
  const look: Selection = (path) => {
    seen.push(path);
    return false;
  };
  await openSource(model.source, sources).resolve(model.source, look, signal);
  const chosen = seen.filter(selectionOf(globsOf(model, framework)));
  const choice = chooserOf(model, framework)?.(chosen) ?? { take: chosen, leave: [], why: '' };
  const refusal = framework.refuse?.(choice.take);
  if (refusal === undefined) return choice;
  const { problem, next } = refusal;
  throw new ModelcarsError('source', `resolve model ${model.name}: ${plain(model.source)} ${problem}`, {
    next,
  });
}

/** The framework's `choose`, unless the model names its files itself. */
function chooserOf(model: Model, framework: Framework): Framework['choose'] {
  return model.include.length === 0 ? framework.choose : undefined;
}

/** The path of a locked file below /models: by the framework's `place`, or by the model's `files:`. */
export function targetPath(framework: Framework, file: LockedFile): string {
  const path = file.source === undefined ? (framework.place?.(file.path) ?? file.path) : file.path;
  const problem = checkPath(path);
  if (problem === undefined) return path;
  throw new ModelcarsError(
    'catalog',
    `place ${plain(file.path)}: framework ${framework.name} puts it at ${show(path)}, which ${problem}`,
    {
      next: `correct \`place\` in frameworks/${framework.name}/framework.ts`,
    },
  );
}

async function resolveExtra(
  model: Model,
  { path, uri, pin }: { path: string; uri: string; pin: string | undefined },
  sources: SourceOptions,
  wholeness: CompletenessCheck,
  signal?: AbortSignal,
): Promise<LockedFile> {
  const where = `resolve model ${model.name}: \`files:\` ${plain(path)}: ${plain(uri)}`;
  const next = 'name one file for each path in `files:`';
  // Before hashing: a folder can be large.
  const kind = kindOf(uri);
  const many = await kind?.namesMany?.(uri, sources);
  if (many !== undefined) throw new ModelcarsError('source', `${where} is ${many}`, { next });
  const at = pin === undefined ? uri : (kind?.at?.(uri, pin) ?? uri);
  const { files, revision } = await openSource(at, sources).resolve(
    at,
    () => true,
    signal,
    wholeness.tap(() => path),
  );
  const [file] = files;
  if (file !== undefined && files.length === 1) {
    const { size, sha256 } = file;
    return { path, size, sha256, source: uri, ...(kind?.at !== undefined && { revision }) };
  }
  throw new ModelcarsError('source', `${where} has ${files.length} files`, { next });
}

/** `requires` of a framework for an image: globs over paths below /models, after `place`. */
export function servedFiles(framework: Framework): { anyOf: string[]; why: string }[] {
  const { requires, place = (path) => path } = framework;
  return requires.map(({ anyOf, why }) => ({ anyOf: [...new Set(anyOf.map(place))], why }));
}

/** Whether a path matches one of these globs. */
export function matchesAny(path: string, globs: readonly string[]): boolean {
  return picomatch.isMatch(path, [...globs], globOptions);
}

/** The requirements of a framework that none of a source's paths meets. */
export function unmetBy(framework: Framework, paths: readonly string[]): Framework['requires'] {
  const chosen = paths.filter(selectionOf(framework));
  return framework.requires.filter(({ anyOf }) => !chosen.some((path) => matchesAny(path, anyOf)));
}

function checkRequired(
  model: Model,
  framework: Framework,
  files: readonly LockedFile[],
  seen: readonly string[],
): void {
  const where = `resolve model ${model.name}`;
  const found =
    seen.length === 0
      ? 'nothing'
      : list(
          seen.map((path) => plain(path)),
          'and',
        );
  for (const [at, { anyOf, why }] of framework.requires.entries()) {
    // A path in `files:` is already the path in the image.
    const given = servedFiles(framework)[at]?.anyOf ?? anyOf;
    const has = ({ path, source }: LockedFile) => matchesAny(path, source === undefined ? anyOf : given);
    if (files.some(has)) continue;
    const known = recognise(seen);
    const other = known?.framework === framework.name ? undefined : known;
    throw new ModelcarsError(
      'source',
      `${where}: ${framework.name} needs ${list(anyOf, 'or')}: ${why}; found ${found}${other ? `: ${other.what}` : ''}`,
      {
        next: other?.next ?? 'rename the file, correct `source`, or choose it with `include`',
      },
    );
  }
  if (files.length > 0) return;
  throw new ModelcarsError(
    'source',
    `${where}: no file of ${plain(model.source)} is chosen; found ${found}`,
    {
      next: 'correct `include` and `exclude`',
    },
  );
}

function checkTargets(model: Model, framework: Framework, files: readonly LockedFile[]): void {
  const targets = files.map((file) => targetPath(framework, file));
  const [clash] = checkClashes(targets);
  if (clash === undefined) return;
  const [first, second] = clash.indices.map((index) => {
    const file = files[index];
    return file?.source === undefined
      ? `${plain(file?.path ?? '')} of ${plain(model.source)}`
      : `${plain(file.path)} of \`files:\` (${plain(file.source)})`;
  });
  throw new ModelcarsError(
    'catalog',
    `resolve model ${model.name}: ${first} and ${second} ${clash.why} below /models`,
    {
      next: 'leave one of them out with `exclude`, or give it another path in `files:`',
    },
  );
}
