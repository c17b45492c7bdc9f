/** What model files say of themselves: mutated pickles, boosters and graphs are described or not, and never throw. */
import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readLightgbm } from '../../scripts/artifacts/lightgbm.ts';
import { readOnnx } from '../../scripts/artifacts/onnx.ts';
import { readSklearn } from '../../scripts/artifacts/sklearn.ts';
import type { ByteSource } from '../../scripts/artifacts/source.ts';
import { readXgboost } from '../../scripts/artifacts/xgboost.ts';
import { sourceOf } from '../support/byte-source.ts';
import { fuzz } from '../support/fuzz.ts';

const readers: [string, string, (source: ByteSource) => Promise<unknown>][] = [
  ['a pickle', 'sklearn/model.joblib', readSklearn],
  ['XGBoost', 'xgboost/model.bst', readXgboost],
  ['LightGBM', 'lightgbm/model.bst', readLightgbm],
  ['ONNX', 'onnx/model.onnx', readOnnx],
];

/** A file with some bytes changed, left out or repeated, and perhaps cut short. */
function mutated(file: Buffer): fc.Arbitrary<Buffer> {
  const at = fc.nat({ max: file.length - 1 });
  const put = fc.uint8Array({ minLength: 1, maxLength: 4 });
  const edit = fc.oneof(
    fc.record({ at, put }).map((one) => ({ ...one, over: one.put.length })),
    fc.record({
      at,
      put: fc.uint8Array({ minLength: 1, maxLength: 12 }),
      over: fc.constantFrom(0, 1, 4, 12),
    }),
    fc.record({ at, put: fc.constant(new Uint8Array(0)), over: fc.integer({ min: 1, max: 200 }) }),
    fc.record({ at, put: at.map((from) => file.subarray(from, from + 300)), over: fc.constant(0) }),
  );
  return fc
    .tuple(fc.array(edit, { minLength: 1, maxLength: 6 }), fc.boolean(), at)
    .map(([edits, cut, end]) => {
      let bytes = file;
      for (const { at: from, put, over } of edits)
        bytes = Buffer.concat([bytes.subarray(0, from), put, bytes.subarray(from + over)]);
      return cut ? bytes.subarray(0, end) : bytes;
    });
}

it.each(readers)('%s is described or not', async (_, path, read) => {
  const file = await readFile(new URL(`../../frameworks/${path}`, import.meta.url));
  let described = 0;
  const parse = async (bytes: Buffer) => {
    if ((await read(sourceOf(bytes))) !== undefined) described++;
  };
  const always = [Buffer.alloc(0), Buffer.alloc(1_000_000), file].map((bytes) => () => bytes);
  const { accepted, refused } = await fuzz(mutated(file), parse, { runs: 1500, always });
  expect(refused).toBe(0);
  // Some mutations leave the file readable, and some do not.
  expect(described).toBeGreaterThan(1);
  expect(described).toBeLessThan(accepted);
});

it.each(readers)('bytes that are no %s are described or not', async (_, __, read) => {
  const opcodes = fc.constantFrom(
    ...'(.012NRabdelostu)]}QcigpPVISFLKhqUCMJjrGTXB\x80\x81\x85\x8c\x93\x94{[SiL$#\x08\x3a',
  );
  const text = fc.array(opcodes, { maxLength: 400 }).map((signs) => Buffer.from(signs.join(''), 'latin1'));
  const { refused } = await fuzz(text, (bytes) => read(sourceOf(bytes)), { runs: 1500 });
  expect(refused).toBe(0);
});
