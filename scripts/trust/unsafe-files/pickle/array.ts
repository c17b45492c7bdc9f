import {
  Dict,
  Global,
  Instance,
  itemsOf,
  Sequence,
  typeOf,
  type Value,
} from '../../../artifacts/pickle/values.ts';
import { Unreadable } from '../../../artifacts/source.ts';
import type { ByteStream } from '../byte-stream.ts';

/** Modules of joblib's wrapper, after which a file has the bytes of an array (joblib/numpy_pickle.py, load_build). */
const wrapperModule = /^(sklearn\.externals\.)?joblib\.numpy_pickle$/;

export function isArrayWrapper(type: Global | undefined): boolean {
  return type?.name === 'NumpyArrayWrapper' && wrapperModule.test(type.module);
}

export function isDtype(type: Value): boolean {
  return type instanceof Global && type.name === 'dtype' && /^numpy(\.|$)/.test(type.module);
}

/** The type of an array's elements, read as strictly as numpy does: a wrong size would hide what follows. */
export interface ElementType {
  /** Bytes of an element. */
  size: number;
  hasObjects: boolean;
}

/** Bytes of an element, by kind and the number behind it; `U` has four bytes per letter. */
const fixed = /^(b1|[iu][1248]|f(2|4|8|12|16)|c(8|16|24|32)|[mM]8|O8)$/;
const flexible = /^[SUV](\d+)$/;
/** NPY_ITEM_REFCOUNT (numpy/_core/include/numpy/ndarraytypes.h): an element is or contains a Python object. */
const objectFlag = 1;

/** The type that `numpy.dtype(code, …)` with its state describes; undefined for whatever is not plain. */
export function elementType(value: Value): ElementType | undefined {
  if (!(value instanceof Instance) || !isDtype(value.type)) return undefined;
  const [code] = itemsOf(value.args);
  if (typeof code !== 'string') return undefined;
  const state = value.state instanceof Sequence ? value.state : undefined;
  if (value.state !== undefined && (state === undefined || state.items.length !== state.length))
    return undefined;
  const [, , subarray = null, , fields = null, stated = -1, , flags = 0] = state?.items ?? [];
  if (subarray !== null || typeof stated !== 'number' || typeof flags !== 'number') return undefined;
  const hasFlag = flags % 2 === objectFlag;
  if (fixed.test(code)) {
    const hasObjects = code === 'O8';
    const size = Number(code.slice(1));
    if (stated !== -1 && stated !== size) return undefined;
    if (state !== undefined && hasFlag !== hasObjects) return undefined;
    return { size, hasObjects };
  }
  const width = flexible.exec(code)?.[1];
  if (width === undefined) return undefined;
  const own = Number(width) * (code.startsWith('U') ? 4 : 1);
  if (stated !== -1 && stated !== own) return undefined;
  // Structured types have fields, and say by the flag whether one of them is an object.
  if (hasFlag && (!code.startsWith('V') || fields === null)) return undefined;
  return { size: own, hasObjects: hasFlag };
}

/** Product of a shape; undefined when a size is no whole number or the product is beyond any file. */
export function countOf(shape: readonly Value[]): number | undefined {
  let count = 1;
  for (const size of shape) {
    if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) return undefined;
    count *= size;
    if (!Number.isSafeInteger(count)) return undefined;
  }
  return count;
}

/**
 * Passes the array behind a wrapper that was just built (NumpyArrayWrapper.read_array): padding and values, or of
 * objects another pickle, which `nested` walks. Throws Unreadable when the wrapper does not say exactly how long it is.
 */
export async function passArray(
  wrapper: Instance,
  stream: ByteStream,
  nested: () => Promise<void>,
): Promise<void> {
  const state = wrapper.state;
  const entries = state instanceof Dict ? state.entries : new Map<string, Value>();
  const type = elementType(entries.get('dtype'));
  const shape = entries.get('shape');
  const count = shape instanceof Sequence && shape.items.length === shape.length && countOf(shape.items);
  if (type === undefined || typeof count !== 'number')
    throw new Unreadable(`has an array of a type or shape that cannot be read, at offset ${stream.offset}`);
  if (type.hasObjects) {
    await nested();
    return;
  }
  const alignment = entries.get('numpy_array_alignment_bytes');
  if (entries.has('numpy_array_alignment_bytes') && alignment !== null) {
    if (typeof alignment !== 'number') throw new Unreadable('has an array of an unknown alignment');
    const [padding = 0] = await stream.read(1);
    await stream.skip(padding);
  }
  const bytes = count * type.size;
  if (!Number.isSafeInteger(bytes)) throw new Unreadable('has an array that is larger than any file');
  await stream.skip(bytes);
}

/** Imports that make a new object: classes, and functions that only stand for one. */
const makers =
  /^_*[A-Z]|^(dtype|ndarray|matrix|newObj|_reconstruct|__\w+_ctor|__pyx_unpickle_\w+|_new_\w+|_mareconstruct|_unpickle_block|[a-z]{3}_(array|matrix)|interp1d|make_column_selector|defaultdict|deque)$/;

/**
 * Whether a value is a new object of a known class, other than joblib's wrapper. numpy's functions return what they got
 * in some cases, so that the result of one could be a wrapper.
 */
export function isKnownObject(value: Value): boolean {
  if (!(value instanceof Instance)) return false;
  const type = typeOf(value);
  return type !== undefined && makers.test(type.name);
}
