import { expect, it } from 'vitest';
import { freeName, guessName } from './guess-name.ts';

it.each([
  ['file:iris-2024.joblib', 'iris-2024'],
  ['file:model.joblib', 'shop'],
  ['file:models/Fraud_Detector/model.bst', 'fraud-detector'],
  ['file:models/iris', 'iris'],
  ['file:models/v1.2.0', 'shop'],
  ['file:.', 'shop'],
  ['file:///data/my%20model.onnx', 'my-model'],
  ['hf://ibm-granite/granite-3.0-2b-instruct', 'granite-3-0-2b-instruct'],
  ['hf://org/name:v1.0', 'name'],
  ['oci://quay.io:443/me/iris:v1.0.0', 'iris'],
  [`oci://quay.io/me/fraud/model@sha256:${'a'.repeat(64)}`, 'fraud'],
  ['https://github.com/onnx/models/raw/main/validated/mobilenet/model/mobilenetv2-7.onnx', 'mobilenetv2-7'],
  ['https://example.com/fraud/model.onnx?download=true', 'fraud'],
  ['s3://bucket/models/churn/', 'churn'],
  ['s3://my-bucket', 'my-bucket'],
  ['file:///models/1/model.onnx', undefined],
])('%s', (uri, name) => {
  expect(guessName(uri, '/home/me/shop')).toBe(name);
});

it('finds the next free name, within 63 characters', () => {
  expect(freeName('iris', new Set(['wine']))).toBe('iris');
  expect(freeName('iris', new Set(['iris', 'iris-2']))).toBe('iris-3');
  const long = 'x'.repeat(63);
  expect(freeName(long, new Set([long]))).toBe(`${'x'.repeat(61)}-2`);
});
