import { Bytes, Global, Instance, itemsOf, Sequence, type Value } from './values.ts';

/** The type of an array's elements. */
export interface DType {
  /** Kind and bytes, as numpy writes it: `f8`, `i4`, `U5`, `O8`, `V64`. */
  code: string;
  /** Bytes of an element. */
  size: number;
  hasObjects: boolean;
  littleEndian: boolean;
}

/** A numpy array: its shape, its type, and its first elements where they are plain. */
export class NumpyArray extends Instance {
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly values: readonly Value[];

  constructor(shape: readonly number[], dtype: DType, values: readonly Value[]) {
    super(new Global('numpy', 'ndarray'), undefined);
    this.shape = shape;
    this.dtype = dtype;
    this.values = values;
  }
}

/** `numpy.dtype('f8', False, True)` with the state `(3, '<', None, names, fields, size, alignment, flags)`. */
export function dtypeOf(value: Value): DType | undefined {
  const isDtype = value instanceof Instance && value.type instanceof Global && value.type.name === 'dtype';
  // numpy.dtype[…]: structured types of some versions are made by their class.
  if (!isDtype) return undefined;
  const [code] = itemsOf(value.args);
  if (typeof code !== 'string' || !/^[a-zA-Z]\d*$/.test(code)) return undefined;
  const [, order, , , , size, , flags] = itemsOf(value.state);
  const width = Number(code.slice(1)) * (code.startsWith('U') ? 4 : 1);
  return {
    code,
    size: typeof size === 'number' && size > 0 ? size : width,
    // NPY_ITEM_REFCOUNT, the lowest bit.
    hasObjects: code.startsWith('O') || (typeof flags === 'number' && flags % 2 === 1),
    littleEndian: order !== '>',
  };
}

/** The elements at the beginning of an array's bytes, of numbers, booleans and text; none of other types. */
export function valuesIn(bytes: Buffer, { code, size, littleEndian }: DType): Value[] {
  if (!littleEndian || size === 0) return [];
  const read = readers[code] ?? (code.startsWith('U') ? text : undefined);
  if (read === undefined) return [];
  const values: Value[] = [];
  for (let at = 0; at + size <= bytes.length; at += size) values.push(read(bytes, at, size));
  return values;
}

const readers: Record<string, (bytes: Buffer, at: number, size: number) => Value> = {
  b1: (bytes, at) => bytes[at] !== 0,
  i1: (bytes, at) => bytes.readInt8(at),
  u1: (bytes, at) => bytes.readUInt8(at),
  i2: (bytes, at) => bytes.readInt16LE(at),
  u2: (bytes, at) => bytes.readUInt16LE(at),
  i4: (bytes, at) => bytes.readInt32LE(at),
  u4: (bytes, at) => bytes.readUInt32LE(at),
  i8: (bytes, at) => Number(bytes.readBigInt64LE(at)),
  u8: (bytes, at) => Number(bytes.readBigUInt64LE(at)),
  f4: (bytes, at) => bytes.readFloatLE(at),
  f8: (bytes, at) => bytes.readDoubleLE(at),
};

/** UCS-4, padded with NULs. */
function text(bytes: Buffer, at: number, size: number): string {
  let letters = '';
  for (let from = at; from < at + size; from += 4) {
    const letter = bytes.readUInt32LE(from);
    if (letter === 0) break;
    letters += letter <= 0x10ffff ? String.fromCodePoint(letter) : '\ufffd';
  }
  return letters;
}

/**
 * A value as an array if it is one: numpy's `_reconstruct` with the state `(1, shape, dtype, fortran, values)`, or
 * `_frombuffer` of protocol 5. Other values are returned as they are.
 */
export function arrayOf(value: Value): Value {
  if (!(value instanceof Instance) || value instanceof NumpyArray || !(value.type instanceof Global))
    return value;
  if (value.type.name === '_frombuffer') {
    const [bytes, dtype, shape] = itemsOf(value.args);
    return made(shape, dtype, bytes) ?? value;
  }
  if (value.type.name !== '_reconstruct') return value;
  const [, shape, dtype, , content] = itemsOf(value.state);
  return made(shape, dtype, content) ?? value;
}

function made(shape: Value, type: Value, content: Value): NumpyArray | undefined {
  const dtype = dtypeOf(type);
  if (dtype === undefined || !(shape instanceof Sequence)) return undefined;
  const sizes = shape.items.map((size) => (typeof size === 'number' ? size : 0));
  // Objects are a list; other elements are bytes.
  const values = content instanceof Bytes ? valuesIn(content.head, dtype) : itemsOf(content);
  return new NumpyArray(sizes, dtype, values);
}

/** A number that may be numpy's own: `numpy.core.multiarray.scalar(dtype, bytes)`. */
export function plainOf(value: Value): Value {
  if (!(value instanceof Instance) || !(value.type instanceof Global) || value.type.name !== 'scalar')
    return value;
  const [type, bytes] = itemsOf(value.args);
  const dtype = dtypeOf(type);
  return dtype === undefined || !(bytes instanceof Bytes) ? undefined : valuesIn(bytes.head, dtype)[0];
}
