import { deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { sourceFile, sourceOf, sparseSource } from '../../tests/support/byte-source.ts';
import * as p from '../../tests/support/pickles.ts';
import { readSklearn } from './sklearn.ts';

const version = { _sklearn_version: p.str('1.5.2') };
/** An array whose bytes look like opcodes: STOP, POP, and unknown ones. */
const trap = Buffer.from('.0\xff.0\xff.0\xff.0\xff.0\xff.0\xff.0\xff.0\xff', 'latin1');

/** A scaler of 10 columns, as joblib writes it. */
function scaler(extra: Record<string, Buffer> = {}): Buffer {
  return p.object('sklearn.preprocessing._data', 'StandardScaler', {
    mean_: p.joblibArray('f8', [3], trap.subarray(0, 24)),
    n_features_in_: p.int(10),
    ...extra,
    ...version,
  });
}

function pipeline(...steps: Buffer[]): Buffer {
  const named = steps.map((step, at) => p.tuple(p.str(`step${at}`), step));
  return p.object('sklearn.pipeline', 'Pipeline', { steps: p.list(...named), verbose: p.none, ...version });
}

const model = p.object('sklearn.linear_model._logistic', 'LogisticRegression', { C: p.int(1), ...version });

async function columns(value: Buffer) {
  return (await readSklearn(sourceOf(p.file(value))))?.rows?.input;
}

describe('columns', () => {
  it('are those of a pipeline’s first step, behind an array whose bytes look like opcodes', async () => {
    const found = await readSklearn(sourceOf(p.file(pipeline(scaler(), model))));
    expect(found?.rows?.input).toHaveLength(10);
    expect(found).toMatchObject({ version: '1.5.2' });
  });

  it('are those of the best model of a search', async () => {
    const search = p.object('sklearn.model_selection._search', 'GridSearchCV', {
      estimator: model,
      best_estimator_: pipeline(scaler(), model),
    });
    expect(await columns(search)).toHaveLength(10);
  });

  it('have the names and the categories that the model was trained with', async () => {
    const encoder = p.object('sklearn.preprocessing._encoders', 'OneHotEncoder', {
      categories_: p.list(p.joblibTexts('Berlin', 'Paris', 'Rome')),
      n_features_in_: p.int(1),
    });
    const words = p.object('sklearn.feature_extraction.text', 'TfidfVectorizer', { vocabulary_: p.dict({}) });
    const table = p.object('sklearn.compose._column_transformer', 'ColumnTransformer', {
      transformers_: p.list(
        p.tuple(p.str('numbers'), scaler(), p.list(p.str('age'))),
        p.tuple(p.str('city'), pipeline(encoder), p.list(p.str('city'))),
        p.tuple(p.str('note'), words, p.str('note')),
      ),
      feature_names_in_: p.joblibTexts('age', 'city', 'note'),
      n_features_in_: p.int(3),
    });
    expect(await columns(pipeline(table, model))).toEqual([
      { name: 'age', values: [1, 2] },
      { name: 'city', values: ['Berlin', 'Paris'] },
      { name: 'note', values: ['text', 'other text'] },
    ]);
  });

  it('are read from arrays in a plain pickle too', async () => {
    const names = { feature_names_in_: p.plainTexts('age', 'income') };
    expect(await columns(p.object('sklearn.svm', 'SVC', names))).toEqual([
      { name: 'age', values: [1, 2] },
      { name: 'income', values: [1, 2] },
    ]);
  });

  it('are a text for a vectorizer', async () => {
    const words = p.object('sklearn.feature_extraction.text', 'TfidfVectorizer', { vocabulary_: p.dict({}) });
    expect(await columns(pipeline(words, model))).toBe('text');
  });

  it('are those of the first of a union, which all get the same rows', async () => {
    const words = p.object('sklearn.feature_extraction.text', 'CountVectorizer', { vocabulary_: p.dict({}) });
    const union = (member: Buffer) =>
      p.object('sklearn.pipeline', 'FeatureUnion', {
        transformer_list: p.list(p.tuple(p.str('one'), member), p.tuple(p.str('other'), model)),
      });
    expect(await columns(pipeline(union(words), model))).toBe('text');
    expect(await columns(pipeline(union(scaler()), model))).toHaveLength(10);
  });

  it('are read from the sample, from which numpy cannot be told', async () => {
    const sample = await sourceFile(new URL('../../frameworks/sklearn/model.joblib', import.meta.url));
    const found = await readSklearn(sample);
    expect(found?.rows?.input).toHaveLength(4);
    expect(found?.version).toBe('1.5.2');
  });
});

it.each([
  ['zlib', deflateSync],
  ['gzip', gzipSync],
])('reads a file compressed with %s', async (_, compress) => {
  const found = await readSklearn(sourceOf(compress(p.file(pipeline(scaler(), model)))));
  expect(found?.rows?.input).toHaveLength(10);
});

it('reads protocol 0', async () => {
  const text =
    'ccopy_reg\n_reconstructor\n(csklearn.svm\nSVC\nc__builtin__\nobject\nNtR(dVn_features_in_\nI7\nsb.';
  expect((await readSklearn(sourceOf(Buffer.from(text))))?.rows?.input).toHaveLength(7);
});

it('tells numpy 2 by its modules', async () => {
  const two = { seed: p.named('numpy.random._mt19937', 'MT19937'), n_features_in_: p.int(2) };
  expect(await readSklearn(sourceOf(p.file(p.object('sklearn.svm', 'SVC', two))))).toMatchObject({
    numpy: '2',
  });
  const one = { feature_names_in_: p.plainTexts('a') };
  expect(await readSklearn(sourceOf(p.file(p.object('sklearn.svm', 'SVC', one))))).toMatchObject({
    numpy: '1',
  });
});

it('skips a forest of 40 GB', async () => {
  const size = 5 * 1024 ** 3;
  const marker = Buffer.from('HERE');
  const bytes = p.file(
    p.object('sklearn.ensemble._forest', 'RandomForestClassifier', {
      trees: p.joblibArray('f8', [1024, size / 1024], marker),
      n_features_in_: p.int(6),
      ...version,
    }),
  );
  const at = bytes.indexOf(marker);
  const source = sparseSource(bytes.subarray(0, at), size * 8, bytes.subarray(at + marker.length));
  const found = await readSklearn(source);
  expect(found?.rows?.input).toHaveLength(6);
  expect(source.taken).toBeLessThan(300_000);
});

describe('of a hostile file', () => {
  it('nothing is called', async () => {
    const attack = p.call('os', 'system', p.str('touch /tmp/owned'));
    expect(await readSklearn(sourceOf(p.file(attack)))).toEqual({ modules: ['os'] });
  });

  it.each<[string, Buffer]>([
    ['cut short', p.file(pipeline(scaler(), model)).subarray(0, -30)],
    ['no pickle', Buffer.from('<html>')],
    ['empty', Buffer.alloc(0)],
    ['a stack that underflows', Buffer.from([0x80, 4, 0x61, 0x2e])],
    ['a mark that is missing', Buffer.from('t.')],
    [
      'an array of an impossible size',
      p.file(p.joblibArray('f8', [2 ** 31 - 1, 2 ** 31 - 1, 2 ** 31 - 1], trap)),
    ],
    ['a text of 2^60 bytes', Buffer.from([0x8d, 0, 0, 0, 0, 0, 0, 0, 0x10, 0x2e])],
    [
      'zlib that is damaged',
      Buffer.concat([deflateSync(Buffer.alloc(1000)).subarray(0, 8), Buffer.alloc(50)]),
    ],
    ['marks without end', Buffer.alloc(3_000_000, '(')],
    ['values without end', Buffer.alloc(3_000_000, 'N')],
  ])('%s: it says nothing', async (_, bytes) => {
    expect(await readSklearn(sourceOf(bytes))).toBeUndefined();
  });

  it('`__proto__` is a key like any other', async () => {
    const state = { __proto__x: p.none, n_features_in_: p.int(2) };
    expect(await columns(p.object('sklearn.svm', 'SVC', state))).toHaveLength(2);
    const own = Buffer.concat([
      p.named('sklearn.svm', 'SVC'),
      Buffer.from(')\x81}(', 'latin1'),
      p.str('__proto__'),
      p.dict({ n_features_in_: p.int(5) }),
      Buffer.from('ub', 'latin1'),
    ]);
    expect(await columns(own)).toBeUndefined();
    expect(({} as Record<string, unknown>).n_features_in_).toBeUndefined();
  });

  it('a bomb of zeros is given up', { timeout: 60_000 }, async () => {
    const size = 300 * 1024 ** 2;
    const head = Buffer.from([0x80, 4, 0x8d, 0, 0, 0, 0, 0, 0, 0, 0]);
    head.writeUInt32LE(size, 3);
    // A valid pickle: the text, POP, and a model.
    const rest = Buffer.concat([Buffer.from('0'), scaler(), Buffer.from('.')]);
    const bomb = deflateSync(Buffer.concat([head, Buffer.alloc(size), rest]), { level: 9 });
    expect(bomb.length).toBeLessThan(400_000);
    expect(await readSklearn(sourceOf(bomb))).toBeUndefined();
  });
});
