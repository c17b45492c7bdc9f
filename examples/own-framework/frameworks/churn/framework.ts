/** Churn models: LightGBM text files, served by MLServer, with customers whose risk is known as the smoke test. */
export default {
  name: 'churn',
  modelFormat: { name: 'lightgbm' },
  runtime: 'kserve-mlserver',
  protocolVersion: 'v2',
  include: ['churn.txt'],
  exclude: [],
  requires: [{ anyOf: ['churn.txt'], why: 'train.py writes it' }],
  // MLServer finds a LightGBM model only under this name.
  place: (path: string) => (path === 'churn.txt' ? 'model.bst' : path),
  smoke: {
    path: '/v2/models/{name}/infer',
    // Months as a customer and calls to support, one row per customer.
    body: { inputs: [{ name: 'rows', shape: [3, 2], datatype: 'FP32', data: [60, 1, 6, 1, 6, 9] }] },
    // By the rule in train.py: low, medium, high.
    expect: { output: 'predict', classes: [0, 1, 2], read: 'scores' },
  },
};
