import { describe, expect, it } from 'vitest';
import { sourceFile, sourceOf, sparseSource } from '../../tests/support/byte-source.ts';
import { readLightgbm } from './lightgbm.ts';
import { readXgboost } from './xgboost.ts';

const sample = (framework: string) => new URL(`../../frameworks/${framework}/model.bst`, import.meta.url);

/** A model as XGBoost writes it; `trees` is the text of its longest part. */
function json(parameters: Record<string, string>, { names = [] as string[], trees = '[]' } = {}): string {
  return `{"learner":{"attributes":{},"feature_names":${JSON.stringify(names)},"feature_types":[],"gradient_booster":{"model":{"trees":${trees}},"name":"gbtree"},"learner_model_param":${JSON.stringify(parameters)},"objective":{"name":"reg:squarederror"}},"version":[3,0,5]}`;
}

describe('XGBoost', () => {
  it('the sample, which is UBJSON, has the features, classes and version of its train.py', async () => {
    const source = await sourceFile(sample('xgboost'));
    const found = await readXgboost(source);
    expect(found).toMatchObject({ version: '2.1.2', format: 'ubj', rows: { outputs: 3 } });
    expect(found?.rows.input).toHaveLength(4);
  });

  it('JSON: features with names, and targets', async () => {
    const text = json(
      { base_score: '5E-1', num_class: '0', num_feature: '2', num_target: '3' },
      { names: ['age', 'income'] },
    );
    expect(await readXgboost(sourceOf(Buffer.from(text)))).toEqual({
      format: 'json',
      version: '3.0.5',
      rows: {
        outputs: 3,
        input: [
          { name: 'age', values: [1, 2] },
          { name: 'income', values: [1, 2] },
        ],
      },
    });
  });

  it('JSON of 10 GB: its beginning and its end are read', async () => {
    const [before = '', after = ''] = json({ num_feature: '2' }, { names: ['a', 'b'], trees: '@' }).split(
      '@',
    );
    // Zeros are no JSON, but nobody looks at them.
    const start = Buffer.from(`${before}[${'0,'.repeat(600_000)}`);
    const end = Buffer.from(`${'0,'.repeat(200_000)}0]${after}`);
    const source = sparseSource(start, 10 * 1024 ** 3, end);
    const found = await readXgboost(source);
    expect(found).toMatchObject({ version: '3.0.5', rows: { input: [{ name: 'a' }, { name: 'b' }] } });
    expect(source.taken).toBeLessThan(3 * 1024 ** 2);
  });

  it('the old binary format: the fields of LearnerModelParamLegacy', async () => {
    const head = Buffer.alloc(136);
    head.writeUInt32LE(12, 4);
    head.writeInt32LE(5, 8);
    head.writeUInt32LE(1, 20);
    head.writeUInt32LE(7, 24);
    const length = Buffer.alloc(8);
    length.writeUInt32LE(14);
    const bytes = Buffer.concat([head, length, Buffer.from('multi:softprob'), Buffer.alloc(200)]);
    const expected = { format: 'binary', version: '1.7', rows: { outputs: 5 } };
    for (const start of [Buffer.alloc(0), Buffer.from('binf')]) {
      const found = await readXgboost(sourceOf(Buffer.concat([start, bytes])));
      expect(found).toMatchObject(expected);
      expect(found?.rows.input).toHaveLength(12);
    }
  });

  it.each<[string, string | Buffer]>([
    ['another JSON', '{"a":1}'],
    ['JSON cut short', json({ num_feature: '2' }).slice(0, -10)],
    ['no number of features', json({ num_feature: '-2' })],
    ['a billion features', json({ num_feature: '999999999' })],
    ['LightGBM', 'tree\nversion=v4\n'],
    [
      'UBJSON of a huge array',
      Buffer.from('{L\0\0\0\0\0\0\0\u0001a[$d#L\x7f\xff\xff\xff\xff\xff\xff\xff', 'latin1'),
    ],
    ['UBJSON of a negative length', Buffer.from('{L\xff\xff\xff\xff\xff\xff\xff\xff', 'latin1')],
    ['deep UBJSON', Buffer.concat([Buffer.from('{i\u0001a'), Buffer.alloc(100_000, '[')])],
    ['nothing', ''],
  ])('says nothing: %s', async (_, bytes) => {
    expect(await readXgboost(sourceOf(Buffer.from(bytes)))).toBeUndefined();
  });
});

describe('LightGBM', () => {
  it('the sample has the features, classes and ranges of iris', async () => {
    const found = await readLightgbm(await sourceFile(sample('lightgbm')));
    expect(found).toMatchObject({ version: '4', rows: { outputs: 3 } });
    // Sepal length, as the data set's description gives its smallest and largest value.
    expect(found?.rows.input).toHaveLength(4);
    expect(found?.rows.input[0]).toEqual({ values: [4.3, 7.9] });
  });

  it('names, categories and features that no tree uses', async () => {
    const text =
      'tree\nversion=v3\nnum_class=1\nnum_tree_per_iteration=1\nmax_feature_idx=2\nfeature_names=age city Column_2\nfeature_infos=[18:90] 3:1:2 none\n\nTree=0\n';
    expect(await readLightgbm(sourceOf(Buffer.from(text)))).toEqual({
      version: '3',
      rows: {
        outputs: 1,
        input: [{ name: 'age', values: [18, 90] }, { name: 'city', values: [3, 1] }, { values: [1, 2] }],
      },
    });
  });

  it.each<[string, string]>([
    ['another text', 'hello\nmax_feature_idx=3\n'],
    ['no features', 'tree\nversion=v4\nTree=0\n'],
    ['a billion features', 'tree\nmax_feature_idx=999999999\nTree=0\n'],
    ['a line without end', `tree\nfeature_names=${'x'.repeat(100_000)}`],
  ])('says nothing: %s', async (_, text) => {
    expect(await readLightgbm(sourceOf(Buffer.from(text)))).toBeUndefined();
  });
});
