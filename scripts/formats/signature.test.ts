import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { signatureBytes, signatureOf } from './signature.ts';

const sample = (name: string) =>
  readFileSync(new URL(`../../frameworks/${name}`, import.meta.url)).subarray(0, signatureBytes);

it.each([
  ['xgboost/model.bst', 'xgboost'],
  ['lightgbm/model.bst', 'lightgbm'],
  ['sklearn/model.joblib', undefined],
  ['onnx/model.onnx', undefined],
])('%s was written by %s', (name, program) => {
  expect(signatureOf(sample(name))).toBe(program);
});

it.each([
  ['{"learner":{"attributes":{}', 'xgboost'],
  ['{\n  "version": [2, 1, 0],', 'xgboost'],
  ['binf\0\0\0?', 'xgboost'],
  ['{U\u0007learner{', 'xgboost'],
  ['tree\r\nversion=v3\r\n', 'lightgbm'],
  ['{"architectures": ["LlamaForCausalLM"], "version": 1}', undefined],
  ['trees are green\n', undefined],
  ['tree', undefined],
  ['', undefined],
])('%j', (head, program) => {
  expect(signatureOf(Buffer.from(head, 'latin1'))).toBe(program);
});
