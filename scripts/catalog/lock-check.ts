import { isModel } from '../model/catalog-entry.ts';
import type { CatalogEntry, Framework, Lock, LockedModel, Model } from '../model/types.ts';
import { list, show } from '../text/format.ts';

/** The globs that choose a model's files. */
export interface Globs {
  include: string[];
  exclude: string[];
}

/**
 * The globs that the lock records. A model's `include` replaces the framework's `include` and `exclude`; its `exclude`
 * adds to the framework's.
 */
export function globsOf(model: Model, framework: Framework): Globs {
  if (model.include.length > 0) return { include: model.include, exclude: model.exclude };
  return { include: framework.include, exclude: [...framework.exclude, ...model.exclude] };
}

/**
 * Why the lock is out of date for these models; empty when it is current. Reads no source: files that changed on disk
 * are found when they are read. With `all` models of the catalog, entries that `lock` would remove are reasons too.
 * `file` is the lock's name.
 */
export function lockProblems(
  models: readonly CatalogEntry[],
  lock: Lock | undefined,
  frameworks: ReadonlyMap<string, Framework>,
  all?: readonly CatalogEntry[],
  file = 'models.lock.yaml',
): string[] {
  if (lock === undefined) return [`no ${file}`];
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
  for (const path of before.keys()) changes.push(`\`files:\` ${show(path)} is no longer in the catalog`);
  return changes;
}
