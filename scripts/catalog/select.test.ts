import { expect, it } from 'vitest';
import { draftModel } from '../../tests/support/draft-model.ts';
import { ModelcarsError } from '../errors.ts';
import type { Catalog, Model } from '../model/types.ts';
import { selectModels } from './select.ts';

const model = (name: string, framework: string): Model => draftModel({ name, framework });
const catalog: Catalog = {
  file: '/c/models.yaml',
  directory: '/c',
  lockFile: '/c/models.lock.yaml',
  mirrors: {},
  models: [model('iris-sklearn', 'sklearn'), model('iris-xgboost', 'xgboost'), model('wine', 'sklearn')],
};

it.each([
  [[], [], ['iris-sklearn', 'iris-xgboost', 'wine']],
  [['wine', 'iris-sklearn'], [], ['iris-sklearn', 'wine']],
  [[], ['framework=sklearn'], ['iris-sklearn', 'wine']],
  [[], ['name=iris-*'], ['iris-sklearn', 'iris-xgboost']],
  [[], ['framework=sklearn', 'framework=xgboost'], ['iris-sklearn', 'iris-xgboost', 'wine']],
  [[], ['framework=sklearn', 'name=iris-*'], ['iris-sklearn']],
  [[], ['name=w*', 'name=*xg*'], ['iris-xgboost', 'wine']],
  [['wine'], ['framework=sklearn'], ['wine']],
])('selects by %j and %j', (names, only, expected) => {
  expect(selectModels(catalog, names, only).map(({ name }) => name)).toEqual(expected);
});

it.each([
  [['iris-sklern'], [], 'no model `iris-sklern` in the catalog; did you mean `iris-sklearn`?'],
  [['zzzzzzzz'], [], 'expected iris-sklearn, iris-xgboost or wine'],
  [[], ['framework=xgbost'], 'did you mean `xgboost`?'],
  [[], ['framwork=sklearn'], 'got `framwork=sklearn`; did you mean `framework`?'],
  [[], ['sklearn'], 'expected --only framework=NAME or --only name=GLOB'],
  [[], ['name='], 'got `name=`'],
  [[], ['name=nothing*'], 'no model of the catalog is name=nothing*'],
  [['wine'], ['framework=xgboost'], 'no model of the catalog is'],
])('explains why %j and %j select nothing', (names, only, words) => {
  let error: unknown;
  try {
    selectModels(catalog, names, only);
  } catch (reason) {
    error = reason;
  }
  expect(error).toBeInstanceOf(ModelcarsError);
  expect(error).toMatchObject({ code: 'usage', exitCode: 2, message: expect.stringContaining(words) });
});
