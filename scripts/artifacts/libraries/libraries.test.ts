import { expect, it } from 'vitest';
import { onnxModel, tensor } from '../../../tests/support/onnx-bytes.ts';
import * as p from '../../../tests/support/pickles.ts';
import { missingLibraries } from './compare.ts';
import { packageOf } from './packages.ts';
import { librariesOfOnnx, librariesOfSklearn, librariesOfXgboost } from './read.ts';

const image = {
  image: 'quay.io/x/server:1',
  versions: {
    'scikit-learn': '1.5.2',
    numpy: '1.26.4',
    xgboost: '2.1.2',
    lightgbm: '4.6.0',
    'ai.onnx': '19',
  },
};

function model(path: string, bytes: Buffer | string) {
  const content = Buffer.from(bytes);
  return {
    paths: [path],
    size: (one: string) => (one === path ? content.length : undefined),
    read: async (_: string, offset: number, length: number) => content.subarray(offset, offset + length),
  };
}

it.each<[string, Record<string, string>, string[]]>([
  ['the same minor version of scikit-learn', { 'scikit-learn': '1.5.0', numpy: '1' }, []],
  ['a newer scikit-learn', { 'scikit-learn': '1.7.2' }, ['scikit-learn 1.7.2 (it has 1.5.2)']],
  ['an older scikit-learn', { 'scikit-learn': '0.24.1' }, ['scikit-learn 0.24.1 (it has 1.5.2)']],
  ['numpy 2', { numpy: '2' }, ['numpy 2 (it has 1.26.4)']],
  ['what an older XGBoost wrote', { xgboost: '1.7' }, []],
  ['a patch of XGBoost', { xgboost: '2.1.9' }, []],
  ['a newer XGBoost', { xgboost: '3.0.5' }, ['xgboost 3.0.5 (it has 2.1.2)']],
  ['LightGBM’s format', { lightgbm: '4' }, []],
  ['a newer format of LightGBM', { lightgbm: '5' }, ['lightgbm 5 (it has 4.6.0)']],
  ['a newer operator set', { 'ai.onnx': '21' }, ['ai.onnx 21 (it has 19)']],
  ['an operator set that is not there', { 'ai.onnx.ml': '3' }, ['ai.onnx.ml 3 (it has none)']],
  ['a library of any version', { xgboost: '*' }, []],
  ['a library that is not there', { 'category-encoders': '*' }, ['category-encoders (it has none)']],
  ['a script of one’s own', { __main__: '*' }, ['`__main__`, the script that made it']],
  [
    'names of Object’s own',
    { constructor: '1', __proto__x: '*' },
    ['constructor 1 (it has none)', '__proto__x (it has none)'],
  ],
])('compares %s', (_, libraries, missing) => {
  expect(missingLibraries(libraries, image)).toEqual(missing);
});

it('a runtime that takes any version takes a newer one', () => {
  const any = { image: 'x', versions: { 'ai.onnx': '*' } };
  expect(missingLibraries({ 'ai.onnx': '99', 'ai.onnx.ml': '1' }, any)).toEqual([
    'ai.onnx.ml 1 (it has none)',
  ]);
});

it('names packages as PyPI does, and none of Python’s own', () => {
  const modules = [
    'sklearn.svm',
    'builtins',
    '_loss',
    'joblib.numpy_pickle',
    'imblearn.pipeline',
    '__main__',
    'copy_reg',
  ];
  expect(modules.map(packageOf)).toEqual([
    'scikit-learn',
    undefined,
    undefined,
    undefined,
    'imbalanced-learn',
    '__main__',
    undefined,
  ]);
  expect(packageOf('constructor')).toBe('constructor');
});

it('reads what a pickle, a booster and a graph name', async () => {
  const pickle = p.file(
    p.object('sklearn.pipeline', 'Pipeline', {
      steps: p.list(
        p.tuple(p.str('a'), p.object('__main__', 'Cleaner', {})),
        p.tuple(p.str('b'), p.object('xgboost.sklearn', 'XGBClassifier', {})),
      ),
      random_state: p.named('numpy.random._pcg64', 'PCG64'),
      _sklearn_version: p.str('1.7.2'),
    }),
  );
  expect(await librariesOfSklearn(model('model.pkl', pickle))).toEqual({
    'scikit-learn': '1.7.2',
    numpy: '2',
    xgboost: '*',
    __main__: '*',
  });
  const json = '{"learner":{"learner_model_param":{"num_feature":"2"}},"version":[3,0,5]}';
  expect(await librariesOfXgboost(model('model.bst', json))).toEqual({ xgboost: '3.0.5' });
  const graph = onnxModel([tensor('x', 1, [1])], [tensor('y', 1, [1])], {
    opsets: { '': 21, 'ai.onnx.ml': 3 },
  });
  expect(await librariesOfOnnx(model('1/model.onnx', graph))).toEqual({
    'onnx-ir': '8',
    'ai.onnx': '21',
    'ai.onnx.ml': '3',
  });
  expect(await librariesOfSklearn(model('model.pkl', 'no pickle'))).toEqual({});
});
