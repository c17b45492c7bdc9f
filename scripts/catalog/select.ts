import picomatch from 'picomatch';
import { ModelcarsError } from '../errors.ts';
import { frameworkName } from '../model/catalog-entry.ts';
import type { Catalog, CatalogEntry } from '../model/types.ts';
import { list, plain, show } from '../text/format.ts';
import { didYouMean } from '../text/suggest.ts';

const filters = ['framework', 'name'] as const;
type Filter = (typeof filters)[number];

/**
 * The selected models, in the catalog's order; all models without a selection. `names` are exact; `only` has
 * `framework=NAME` and `name=GLOB`: several of one kind widen the selection, several kinds narrow it. Fails with code
 * `usage` when a name is unknown or nothing matches.
 */
export function selectModels(
  catalog: Catalog,
  names: readonly string[],
  only: readonly string[],
): CatalogEntry[] {
  const known = catalog.models.map(({ name }) => name);
  for (const name of names) {
    if (known.includes(name)) continue;
    const hint = didYouMean(name, known) || `; expected ${list(known, 'or')}`;
    throw usage(`no model ${show(name)} in the catalog${hint}`);
  }
  const chosen = new Map<Filter, string[]>();
  for (const filter of only) {
    const [key, value] = parseFilter(filter);
    chosen.set(key, [...(chosen.get(key) ?? []), value]);
  }
  const frameworks = [...new Set(catalog.models.map(frameworkName))];
  for (const framework of chosen.get('framework') ?? []) {
    if (frameworks.includes(framework)) continue;
    const hint = didYouMean(framework, frameworks) || `; expected ${list(frameworks, 'or')}`;
    throw usage(`no model of framework ${show(framework)} in the catalog${hint}`);
  }
  const matchName = picomatch(chosen.get('name') ?? ['*'], { noextglob: true, nonegate: true });
  const models = catalog.models.filter(
    (entry) =>
      (names.length === 0 || names.includes(entry.name)) &&
      (chosen.get('framework')?.includes(frameworkName(entry)) ?? true) &&
      matchName(entry.name),
  );
  if (models.length === 0)
    throw usage(
      `no model of the catalog is ${list(
        only.map((one) => plain(one)),
        'and',
      )}`,
    );
  return models;
}

function parseFilter(filter: string): [Filter, string] {
  const at = filter.indexOf('=');
  const word = at === -1 ? filter : filter.slice(0, at);
  const value = at === -1 ? '' : filter.slice(at + 1);
  const key = filters.find((one) => one === word);
  if (key === undefined || value === '' || value.length > 255) {
    const hint = key === undefined ? didYouMean(word, filters) : '';
    throw usage(`expected --only framework=NAME or --only name=GLOB, got ${show(filter)}${hint}`);
  }
  return [key, value];
}

function usage(problem: string): ModelcarsError {
  return new ModelcarsError('usage', `select models: ${problem}`, {
    next: 'run `modelcars list` to see the models',
  });
}
