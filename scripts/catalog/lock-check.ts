import { isModel } from '../model/catalog-entry.ts';
import type { CatalogEntry, Framework, Lock, LockedModel, Model } from '../model/types.ts';
import { list, show } from '../text/format.ts';

/** The globs that choose a model's files. */
export interface Globs {
  include: string[];
  exclude: string[];
}

/**
 * An own `include` replaces all that the framework chooses and leaves out; an own `exclude` adds to it. These
 * are the globs that the lock records.
 */
export function globsOf(model: Model, framework: Framework): Globs {
  if (model.include.length > 0) return { include: model.include, exclude: model.exclude };
  return { include: framework.include, exclude: [...framework.exclude, ...model.exclude] };
}

/**
 * Why the lock does not hold for these models; empty when it does. Looks at no source: files that changed on disk show
 * when they are read. `all`, when given, are all models of the catalog, to find entries that `lock` would drop; `file` is the lock's name.
 */
export function lockProblems(
  models: readonly CatalogEntry[],
  lock: Lock | undefined,
  frameworks: ReadonlyMap<string, Framework>,
  all?: readonly CatalogEntry[],
  file = 'models.lock.yaml',
): string[] {
  if (lock === undefined) return [`there is no ${file}`];
  const reasons: string[] = [];
  const missing = new Map<string, Set<string>>();
  for (const model of models) {
    // A loader is the running program: only its base is locked.
    if (isModel(model)) {
      const locked = Object.hasOwn(lock.models, model.name) ? lock.models[model.name] : undefined;
      const framework = frameworks.get(model.framework);
      const changes = locked && framework ? changesOf(model, locked, framework) : ['it is not in the lock'];
      for (const change of changes) reasons.push(`model ${model.name}: ${change}`);
    }
    const base = Object.hasOwn(lock.bases, model.base) ? lock.bases[model.base] : undefined;
    for (const platform of model.platforms) {
      if (base && Object.hasOwn(base, platform)) continue;
      missing.set(model.base, (missing.get(model.base) ?? new Set()).add(platform));
    }
  }
  for (const [base, platforms] of missing) {
    reasons.push(
      `base ${show(base)}: ${list([...platforms], 'and')} ${platforms.size === 1 ? 'is' : 'are'} not in the lock`,
    );
  }
  const names = new Set(all?.map(({ name }) => name));
  const extra = all === undefined ? [] : Object.keys(lock.models).filter((name) => !names.has(name));
  return [
    ...reasons,
    ...extra.map((name) => `model ${name}: it is in the lock, but no longer in the catalog`),
  ];
}

function changesOf(model: Model, locked: LockedModel, framework: Framework): string[] {
  const changes: string[] = [];
  for (const field of ['framework', 'source'] as const) {
    if (model[field] !== locked[field]) {
      changes.push(`\`${field}\` was ${show(locked[field])}, now it is ${show(model[field])}`);
    }
  }
  const globs = globsOf(model, framework);
  for (const field of ['include', 'exclude'] as const) {
    if (JSON.stringify(globs[field]) !== JSON.stringify(locked[field])) {
      changes.push(
        `\`${field}\` was ${JSON.stringify(locked[field])}, now it is ${JSON.stringify(globs[field])}`,
      );
    }
  }
  const before = new Map(
    locked.files.flatMap(({ path, source }) => (source === undefined ? [] : [[path, source]])),
  );
  for (const [path, uri] of Object.entries(model.files)) {
    if (before.get(path) !== uri)
      changes.push(`\`files:\` ${show(path)} is ${before.has(path) ? 'changed' : 'new'}`);
    before.delete(path);
  }
  for (const path of before.keys()) changes.push(`\`files:\` ${show(path)} is gone`);
  return changes;
}
