import { isPipeline } from '../artifacts/transformers.ts';
import { ModelcarsError } from '../errors.ts';
import { isWeights } from '../formats/names.ts';
import { signatureBytes, signatureOf } from '../formats/signature.ts';
import type { Framework } from '../model/types.ts';
import { list, plain, show } from '../text/format.ts';
import { didYouMean } from '../text/suggest.ts';
import { ggufCompanions } from './gguf-models.ts';
import { recognise } from './recognise-files.ts';
import { matchesAny, selectionOf, unmetBy } from './resolve.ts';

/** The files of a source that is added. */
export interface FoundFiles {
  /** Start of error messages: `add ./model`. */
  what: string;
  /** All paths of the source. */
  paths: readonly string[];
  /** The path that the user pointed at, when the source has more. */
  named?: string;
  /** The first `bytes` of a file, or all of a shorter one. */
  read(path: string, bytes: number): Promise<Buffer>;
}

/** How a model is served, and why this was chosen. */
export interface Guess {
  framework: string;
  /** Completes "NAME: FRAMEWORK, …". */
  why: string;
  /** Instead of the framework's globs. */
  include?: string[];
  /** A file of the source under a name that the framework does not look for, and the path that it needs. */
  rename?: { from: string; to: string };
}

/** What a model server reads besides the model. */
const extras = ['README.md', 'LICENSE*', 'NOTICE*'];
/** Bytes of the longest config.json that is read. */
const longestConfig = 1024 ** 2;
/** Extensions that say nothing about a file that has another name than the framework's. */
const vague = /\.(json|txt|ya?ml|md)$/i;

/**
 * The framework that serves a source's files: the only one whose names they have, with config.json or the first bytes
 * where names do not decide, or whose extension a single file has. `wanted` (`--framework`) limits the choice. Fails with
 * code `usage` when several remain or none, naming them.
 */
export async function guessFramework(
  found: FoundFiles,
  frameworks: ReadonlyMap<string, Framework>,
  wanted?: string,
): Promise<Guess> {
  const all = [...frameworks.values()];
  const candidates =
    wanted === undefined
      ? all.filter(({ requires }) => requires.length > 0)
      : [frameworkNamed(found.what, frameworks, wanted)];
  // One that requires nothing, such as `custom`, takes any files: nothing can be guessed.
  if (candidates.every(({ requires }) => requires.length === 0))
    return { framework: nameOf(candidates), why: 'as given' };
  const { named } = found;
  if (named !== undefined && isWeights(named)) {
    const alone = { ...found, paths: [named] };
    const guess = (await byNames(alone, candidates)) ?? (await byExtension(alone, candidates));
    if (guess !== undefined) return withInclude(guess, named, found.paths, frameworks);
  }
  const guess = (await byNames(found, candidates)) ?? (await byExtension(found, candidates, wanted));
  if (guess !== undefined) return guess;
  // Whoever names the framework can have reasons: `lock` checks the files.
  if (wanted !== undefined) return { framework: wanted, why: 'as given' };
  throw nothingFits(found, all);
}

/** By the names that a framework looks for. */
async function byNames(found: FoundFiles, candidates: readonly Framework[]): Promise<Guess | undefined> {
  const all = candidates.filter((framework) => unmetBy(framework, found.paths).length === 0);
  if (all.length === 0) return undefined;
  // Folders often have the model of the top once more, for other servers.
  const top = found.paths.filter((path) => !path.includes('/'));
  const atTop = all.filter((framework) => unmetBy(framework, top).length === 0);
  const there = atTop.length > 0 ? atTop : all;
  const accepting = there.filter((one) => one.refuse?.(takenBy(one, found.paths)) === undefined);
  const matching = accepting.length > 0 ? accepting : there;
  // MLflow saves models of every kind, and this file beside them says so.
  const mlflow = matching.find(({ requires }) => requires.some(({ anyOf }) => anyOf.includes('MLmodel')));
  if (mlflow !== undefined && matching.length > 1)
    return { framework: mlflow.name, why: `by ${show('MLmodel')}, which MLflow saves beside a model` };
  const architecture = await architectureOf(found, matching);
  // Both take a repository of `transformers`: vLLM writes text and embeds it.
  const other = architecture !== undefined && isPipeline(architecture) ? 'vllm' : 'huggingface';
  const fitting = matching.length === 1 ? matching : matching.filter(({ name }) => name !== other);
  const byConfig = fitting.filter(readsConfig);
  if (architecture !== undefined && byConfig.length === 1)
    return { framework: nameOf(byConfig), why: `by config.json, which names ${show(architecture)}` };
  const modelFile = mainFile(found, fitting);
  const chosen = await narrow(found, modelFile, fitting);
  const others = fitting.filter(({ name }) => name !== chosen.framework.name).map(({ name }) => name);
  const why = chosen.why ?? `which serves ${show(modelFile)}`;
  const hint = others.length === 0 || chosen.why ? '' : `; so does ${list(others, 'and')} (--framework)`;
  return { framework: chosen.framework.name, why: why + hint };
}

/** By the extension of the only file that has it: `iris-2024.joblib` becomes `model.joblib`. */
async function byExtension(
  found: FoundFiles,
  candidates: readonly Framework[],
  wanted?: string,
): Promise<Guess | undefined> {
  const options = candidates.flatMap((framework) =>
    found.paths.flatMap((from) => {
      const to = targetOf(framework, from, wanted !== undefined && found.paths.length === 1);
      return to === undefined ? [] : [{ framework, from, to }];
    }),
  );
  const files = [...new Set(options.map(({ from }) => from))];
  const clear = files.filter((path) => !vague.test(path));
  if (clear.length > 1) throw severalFiles(found, clear);
  const [from] = clear.length === 1 ? clear : files;
  if (from === undefined || (clear.length === 0 && files.length > 1)) return undefined;
  const ours = options.filter((option) => option.from === from);
  const fitting = ours.map(({ framework }) => framework);
  if (vague.test(from) && wanted === undefined) {
    const signature = signatureOf(await found.read(from, signatureBytes));
    if (!fitting.some(({ name }) => name === signature)) return undefined;
  }
  const chosen = await narrow(found, from, fitting);
  const to = ours.find(({ framework }) => framework === chosen.framework)?.to ?? from;
  const why = chosen.why ?? (wanted === undefined ? `by the extension of ${show(from)}` : 'as given');
  return {
    framework: chosen.framework.name,
    why: `${why}; in the image it is ${show(to)}`,
    rename: { from, to },
  };
}

/** One of several frameworks that serve the same file. Fails with code `usage` when nothing decides. */
async function narrow(
  { what, paths, read }: FoundFiles,
  file: string,
  fitting: readonly Framework[],
): Promise<{ framework: Framework; why?: string }> {
  const [first] = fitting;
  if (first !== undefined && fitting.length === 1) return { framework: first };
  // `onnx-triton` is a variant of `onnx`: chosen for files that only it takes.
  const base = fitting.find(({ name }) =>
    fitting.every((one) => one.name === name || one.name.startsWith(`${name}-`)),
  );
  if (base !== undefined) {
    const chosen = (one: Framework) => takenBy(one, paths);
    const own = chosen(base);
    const variant = fitting.find((one) => chosen(one).length > own.length);
    if (variant === undefined) return { framework: base };
    const extra = chosen(variant).find((path) => !own.includes(path)) ?? '';
    return { framework: variant, why: `which alone takes ${show(extra)}` };
  }
  const signature = signatureOf(await read(file, signatureBytes));
  const signed = fitting.find(({ name }) => name === signature);
  if (signed !== undefined) return { framework: signed, why: `by the first bytes of ${show(file)}` };
  const names = fitting.map(({ name }) => name);
  throw new ModelcarsError('usage', `${what}: ${list(names, 'or')} could serve ${show(file)}`, {
    next: `pass ${list(
      names.map((name) => `--framework ${name}`),
      'or',
    )}`,
  });
}

/** The paths that a framework takes of a source. */
function takenBy(framework: Framework, paths: readonly string[]): string[] {
  const selected = paths.filter(selectionOf(framework));
  return framework.choose?.(selected).take ?? selected;
}

/** The file that a framework requires. Fails with code `usage` when several would have its place in the image. */
function mainFile(found: FoundFiles, fitting: readonly Framework[]): string {
  let file = '';
  for (const framework of fitting) {
    const { requires, place = (path) => path } = framework;
    for (const { anyOf } of requires) {
      const matches = takenBy(framework, found.paths).filter((path) => matchesAny(path, anyOf));
      const { choices = [] } = framework.refuse?.(matches) ?? {};
      if (choices.length > 1) throw severalFiles(found, choices);
      const places = Map.groupBy(matches, (path) => place(path));
      const clash = [...places.values()].find((paths) => paths.length > 1);
      if (clash !== undefined) throw severalFiles(found, clash);
      file ||= matches[0] ?? '';
    }
  }
  return file;
}

/** The path in the image that a framework with a single requirement needs for a file; undefined if it takes none such. */
function targetOf(framework: Framework, path: string, isGiven: boolean): string | undefined {
  const { requires, place = (one: string) => one } = framework;
  const [required, ...more] = requires;
  if (required === undefined || more.length > 0) return undefined;
  const name = path.slice(path.lastIndexOf('/') + 1);
  // A SavedModel is a folder, of which one file is nothing.
  if (/^saved_model\./.test(name)) return undefined;
  if (matchesAny(name, required.anyOf)) return place(name);
  const extension = /\.\w+$/.exec(name)?.[0].toLowerCase();
  // A name without extension (MLmodel) says what others are, and is no model's.
  const literal = required.anyOf.filter((glob) => /^[\w-]+\.[\w.-]+$/.test(glob));
  const same = literal.find((glob) => extension !== undefined && glob.endsWith(extension));
  const target = same ?? (isGiven ? literal[0] : undefined);
  return target === undefined ? undefined : place(target);
}

/** With globs that choose the file that the user pointed at, where the framework's own would choose more. */
function withInclude(
  guess: Guess,
  named: string,
  paths: readonly string[],
  frameworks: ReadonlyMap<string, Framework>,
): Guess {
  const framework = frameworks.get(guess.framework);
  if (framework === undefined || guess.rename !== undefined) return guess;
  const { requires } = framework;
  const chosen = paths
    .filter(selectionOf(framework))
    .filter((path) => requires.some(({ anyOf }) => matchesAny(path, anyOf)));
  if (chosen.length < 2) return guess;
  // External data of an ONNX graph is named after it.
  const data = paths.filter((path) => path.startsWith(`${named}.`) || path.startsWith(`${named}_`));
  return { ...guess, include: [named, ...data, ...ggufCompanions(named, paths), ...extras] };
}

async function architectureOf(
  { paths, read }: FoundFiles,
  fitting: readonly Framework[],
): Promise<string | undefined> {
  if (!paths.includes('config.json') || !fitting.some(readsConfig)) return undefined;
  try {
    const config: unknown = JSON.parse((await read('config.json', longestConfig)).toString('utf8'));
    const { architectures } = config as { architectures?: unknown };
    const [first] = Array.isArray(architectures) ? architectures : [];
    return typeof first === 'string' && first !== '' ? first : undefined;
  } catch (error) {
    // Names decide where it cannot be read: of a gated repository, `lock` explains that.
    if (error instanceof ModelcarsError && error.code === 'cancelled') throw error;
    return undefined;
  }
}

function readsConfig({ requires }: Framework): boolean {
  return requires.some(({ anyOf }) => anyOf.includes('config.json'));
}

function nameOf([framework]: readonly Framework[]): string {
  return framework?.name ?? '';
}

function frameworkNamed(what: string, frameworks: ReadonlyMap<string, Framework>, name: string): Framework {
  const framework = frameworks.get(name);
  if (framework !== undefined) return framework;
  const names = [...frameworks.keys()];
  throw new ModelcarsError('usage', `${what}: unknown framework ${show(name)}${didYouMean(name, names)}`, {
    next: `pass --framework with one of ${list(names, 'or')}`,
  });
}

function severalFiles({ what }: FoundFiles, files: readonly string[]): ModelcarsError {
  const shown = list(
    files.map((path) => plain(path)),
    'or',
  );
  return new ModelcarsError('usage', `${what}: the model could be ${shown}`, {
    next: 'add the file itself by its path or URL',
  });
}

function nothingFits({ what, paths }: FoundFiles, all: readonly Framework[]): ModelcarsError {
  const found = list(
    paths.map((path) => plain(path)),
    'and',
  );
  const names = `pass --framework with one of ${list(
    all.map(({ name }) => name),
    'or',
  )}`;
  const fail = (problem: string, next: string) =>
    new ModelcarsError('usage', `${what}: ${problem}`, { next });
  const known = recognise(paths);
  // What huggingface lacks, vllm lacks too.
  const isNear = (one: Framework) =>
    one.name !== 'huggingface' && unmetBy(one, paths).length < one.requires.length;
  const near = known === undefined ? all.find(isNear) : all.find(({ name }) => name === known.framework);
  const [unmet] = near === undefined ? [] : unmetBy(near, paths);
  if (near !== undefined && unmet !== undefined) {
    const those = known === undefined ? '' : `these files are ${known.what}; `;
    const problem = `${those}${near.name} needs ${list(unmet.anyOf, 'or')}: ${unmet.why}; found ${found}`;
    return fail(problem, `add the missing file, or ${names}`);
  }
  if (known !== undefined) return fail(`these files are ${known.what}`, known.next);
  return fail(`no framework looks for these files: ${found || 'none'}`, names);
}
