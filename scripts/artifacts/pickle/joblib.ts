import type { Cursor } from '../cursor.ts';
import { Unreadable } from '../source.ts';
import { arrayOf, dtypeOf, NumpyArray, valuesIn } from './numpy.ts';
import { attribute, type Instance, itemsOf, type Value } from './values.ts';

/** Bytes of an array that are kept to be decoded. */
const mostKept = 4096;

/**
 * The array that follows its wrapper in a file of joblib (joblib/numpy_pickle.py, NumpyArrayWrapper.read_array): up to
 * 255 bytes of padding and the values, which are skipped but for the first; or, of objects, a pickle (`nested`).
 */
export async function takeArray(
  wrapper: Instance,
  cursor: Cursor,
  nested: () => Promise<Value>,
): Promise<Value> {
  const shape = itemsOf(attribute(wrapper, 'shape'));
  const dtype = dtypeOf(attribute(wrapper, 'dtype'));
  if (dtype === undefined) throw new Unreadable('it has an array of an unknown type');
  if (dtype.hasObjects) return arrayOf(await nested());
  if (typeof attribute(wrapper, 'numpy_array_alignment_bytes') === 'number') {
    const [padding = 0] = await cursor.read(1);
    await cursor.skip(padding);
  }
  const sizes = shape.map((size) => (typeof size === 'number' && size >= 0 ? size : 0));
  const bytes = sizes.reduce((product, size) => product * size, dtype.size);
  if (!Number.isSafeInteger(bytes)) throw new Unreadable('it has an array of an impossible size');
  const head = Buffer.from(await cursor.read(Math.min(bytes, mostKept)));
  await cursor.skip(bytes - head.length);
  return new NumpyArray(sizes, dtype, valuesIn(head, dtype));
}
