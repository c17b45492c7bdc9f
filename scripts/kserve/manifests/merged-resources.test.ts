import { expect, it } from 'vitest';
import sklearn from '../../../frameworks/sklearn/framework.ts';
import { draftModel } from '../../../tests/support/draft-model.ts';
import type { Model, Serving } from '../../model/types.ts';
import { exceededLimits } from './merged-resources.ts';

const model = (serving: Partial<Serving>): Model => draftModel({ serving });

it.each<[Serving['resources'], string | undefined]>([
  [undefined, undefined],
  [{ requests: { memory: '2Gi' } }, undefined],
  [{ requests: { memory: '3Gi' } }, 'exceeds the limit `2Gi` of kserve-mlserver'],
  [{ requests: { memory: '3Gi' }, limits: { memory: '3Gi' } }, undefined],
  [{ limits: { cpu: '500m' } }, 'is below the request `1` of kserve-mlserver'],
  [{ limits: { cpu: '500m' }, requests: { cpu: '100m' } }, undefined],
  [{ limits: { 'nvidia.com/gpu': '1' } }, undefined],
])('of kserve-mlserver with %j: %s', (resources, words) => {
  const found = exceededLimits(model(resources === undefined ? {} : { resources }), sklearn);
  expect(found).toEqual(words === undefined ? [] : [expect.stringContaining(words)]);
});

it("knows nothing of a user's own runtime", () => {
  expect(
    exceededLimits(model({ runtime: 'mine', resources: { requests: { memory: '3Gi' } } }), sklearn),
  ).toEqual([]);
});
