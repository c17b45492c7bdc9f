import type { SmokeTest, TensorExpectation } from '../../scripts/model/types.ts';

/** The columns of scikit-learn's `load_wine`, in its order. */
const columns = [
  'alcohol',
  'malic_acid',
  'ash',
  'alcalinity_of_ash',
  'magnesium',
  'total_phenols',
  'flavanoids',
  'nonflavanoid_phenols',
  'proanthocyanins',
  'color_intensity',
  'hue',
  'od280/od315_of_diluted_wines',
  'proline',
];

/** Its rows 100, 0, 170, 50, 130 and 90, which train.py does not show to the model: it leaves out each tenth row. */
const rows = [
  [12.08, 2.08, 1.7, 17.5, 97, 2.23, 2.17, 0.26, 1.4, 3.3, 1.27, 2.96, 710],
  [14.23, 1.71, 2.43, 15.6, 127, 2.8, 3.06, 0.28, 2.29, 5.64, 1.04, 3.92, 1065],
  [12.2, 3.03, 2.32, 19, 96, 1.25, 0.49, 0.4, 0.73, 5.5, 0.66, 1.83, 510],
  [13.05, 1.73, 2.04, 12.4, 92, 2.72, 3.27, 0.17, 2.91, 7.2, 1.12, 2.91, 1150],
  [12.86, 1.35, 2.32, 18, 122, 1.51, 1.25, 0.21, 0.94, 4.1, 0.76, 1.29, 630],
  [12.08, 1.83, 2.32, 18.5, 81, 1.6, 1.5, 0.52, 1.64, 2.4, 1.08, 2.27, 480],
];

/** The cultivars that those wines were made from, again from the data set: two of each, in no order. */
const classes = [1, 0, 2, 0, 2, 1];

/** The smoke test of the sample: a table, column by column, as MLServer makes a pandas DataFrame of it. */
export const wineSmoke: SmokeTest<TensorExpectation> = {
  path: '/v2/models/{name}/infer',
  body: {
    inputs: columns.map((name, at) => ({
      name,
      shape: [rows.length, 1],
      datatype: 'FP64',
      data: rows.map((row) => row[at] ?? 0),
    })),
  },
  // MLServer calls the only output of an array so (mlserver/codecs/utils.py, `SingleInputRequestCodec`).
  expect: { output: 'output-1', classes, read: 'labels' },
};
