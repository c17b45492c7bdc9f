import { expect, test } from 'vitest';
import { rowsOf } from './run.ts';
import { ways } from './ways.ts';

const sample = (wall: number) => ({
  wall,
  cpu: 1,
  registryCpu: 1,
  kept: 1,
  created: 1,
  started: 2,
  ready: 3,
});

test('a way that cannot run or fails has a row with the reason, in each of its tables', () => {
  const runners = ways.map((way) => ({
    way,
    versions: {},
    samples: way.name === 'hf' ? [] : [{ first: sample(1), second: sample(2) }, { first: sample(3) }],
    ...(way.name === 'hf' && { leftOut: 'hf is not on this machine' }),
    ...(way.name === 's3' && { error: 'not within 600 s' }),
  }));
  const first = rowsOf('first', runners);
  expect(first.map(({ peer }) => peer)).toEqual(ways.map(({ name }) => name));
  expect(first[0]?.samples.map(({ wall }) => wall)).toEqual([1, 3]);
  expect(first.find(({ peer }) => peer === 'hf')).toMatchObject({ leftOut: 'hf is not on this machine' });
  const second = rowsOf('second', runners);
  expect(second.map(({ peer }) => peer)).toEqual([
    'modelcars',
    'modelcars-cpu',
    'modelcars-native',
    'oci-fetch',
    's3',
    'hf',
  ]);
  expect(second.find(({ peer }) => peer === 's3')).toMatchObject({
    samples: [sample(2)],
    error: 'not within 600 s',
  });
  expect(rowsOf('prefetched', runners)).toMatchObject([
    { peer: 'modelcars-prefetch', title: 'modelcars prefetch, DaemonSet' },
  ]);
});
