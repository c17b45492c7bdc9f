import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { ModelcarsError } from '../errors.ts';
import type { Catalog, Overrides } from '../model/types.ts';
import { list, plain, show } from '../text/format.ts';
import { displayPath } from '../text/paths.ts';
import { didYouMean } from '../text/suggest.ts';
import { toModel } from './defaults.ts';
import { type Diagnostic, diagnosticsError } from './diagnostics.ts';
import { frameworkNames } from './frameworks.ts';
import { commandFor, lockFileOf } from './lock-path.ts';
import { quickYaml } from './quick-yaml.ts';
import { conflictLine, type ReadOptions, readText } from './read-text.ts';
import { type CatalogInput, catalogSchema, defaultsSchema, modelSchema } from './schema.ts';
import { keysAt } from './schema-keys.ts';
import { servingSchema } from './serving.ts';
import { checkServing } from './serving-check.ts';
import { expectKeys, smokeKeys } from './smoke.ts';
import { signerKeys, toTrust, trustSchema } from './trust.ts';
import type { YamlDocument } from './yaml-document.ts';
import { zodDiagnostics } from './zod-diagnostics.ts';

export { selectModels } from './select.ts';

/** Limit on the values that a catalog can expand to; a thousand models with all fields stay far below. */
const mostValues = 100_000;
const next = 'correct it; docs/reference/models-yaml.md describes every field';
const reading: ReadOptions = {
  code: 'catalog',
  mostBytes: 1024 ** 2,
  next: 'name a models.yaml with -f FILE',
};

/**
 * Reads and checks models.yaml; `overrides` come from flags. Fails with code `catalog` and all mistakes at once, one
 * line `file:line:column: …` per mistake, or when it lists no models; with code `usage`, naming the flag, for an
 * invalid override.
 */
export async function loadCatalog(file: string, overrides: Overrides = {}): Promise<Catalog> {
  checkOverrides(overrides);
  const path = resolve(file);
  const text = await readCatalogText(path);
  const shown = displayPath(path);
  if (text === undefined) {
    throw new ModelcarsError('catalog', `read ${shown}: no such file`, {
      next: `${reading.next}, or start one with \`modelcars init\``,
    });
  }
  const catalog = await parseCatalog(path, text, overrides);
  if (catalog.models.length > 0) return catalog;
  throw new ModelcarsError('catalog', `${shown} lists no models yet`, {
    next: `run \`${commandFor(catalog, 'add ./model.joblib')}\` with the path, name on the hub or URL of a model`,
  });
}

/** The text of models.yaml; undefined when the file does not exist. Fails with code `catalog`. */
export async function readCatalogText(path: string): Promise<string | undefined> {
  return await readText(path, reading);
}

/** Checks the text of the models.yaml at an absolute path, as `loadCatalog` does, except that it can list no models. */
export async function parseCatalog(path: string, text: string, overrides: Overrides = {}): Promise<Catalog> {
  checkOverrides(overrides);
  const directory = dirname(path);
  const frameworks = await frameworkNames(directory);
  const catalog = validCatalog(text, frameworks) ?? (await explainedCatalog(path, text, frameworks));
  return {
    file: path,
    directory,
    lockFile: lockFileOf(path),
    mirrors: { ...catalog.mirrors, ...overrides.mirrors },
    ...(catalog.cache !== undefined && { cache: catalog.cache }),
    ...(catalog.allowLicenses !== undefined && { allowLicenses: catalog.allowLicenses }),
    ...(catalog.trust !== undefined && { trust: toTrust(catalog.trust, directory) }),
    models: catalog.models.map((entry) => toModel(entry, catalog, overrides)),
  };
}

/** The catalog of a text without mistakes; undefined for any other, and for unusual YAML. */
function validCatalog(text: string, frameworks: readonly string[]): CatalogInput | undefined {
  const value = quickYaml(text);
  const { data } = catalogSchema.safeParse(value);
  const unplaced: YamlDocument = { value, mistakes: [], place: () => ({ line: 1, column: 1 }) };
  return data !== undefined && crossCheck(unplaced, frameworks).length === 0 ? data : undefined;
}

/** The same with the position of each value, for the mistakes: five times as slow. */
async function explainedCatalog(
  path: string,
  text: string,
  frameworks: readonly string[],
): Promise<CatalogInput> {
  const { readYaml } = await import('./yaml-document.ts');
  const document = readYaml(text, mostValues);
  if (document.mistakes.length > 0) {
    const line = conflictLine(text);
    const conflict = { line: line ?? 1, column: 1, text: 'a merge conflict was not resolved' };
    throw diagnosticsError('catalog', path, line === undefined ? document.mistakes : [conflict], next);
  }
  if (document.value === null) {
    const empty = [{ line: 1, column: 1, text: 'the file is empty; expected a map with `models:`' }];
    throw diagnosticsError('catalog', path, empty, next);
  }
  const parsed = catalogSchema.safeParse(document.value);
  const mistakes = [
    ...(parsed.success ? [] : zodDiagnostics(parsed.error, document, knownKeys)),
    ...crossCheck(document, frameworks),
  ];
  if (!parsed.success || mistakes.length > 0) throw diagnosticsError('catalog', path, mistakes, next);
  return parsed.data;
}

/** Checks across fields: duplicate names, unknown frameworks, merged `serving:`. Works on values that zod may have rejected. */
function crossCheck(document: YamlDocument, frameworks: readonly string[]): Diagnostic[] {
  const loose = z
    .object({ models: z.array(z.unknown()), defaults: z.object({ framework: z.unknown() }).optional() })
    .safeParse(document.value);
  const mistakes = checkServing(document);
  const firsts = new Map<string, number>();
  const ofAll = loose.data?.defaults?.framework;
  const checkName = (framework: unknown, path: (string | number)[]) => {
    if (typeof framework !== 'string' || framework.trim() === '' || frameworks.includes(framework)) return;
    const have = frameworks.length === 0 ? 'no framework was found' : `expected ${list(frameworks, 'or')}`;
    const text = `unknown framework ${show(framework)}${didYouMean(framework, frameworks) || `; ${have}`}`;
    mistakes.push({ ...document.place(path, 'value'), text });
  };
  checkName(ofAll, ['defaults', 'framework']);
  for (const [index, model] of (loose.data?.models ?? []).entries()) {
    const fields = z.record(z.string(), z.unknown()).safeParse(model).data;
    const { name, framework, image } = fields ?? {};
    if (typeof name === 'string' && name !== '') {
      const first = firsts.get(name);
      if (first === undefined) firsts.set(name, index);
      else mistakes.push(duplicateName(document, name, first, index));
    }
    const path = ['models', index, 'framework'];
    checkName(framework, path);
    const isModel = fields !== undefined && (image === undefined || image === 'model');
    if (isModel && framework === undefined && ofAll === undefined) {
      const text =
        '`framework`: missing; expected the name of a folder in frameworks/, here or in `defaults:`';
      mistakes.push({ ...document.place(path, 'value'), text });
    }
  }
  return mistakes;
}

function duplicateName(document: YamlDocument, name: string, first: number, index: number): Diagnostic {
  const { line } = document.place(['models', first, 'name'], 'value');
  const place = document.place(['models', index, 'name'], 'value');
  // A name from a merge key (`<<`) has the position of the original.
  const own = line === place.line ? document.place(['models', index], 'value') : place;
  return { ...own, text: `duplicate name ${show(name)}; first on line ${line}` };
}

function knownKeys(path: readonly PropertyKey[]): readonly string[] {
  if (path.length === 0) return Object.keys(catalogSchema.shape);
  if (path[0] === 'trust') return path.includes('signers') ? signerKeys : Object.keys(trustSchema.shape);
  const serving = path.indexOf('serving');
  if (serving >= 0) return keysAt(servingSchema, path.slice(serving + 1));
  if (path.at(-1) === 'smoke') return smokeKeys;
  if (path.at(-1) === 'expect') return expectKeys;
  return Object.keys((path[0] === 'defaults' ? defaultsSchema : modelSchema).shape);
}

/** Applies the same rules as for the file; the error names the flag instead of a position. */
function checkOverrides(overrides: Overrides): void {
  const { shape } = defaultsSchema;
  const { registry, mirrors } = catalogSchema.shape;
  const flags: [flag: string, schema: z.ZodType, value: unknown][] = [
    ['--registry', registry, overrides.registry],
    ['--version', shape.version, overrides.version],
    ['--tag', shape.tags, overrides.tags],
    ['--base', shape.base, overrides.base],
    ['--platform', shape.platforms, overrides.platforms],
    ['--compression', shape.compression, overrides.compression],
    ['--mirror', mirrors, overrides.mirrors],
  ];
  for (const [flag, schema, value] of flags) {
    if (value === undefined) continue;
    const [issue] = schema.safeParse(value).error?.issues ?? [];
    if (issue === undefined) continue;
    const text = issue.code === 'invalid_key' ? (issue.issues[0]?.message ?? issue.message) : issue.message;
    throw new ModelcarsError('usage', `read ${flag}: ${plain(text, 400)}`, { next: `correct ${flag}` });
  }
}
