import { ModelcarsError } from '../errors.ts';
import { isModel } from '../model/catalog-entry.ts';
import type { CatalogEntry, Lock } from '../model/types.ts';
import { show } from '../text/format.ts';

/** One of several parts of a catalog, each for its machine. */
export interface Shard {
  /** From 1 to `total`. */
  index: number;
  total: number;
}

/** More machines than any catalog needs, and few enough for an array of their loads. */
const mostShards = 10_000;

/**
 * The overhead of every model (base layers, manifests, requests), as the number of bytes that take the same time.
 * Without it, a thousand tiny models would all go to one machine when another has a single large one.
 */
const bytesPerModel = 10_000_000;

/** The variables that `--shard auto` reads, and where each system starts counting. */
const counters = [
  // Kubernetes sets the index of an Indexed Job's pod, but never the number of pods (batch/v1 Job, `completionMode`).
  { index: 'JOB_COMPLETION_INDEX', total: 'MODELCARS_SHARDS', first: 0, of: 'a Kubernetes Indexed Job' },
  { index: 'CI_NODE_INDEX', total: 'CI_NODE_TOTAL', first: 1, of: 'GitLab with `parallel:`' },
] as const;

/**
 * Parses `--shard`: `2/4` is the second of four, `auto` takes both numbers from the environment of a Kubernetes Indexed
 * Job or of a GitLab job with `parallel:`. Fails with code `usage`.
 */
export function parseShard(text: string, environment: NodeJS.ProcessEnv): Shard {
  if (text === 'auto') return fromEnvironment(environment);
  const [, index, total] = /^(\d{1,9})\/(\d{1,9})$/.exec(text) ?? [];
  if (index === undefined || total === undefined)
    throw usage(`expected --shard I/N or --shard auto, got ${show(text)}`);
  return checked({ index: Number(index), total: Number(total) }, `--shard ${text}`);
}

/**
 * The models of one shard, in the given order. Every model is in exactly one of the `total` shards. The sizes in the
 * lock decide in which one: the largest first, each to the shard with the smallest load so far (the heaviest shard is
 * then at most 4/3 of the optimum; Graham 1969). Models missing from the lock count as the average of the others.
 * Shards beyond the number of models are empty.
 */
export function shardModels(
  models: readonly CatalogEntry[],
  lock: Lock | undefined,
  shard: Shard,
): CatalogEntry[] {
  const sizes = new Map(models.map((model) => [model.name, lockedSize(model, lock)]));
  const known = [...sizes.values()].filter((size) => size !== undefined);
  const average = known.reduce((sum, size) => sum + size, 0) / Math.max(1, known.length);
  // A loader's image is about as large as the overhead of every model.
  const weight = (entry: CatalogEntry) =>
    bytesPerModel + (sizes.get(entry.name) ?? (isModel(entry) ? average : 0));
  const byWeight = models.toSorted((a, b) => weight(b) - weight(a) || (a.name < b.name ? -1 : 1));
  const loads = Array.from({ length: shard.total }, () => 0);
  const chosen = new Set<string>();
  for (const model of byWeight) {
    const lightest = loads.indexOf(Math.min(...loads));
    loads[lightest] = (loads[lightest] ?? 0) + weight(model);
    if (lightest === shard.index - 1) chosen.add(model.name);
  }
  return models.filter(({ name }) => chosen.has(name));
}

/** Bytes of a model's files according to the lock; undefined without an entry, as for a loader. */
export function lockedSize({ name }: CatalogEntry, lock: Lock | undefined): number | undefined {
  if (lock === undefined || !Object.hasOwn(lock.models, name)) return undefined;
  return lock.models[name]?.files.reduce((sum, { size }) => sum + size, 0);
}

function fromEnvironment(environment: NodeJS.ProcessEnv): Shard {
  const found = counters.find(({ index }) => environment[index] !== undefined);
  if (!found) {
    throw usage(
      `--shard auto: neither ${counters.map(({ index }) => index).join(' nor ')} is set`,
      'run it in a Kubernetes Indexed Job or a GitLab job with `parallel:`, or pass --shard I/N',
    );
  }
  const [index, total] = [found.index, found.total].map((name) => {
    const text = environment[name];
    if (text !== undefined && /^\d{1,9}$/.test(text)) return Number(text);
    const state = text === undefined ? 'is not set' : `is ${show(text)}, not a number`;
    throw usage(`--shard auto: ${name} ${state}`, next(name, found.of));
  });
  return checked(
    { index: Number(index) - found.first + 1, total: Number(total) },
    `--shard auto: ${found.index}=${index} and ${found.total}=${total}`,
  );
}

function next(name: string, of: string): string {
  return name === 'MODELCARS_SHARDS'
    ? "set MODELCARS_SHARDS to the Job's `completions`"
    : `run it in ${of}, which sets it`;
}

function checked({ index, total }: Shard, said: string): Shard {
  if (total < 1 || total > mostShards) throw usage(`${said}: expected 1 to ${mostShards} shards`);
  if (index < 1 || index > total)
    throw usage(`${said}: shard ${index} of ${total}; they count from 1 to ${total}`);
  return { index, total };
}

function usage(problem: string, step = 'for example --shard 2/4, the second of four'): ModelcarsError {
  return new ModelcarsError('usage', problem, { next: step });
}
