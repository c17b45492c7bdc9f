import { readFile, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { modelName } from '../catalog/fields.ts';
import { loadFrameworks } from '../catalog/frameworks.ts';
import { type Guess, guessFramework } from '../catalog/guess-framework.ts';
import { freeName, guessName } from '../catalog/guess-name.ts';
import { entryText, insertModel, type NewModel } from '../catalog/insert-model.ts';
import { parseCatalog, readCatalogText } from '../catalog/load.ts';
import { commandFor } from '../catalog/lock-path.ts';
import { newCatalogText } from '../catalog/new-catalog.ts';
import { writeTextFile } from '../catalog/write-text.ts';
import { ModelcarsError } from '../errors.ts';
import { sourceName } from '../model/catalog-entry.ts';
import type { Catalog, Framework, Overrides } from '../model/types.ts';
import { closeSources, kindOf } from '../sources/index.ts';
import type { SourceOptions } from '../sources/types.ts';
import { plain } from '../text/format.ts';
import { displayPath } from '../text/paths.ts';
import { addedSource } from './added-source.ts';
import { sourceFiles } from './found-files.ts';
import { type Locking, lockModels } from './lock.ts';
import type { RunOptions } from './types.ts';

export interface AddOptions {
  /** Path of models.yaml, which is created if missing. */
  file: string;
  /** What to add, as typed. */
  what: string[];
  /** Instead of the guessed name; for a single model. */
  name?: string;
  /** Instead of the guessed framework. */
  framework?: string;
  /** `version` is written to the entries. */
  overrides: Pick<Overrides, 'version' | 'mirrors'>;
  /** Whether to lock the new entries. */
  lock: boolean;
  run: Omit<RunOptions, 'catalog' | 'models'>;
}

/** A new entry of models.yaml. */
export interface Addition {
  model: NewModel;
  /** Why this framework: completes "NAME: FRAMEWORK, …". */
  why: string;
  /** What the hub calls it, if that is another name than the one typed. */
  note?: string;
  /** The entry as YAML. */
  yaml: string;
}

export interface Added {
  catalog: Catalog;
  additions: Addition[];
  /** What happened to models.yaml; with a dry run, what would. */
  change: 'created' | 'changed' | 'unchanged';
  /** Absent with `lock: false`. */
  locking?: Locking;
}

/**
 * Appends models to models.yaml and locks them: all or, when one cannot be understood or locked, none; then models.yaml
 * and the lock stay as they were. Fails with code `usage` for what cannot be understood.
 */
export async function addModels(options: AddOptions): Promise<Added> {
  const { overrides, run } = options;
  const file = resolve(options.file);
  const directory = dirname(file);
  const before = await readCatalogText(file);
  let text = before ?? newCatalogText(await installedSchema(directory));
  let catalog = await parseCatalog(file, text, overrides);
  const frameworks = await loadFrameworks(directory);
  const { caFile, insecure } = run.registry;
  const sources: SourceOptions = {
    directory,
    ...(caFile !== undefined && { caFile }),
    ...(insecure && { insecure }),
    mirrors: catalog.mirrors,
    onRetry: (message) => run.progress.warn(message),
  };
  const additions: Addition[] = [];
  try {
    for (const what of options.what) {
      const addition = await understand(what, options, { catalog, frameworks, sources });
      additions.push(addition);
      text = insert(text, addition, file);
      catalog = await parseCatalog(file, text, overrides);
    }
  } finally {
    await closeSources(sources);
  }
  const change = before === undefined ? 'created' : 'changed';
  if (!options.lock) {
    if (!run.dryRun) await writeCatalog(file, before, text);
    return { catalog, additions, change };
  }
  const names = new Set(additions.map(({ model }) => model.name));
  const models = catalog.models.filter(({ name }) => names.has(name));
  const lockBefore = await contentOf(catalog.lockFile);
  const locking = await lockModels({ ...run, catalog, models, frozen: false, allOrNothing: true });
  if (locking.outcomes.some(({ status }) => status === 'failed'))
    return { catalog, additions, change: 'unchanged', locking };
  if (!run.dryRun) {
    const lockAfter = await contentOf(catalog.lockFile);
    try {
      await writeCatalog(file, before, text);
    } catch (error) {
      if ((await contentOf(catalog.lockFile)) === lockAfter) await restore(catalog.lockFile, lockBefore);
      throw error;
    }
  }
  return { catalog, additions, change, locking };
}

/** The entry for one argument. */
async function understand(
  what: string,
  { name, framework, overrides, run }: AddOptions,
  {
    catalog,
    frameworks,
    sources,
  }: { catalog: Catalog; frameworks: ReadonlyMap<string, Framework>; sources: SourceOptions },
): Promise<Addition> {
  const { uri, path, note } = await addedSource(what, sources, { signal: run.signal });
  const shown = `add ${plain(what)}`;
  const chosenName = nameFor(shown, uri, name, catalog);
  const files = await sourceFiles(uri, sources, run.signal);
  if (path !== undefined && !files.paths.includes(path)) {
    throw new ModelcarsError('source', `${shown}: ${plain(uri)} has no file ${plain(path)}`, {
      next: 'check the revision and the path',
    });
  }
  const found = { what: shown, ...files, ...(path !== undefined && { named: path }) };
  const guess = await guessFramework(found, frameworks, framework);
  const { version } = overrides;
  const model: NewModel = {
    name: chosenName,
    framework: guess.framework,
    source: uri,
    ...(guess.include && { include: guess.include }),
    ...(guess.rename && { files: { [guess.rename.to]: await fileUri(uri, guess.rename, sources) } }),
    ...(version !== undefined && { version }),
  };
  return { model, why: guess.why, yaml: entryText(model), ...(note !== undefined && { note }) };
}

/** The given or guessed name. Fails with code `usage` when it is invalid or taken. */
function nameFor(shown: string, uri: string, given: string | undefined, catalog: Catalog): string {
  const { models, directory } = catalog;
  const name = given ?? guessName(uri, directory);
  if (name === undefined) {
    throw new ModelcarsError('usage', `${shown}: its path suggests no name`, { next: 'pass --name' });
  }
  const [issue] = modelName.safeParse(name).error?.issues ?? [];
  if (issue !== undefined) {
    throw new ModelcarsError('usage', `read --name: ${issue.message}`, { next: 'correct --name' });
  }
  const taken = models.find((model) => model.name === name);
  if (taken === undefined) return name;
  const free = freeName(name, new Set(models.map((model) => model.name)));
  const isSame = sourceName(taken) === uri;
  throw new ModelcarsError(
    'usage',
    `${shown}: the catalog already has ${isSame ? `this model as ${name}` : `a model named ${name}`}`,
    {
      next: isSame
        ? `run \`${commandFor(catalog, `lock ${name}`)}\` to update its lock`
        : `pass another name: --name ${free}`,
    },
  );
}

/** The URI of the file that `files:` renames. */
async function fileUri(
  uri: string,
  { from }: NonNullable<Guess['rename']>,
  sources: SourceOptions,
): Promise<string> {
  const kind = kindOf(uri);
  const isFolder =
    kind?.local === undefined
      ? uri.split('/').at(-1) !== from
      : (await kind.namesMany?.(uri, sources)) !== undefined;
  return isFolder ? (kind?.fileUri?.(uri, from, sources.env ?? process.env) ?? uri) : uri;
}

function insert(text: string, { model, yaml }: Addition, file: string): string {
  const result = insertModel(text, model);
  if (result !== undefined) return result;
  throw new ModelcarsError(
    'catalog',
    `add ${model.name}: the list in ${displayPath(file)} is written in a way that cannot be appended to`,
    {
      next: `add this entry by hand, and run \`${commandFor({ file }, `lock ${model.name}`)}\`:\n${yaml.trimEnd()}`,
    },
  );
}

/** Fails with code `catalog` when the file is no longer the one that was read. */
async function writeCatalog(file: string, before: string | undefined, text: string): Promise<void> {
  if ((await readCatalogText(file)) !== before) {
    throw new ModelcarsError('catalog', `write ${displayPath(file)}: it changed meanwhile`, {
      next: 'run the same command again',
    });
  }
  await writeTextFile(file, text);
}

async function contentOf(file: string): Promise<string | undefined> {
  return await readFile(file, 'utf8').catch(() => undefined);
}

async function restore(file: string, content: string | undefined): Promise<void> {
  if (content === undefined) await rm(file, { force: true });
  else await writeTextFile(file, content);
}

/** The schema of an installed modelcars, for editors. */
async function installedSchema(directory: string): Promise<{ schema?: string }> {
  const path = 'node_modules/modelcars/models.schema.json';
  const isInstalled = (await stat(join(directory, path)).catch(() => undefined))?.isFile() === true;
  return isInstalled ? { schema: `./${path}` } : {};
}
