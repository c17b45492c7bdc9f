import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { draftModel } from '../../tests/support/draft-model.ts';
import { ModelcarsError } from '../errors.ts';
import type { CatalogEntry, Loader, Lock, Model } from '../model/types.ts';
import { parseShard, shardModels } from './shard.ts';

const model = (name: string, more: Partial<Model> = {}): Model =>
  draftModel({ name, framework: 'testing', ...more });

/** A lock in which each named model has one file of that many bytes. */
function lockOf(sizes: Record<string, number>): Lock {
  const entry = (size: number) => ({
    framework: 'testing',
    source: 'file:m',
    revision: 'r',
    include: [],
    exclude: [],
    files: [{ path: 'm', size, sha256: '0'.repeat(64) }],
  });
  const models = Object.entries(sizes).map(([name, size]) => [name, entry(size)] as const);
  return { lockVersion: 1, bases: {}, models: Object.fromEntries(models) };
}

const GB = 10 ** 9;
const sizes = (most: number, { maxLength = 40, minLength = 0 } = {}) =>
  fc.array(fc.oneof(fc.nat(most), fc.constantFrom(0, most)), { minLength, maxLength });

/** A catalog whose models have these sizes, and its lock; `m7` has the eighth. */
function catalogOf(bytes: readonly number[]) {
  const models = bytes.map((_, index) => model(`m${index}`));
  return { models, lock: lockOf(Object.fromEntries(bytes.map((size, index) => [`m${index}`, size]))) };
}

function shardsOf(models: readonly CatalogEntry[], lock: Lock | undefined, total: number): CatalogEntry[][] {
  return Array.from({ length: total }, (_, index) => shardModels(models, lock, { index: index + 1, total }));
}

/** The smallest possible load of the heaviest of `total` machines, found by trying every assignment of the weights. */
function lightestHeaviest(weights: readonly number[], total: number): number {
  const loads = Array.from({ length: total }, () => 0);
  const place = (at: number): number => {
    const weight = weights[at];
    if (weight === undefined) return Math.max(...loads);
    return Math.min(
      ...loads.map((load, index) => {
        loads[index] = load + weight;
        const heaviest = place(at + 1);
        loads[index] = load;
        return heaviest;
      }),
    );
  };
  return place(0);
}

describe('shards', () => {
  it('contain every model once, for any number of shards, in the order of the catalog', () => {
    fc.assert(
      fc.property(sizes(100 * GB), fc.integer({ min: 1, max: 60 }), fc.boolean(), (bytes, total, locked) => {
        const { models, lock } = catalogOf(bytes);
        const shards = shardsOf(models, locked ? lock : undefined, total);
        const all = shards.flat().map(({ name }) => name);
        expect(all.toSorted()).toEqual(models.map(({ name }) => name).toSorted());
        for (const shard of shards) expect(shard).toEqual(models.filter((one) => shard.includes(one)));
      }),
    );
  });

  it('do not depend on the order of the catalog and of the lock', () => {
    const shuffled = sizes(10 * GB).chain((bytes) => {
      const { models, lock } = catalogOf(bytes);
      const entries = fc.shuffledSubarray(Object.entries(lock.models), { minLength: bytes.length });
      return fc.record({
        models: fc.constant(models),
        lock: fc.constant(lock),
        again: fc.shuffledSubarray(models, { minLength: bytes.length }),
        lockAgain: entries.map((models) => ({ ...lock, models: Object.fromEntries(models) })),
      });
    });
    fc.assert(
      fc.property(shuffled, fc.integer({ min: 1, max: 9 }), ({ models, lock, again, lockAgain }, total) => {
        const names = (shards: CatalogEntry[][]) =>
          shards.map((shard) => shard.map(({ name }) => name).toSorted());
        expect(names(shardsOf(again, lockAgain, total))).toEqual(names(shardsOf(models, lock, total)));
      }),
    );
  });

  it('are balanced: the heaviest is at most 4/3 of the optimum', () => {
    fc.assert(
      fc.property(
        sizes(50 * GB, { maxLength: 7, minLength: 1 }),
        fc.integer({ min: 1, max: 4 }),
        (bytes, total) => {
          const { models, lock } = catalogOf(bytes);
          const weight = ({ name }: CatalogEntry) => (bytes[Number(name.slice(1))] ?? 0) + 10_000_000;
          const loads = shardsOf(models, lock, total).map((shard) =>
            shard.reduce((sum, one) => sum + weight(one), 0),
          );
          const best = lightestHeaviest(models.map(weight), total);
          expect(Math.max(...loads)).toBeLessThanOrEqual(best * (4 / 3));
        },
      ),
    );
  });

  it('separate a large model from the small ones', () => {
    const { models, lock } = catalogOf([1, 2, 30 * GB, 3, 4]);
    expect(shardsOf(models, lock, 2).map((shard) => shard.map(({ name }) => name))).toEqual([
      ['m2'],
      ['m0', 'm1', 'm3', 'm4'],
    ]);
  });

  it('distribute models without size by their number', () => {
    const { models, lock } = catalogOf(Array.from({ length: 9 }, () => 0));
    expect(shardsOf(models, lock, 3).map((shard) => shard.length)).toEqual([3, 3, 3]);
    expect(shardsOf(models, undefined, 3).map((shard) => shard.length)).toEqual([3, 3, 3]);
  });

  it('contain loaders, and count models that the lock lacks as the average of the others', () => {
    const loader: Loader = {
      name: 'loader',
      image: 'loader',
      tags: [],
      base: 'node',
      platforms: ['linux/amd64'],
      compression: 'none',
      annotations: {},
    };
    const models = [model('big'), model('four'), loader, model('new'), model('small')];
    const lock = lockOf({ big: 9 * GB, four: 4 * GB, small: 1 * GB });
    // new counts as 4.7 GB, so it comes second; if the loader counted as a model of no bytes, new would come third.
    expect(shardsOf(models, lock, 3).map((shard) => shard.map(({ name }) => name))).toEqual([
      ['big'],
      ['loader', 'new'],
      ['four', 'small'],
    ]);
    expect(shardsOf(models, lock, 5).map((shard) => shard.length)).toEqual([1, 1, 1, 1, 1]);
  });
});

describe('--shard', () => {
  const shard = (text: string, environment: NodeJS.ProcessEnv = {}) => parseShard(text, environment);
  const refusal = (text: string, environment: NodeJS.ProcessEnv = {}): ModelcarsError => {
    try {
      shard(text, environment);
    } catch (error) {
      expect(error).toBeInstanceOf(ModelcarsError);
      expect(error).toMatchObject({ code: 'usage', exitCode: 2, next: expect.any(String) });
      return error as ModelcarsError;
    }
    throw new Error(`--shard ${text} was taken`);
  };

  it('accepts only I/N', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000 }), fc.nat(), (total, seed) => {
        const index = (seed % total) + 1;
        const environment = { JOB_COMPLETION_INDEX: '7', MODELCARS_SHARDS: '9' };
        expect(shard(`${index}/${total}`, environment)).toEqual({ index, total });
      }),
    );
  });

  it.each(['', '3', '1/', '/2', '1/2/3', '-1/2', '1.5/2', 'one/two', 'AUTO', '1 / 2', '1/2\n'])(
    'refuses %j',
    (text) => {
      expect(refusal(text).message).toContain('expected --shard I/N or --shard auto, got');
    },
  );

  it.each([
    ['0/4', 'shard 0 of 4; they count from 1 to 4'],
    ['5/4', 'shard 5 of 4; they count from 1 to 4'],
    ['1/0', 'expected 1 to 10000 shards'],
    ['1/10001', 'expected 1 to 10000 shards'],
  ])('rejects %s', (text, words) => {
    expect(refusal(text).message).toContain(words);
  });

  it('auto counts the pods of an Indexed Job from 0 and the jobs of GitLab from 1', () => {
    expect(shard('auto', { JOB_COMPLETION_INDEX: '0', MODELCARS_SHARDS: '4' })).toEqual({
      index: 1,
      total: 4,
    });
    expect(shard('auto', { JOB_COMPLETION_INDEX: '3', MODELCARS_SHARDS: '4' })).toEqual({
      index: 4,
      total: 4,
    });
    expect(shard('auto', { CI_NODE_INDEX: '1', CI_NODE_TOTAL: '3' })).toEqual({ index: 1, total: 3 });
    expect(shard('auto', { CI_NODE_INDEX: '3', CI_NODE_TOTAL: '3' })).toEqual({ index: 3, total: 3 });
  });

  it.each([
    [{}, 'neither JOB_COMPLETION_INDEX nor CI_NODE_INDEX is set', '--shard I/N'],
    [{ JOB_COMPLETION_INDEX: '0' }, 'MODELCARS_SHARDS is not set', "the Job's `completions`"],
    [{ MODELCARS_SHARDS: '4' }, 'neither JOB_COMPLETION_INDEX', 'Indexed Job'],
    [
      { JOB_COMPLETION_INDEX: 'x', MODELCARS_SHARDS: '4' },
      'is `x`, not a number',
      'a Kubernetes Indexed Job',
    ],
    [{ JOB_COMPLETION_INDEX: '', MODELCARS_SHARDS: '4' }, 'is an empty text', 'a Kubernetes Indexed Job'],
    [{ JOB_COMPLETION_INDEX: '4', MODELCARS_SHARDS: '4' }, 'shard 5 of 4', 'for example'],
    [{ CI_NODE_INDEX: '2' }, 'CI_NODE_TOTAL is not set', 'GitLab'],
  ])('auto refuses %j', (environment, words, next) => {
    const error = refusal('auto', environment);
    expect(error.message).toContain(words);
    expect(error.next).toContain(next);
  });
});
