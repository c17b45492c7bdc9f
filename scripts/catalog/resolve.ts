import { ModelcarsError } from '../errors.ts';
import type { Framework, LockedFile, LockedModel, Model } from '../model/types.ts';
import { kindOf, openSource } from '../sources/index.ts';
import { revisionOf } from '../sources/revision.ts';
import type { FileTap, Selection, Snapshot, SourceOptions } from '../sources/types.ts';
import { plain } from '../text/format.ts';
import { checkClashes, compareBytes } from '../text/paths.ts';
import { chooseFiles, looksFirst, type UnknownFiles } from './choose-files.ts';
import { CompletenessCheck, type OpenFile } from './completeness.ts';
import { checkContents, Heads } from './contents.ts';
import { examineImage } from './examine-image.ts';
import { matcherOf, matchesAny, selectionOf } from './globs.ts';
import { incompleteError } from './incomplete-error.ts';
import { globsOf } from './lock-check.ts';
import { type Rename, renamable } from './rename.ts';
import { checkRequired, servedFiles } from './required-files.ts';
import { targetPath } from './target-path.ts';

export { matchesAny, selectionOf } from './globs.ts';
export { servedFiles } from './required-files.ts';

/** A model with the current files of its sources, and the files left out because the framework does not need them. */
export interface ResolvedModel extends LockedModel {
  /** Not part of the lock. */
  leftOut?: LeftOut;
  /** Files that the framework does not choose, and that may be missed. Not part of the lock. */
  unknown?: UnknownFiles;
  /** One line each. Not part of the lock. */
  warnings?: string[];
  /** The file that got the name that the server looks for. Not part of the lock. */
  rename?: Rename;
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
  // What decides among all paths needs a first pass that only collects them.
  let choice = looksFirst(model, framework)
    ? await chooseFiles(model, framework, sources, signal)
    : undefined;
  let seen: string[] = [];
  const wholeness = new CompletenessCheck();
  const heads = new Heads();
  const place = (path: string) => choice?.places.get(path) ?? framework.place?.(path) ?? path;
  const read = async (): Promise<Snapshot> => {
    seen = [];
    const taken = choice && new Set(choice.take);
    const select: Selection = (path) => {
      seen.push(path);
      return taken?.has(path) ?? chosen(path);
    };
    return await source.resolve(model.source, select, signal, heads.tap(wholeness.tap(place, tap)));
  };
  let snapshot = await read();
  if (choice === undefined && renamable(framework, seen, Object.keys(model.files)).length > 0) {
    choice = await chooseFiles(model, framework, sources, signal);
    if (choice.rename !== undefined) snapshot = await read();
  }
  const extra: LockedFile[] = [];
  for (const [path, uri] of Object.entries(model.files)) {
    extra.push(
      await resolveExtra(model, { path, uri, pin: pins[path] }, sources, { wholeness, heads }, signal),
    );
  }
  const own = snapshot.files.map((file) => {
    const decided = choice?.places.get(file.path);
    return { ...file, ...(decided !== undefined && { place: decided }) };
  });
  const files = [...own, ...extra];
  const asked = await checkRequired(model, framework, { files, seen }, sources, signal);
  checkTargets(model, framework, files);
  const placed = files.map((file) => ({ path: targetPath(framework, file), file }));
  const needed = servedFiles(framework).map(({ anyOf }) => matcherOf(anyOf));
  const open: OpenFile = (file, offset, end, stop) => {
    const uri = file.source ?? model.source;
    return openSource(uri, sources).open(uri, file.revision ?? snapshot.revision, file, offset, stop, end);
  };
  const incomplete = await wholeness.check(placed, needed, open, signal);
  if (incomplete !== undefined) {
    const source = placed.find(({ path }) => path === incomplete.path)?.file.source ?? model.source;
    throw incompleteError(model.name, incomplete, { source, seen: seen.map(place), placed });
  }
  checkContents(model, framework, placed, heads);
  const said = await examineImage(model, framework, placed, open, signal);
  const warnings = [...(choice?.warnings ?? []), ...asked, ...said];
  const { leave = [], why = '', unknown, rename } = choice ?? {};
  return {
    framework: model.framework,
    source: model.source,
    revision: revisionFor(model, snapshot, extra),
    ...(snapshot.metadata && { metadata: snapshot.metadata }),
    ...globs,
    files: files.sort((a, b) => compareBytes(a.path, b.path)),
    ...(leave.length > 0 && { leftOut: { paths: leave, why } }),
    ...(unknown && unknown.paths.length > 0 && { unknown }),
    ...(warnings.length > 0 && { warnings }),
    ...(rename && { rename }),
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

async function resolveExtra(
  model: Model,
  { path, uri, pin }: { path: string; uri: string; pin: string | undefined },
  sources: SourceOptions,
  { wholeness, heads }: { wholeness: CompletenessCheck; heads: Heads },
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
    heads.tap(
      wholeness.tap(() => path),
      uri,
    ),
  );
  const [file] = files;
  if (file !== undefined && files.length === 1) {
    const { size, sha256 } = file;
    return { path, size, sha256, source: uri, ...(kind?.at !== undefined && { revision }) };
  }
  throw new ModelcarsError('source', `${where} has ${files.length} files`, { next });
}

/** The requirements of a framework that none of a source's paths meets. */
export function unmetBy(framework: Framework, paths: readonly string[]): Framework['requires'] {
  const chosen = paths.filter(selectionOf(framework));
  return framework.requires.filter(({ anyOf }) => !chosen.some((path) => matchesAny(path, anyOf)));
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
