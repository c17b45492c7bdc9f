import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { identify } from './identify.ts';

it.each([
  ['xgboost/model.bst', 'xgboost'],
  ['lightgbm/model.bst', 'lightgbm'],
  ['sklearn/model.joblib', 'sklearn'],
  ['onnx/model.onnx', undefined],
])('%s is of %s', (name, framework) => {
  const file = readFileSync(new URL(`../../frameworks/${name}`, import.meta.url));
  expect(identify(file)?.framework).toBe(framework);
});

it.each([
  ['\n<!DOCTYPE html><html>', 'a web page'],
  ['<?xml version="1.0"?>\n<PMML version="4.4">', 'a PMML model'],
  ['\x80\x05\x95', 'a pickle'],
  ['CBM1\x08', 'a CatBoost model'],
  ['GGUF\x03\0\0\0', 'a GGUF model'],
  ['\x89HDF\r\n\x1a\n', 'an HDF5 file, as Keras writes'],
  ['PK\x03\x04\x14', 'a ZIP archive, as PyTorch, Keras and skops write'],
  ['\x58\x01\0\0\0\0\0\0{"__metadata__"', 'a safetensors file'],
  // A pickle of protocol 0, joblib's zlib, the mark of a pickle with an unknown version: nothing is claimed.
  ['(dp0\n', undefined],
  ['x\x9c', undefined],
  ['\x80\x09', undefined],
  ['\x80', undefined],
  ['', undefined],
])('%j is %s', (head, what) => {
  expect(identify(Buffer.from(head, 'latin1'))?.what).toBe(what);
});
