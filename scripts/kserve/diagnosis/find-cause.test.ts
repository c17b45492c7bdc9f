import { expect, it } from 'vitest';
import { findCause } from './find-cause.ts';

const denied = "PermissionError: [Errno 13] Permission denied: '/mnt/models/model.joblib'";

it.each<[string, string[], RegExp]>([
  [
    'a model that is not found because it is unreadable',
    ['Model iris not found', denied],
    /cannot read \/mnt\/models/,
  ],
  [
    'another file that cannot be written',
    ["[Errno 13] Permission denied: '/.metrics'"],
    /lacks a permission/,
  ],
  [
    'a damaged model, in spite of an error about a cache',
    ['mkdir -p failed for path /.config: [Errno 13] Permission denied', 'UnpicklingError: invalid load key'],
    /cannot read the file/,
  ],
  ['a model of another name', ['Invalid URI specified for model iris'], /another name/],
])('load: %s', (_, texts, cause) => {
  expect(findCause('load', texts)?.cause).toMatch(cause);
  expect(findCause('load', texts.toReversed())?.cause).toMatch(cause);
});

it('init: an unreadable folder is not reported as empty, although KServe reports it so', () => {
  const lines = ['NOK ... Prefetched but modelcar is invalid (/models does not exist or is empty)'];
  expect(findCause('init', lines)?.cause).toMatch(/nothing below \/models/);
  expect(findCause('init', [...lines, "ls: can't open '/models': Permission denied"])?.cause).toMatch(
    /cannot read/,
  );
});

it('pull: the newest event decides', () => {
  const events = ['dial tcp: i/o timeout', '401 Unauthorized'];
  expect(findCause('pull', events)?.cause).toMatch(/cannot reach/);
});

const libraries = /other versions of its libraries/;

it.each<[string, string, RegExp]>([
  [
    'numpy 2 in numpy 1.26',
    "ValueError: <class 'numpy.random._mt19937.MT19937'> is not a known BitGenerator module.",
    libraries,
  ],
  ['numpy 2 in numpy 1.25', "ModuleNotFoundError: No module named 'numpy._core'", libraries],
  ['a library that is not there', "ModuleNotFoundError: No module named 'category_encoders'", libraries],
  [
    'scikit-learn before 1.3',
    "ValueError: node array from the pickle has an incompatible dtype:\n- expected: {'names': ['left_child'",
    libraries,
  ],
  [
    'an attribute that scikit-learn moved',
    "AttributeError: Can't get attribute '_RemainderColsList' on <module 'sklearn.compose._column_transformer' from '/opt/x.py'>",
    libraries,
  ],
  [
    "XGBoost's old format in XGBoost 3.1",
    'xgboost.core.XGBoostError: [06:11:55] /workspace/src/c_api/c_api.cc:1530: Failed to load model: `/mnt/models/model.bst`. \nThe binary format has been deprecated in 1.6 and removed in 3.1, use UBJ or JSON',
    libraries,
  ],
  [
    'a graph of a newer ONNX',
    'Fail: [ONNXRuntimeError] : 1 : FAIL : Load model from /mnt/models/model.onnx failed: Unsupported model IR version: 11, max supported IR version: 9',
    libraries,
  ],
  [
    "embeddings by KServe's Hugging Face server",
    "ValueError: Task couldn't be inferred from BertModel. Please manually set `task` option. ",
    /task .* does not know/,
  ],
  [
    'a class of a notebook',
    "AttributeError: Can't get attribute 'Cleaner' on <module '__main__' (built-in)>",
    /script that trained it/,
  ],
  ['bytes that are no pickle', "_pickle.UnpicklingError: invalid load key, '<'.", /cannot read the file/],
])('load: %s', (_, text, cause) => {
  expect(findCause('load', [text])?.cause).toMatch(cause);
});
