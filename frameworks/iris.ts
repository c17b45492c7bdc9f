import type { SmokeTest, TensorExpectation } from '../scripts/model/types.ts';

/**
 * Rows 100, 0, 50, 90, 120 and 40 of Fisher's iris as scikit-learn's `load_iris` has it: sepal length and width,
 * petal length and width, in cm. Every train.py leaves out each tenth row (0, 10, 20 …), so none of these was ever
 * shown to a model. Two of each class, far from the others' petals, and in an order that neither a constant answer
 * nor one in the order of the classes gets right.
 */
const rows = [
  [6.3, 3.3, 6.0, 2.5],
  [5.1, 3.5, 1.4, 0.2],
  [7.0, 3.2, 4.7, 1.4],
  [5.5, 2.6, 4.4, 1.2],
  [6.9, 3.2, 5.7, 2.3],
  [5.0, 3.5, 1.3, 0.3],
];

/** What botanists said those six are, again from the data set: 0 setosa, 1 versicolor, 2 virginica. */
const classes = [2, 0, 1, 1, 2, 0];

/**
 * The smoke test of a sample trained on iris: of the model with this path in the image and SHA-256 alone, since no other
 * takes the same rows. `read` says what its runtime answers with. `count` takes the first of the rows, of all classes from 3 on.
 */
export function irisSmoke(
  read: TensorExpectation['read'],
  sample: Record<string, string>,
  { path = '/v2/models/{name}/infer', count = rows.length }: { path?: string; count?: number } = {},
): SmokeTest<TensorExpectation> {
  return {
    path,
    sample,
    body: {
      inputs: [{ name: 'rows', shape: [count, 4], datatype: 'FP32', data: rows.slice(0, count).flat() }],
    },
    // MLServer's three runtimes all call their output so: PREDICT_OUTPUT in mlserver_sklearn and mlserver_xgboost. So
    // does our ONNX sample, and there `rows` and FP32 have to be as in its graph.
    expect: { output: 'predict', classes: classes.slice(0, count), read },
  };
}

/** The same rows for a runtime that speaks KServe's v1 protocol only. */
export const irisRows = rows;
/** Its answer: rows of scores, under no name. */
export const irisScores: TensorExpectation = { output: 'predict', classes, read: 'scores' };
