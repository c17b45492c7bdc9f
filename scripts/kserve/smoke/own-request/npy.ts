import { ModelcarsError } from '../../../errors.ts';

/** A tensor as in a v2 request. */
export interface Tensor {
  datatype: string;
  shape: number[];
  /** Flat, in row-major order. */
  data: (number | boolean)[];
}

/** NumPy's type codes in little-endian order, by kind and bytes, and the protocol's names for them. */
const types: Record<
  string,
  { datatype: string; read(view: DataView, at: number): number | boolean | bigint }
> = {
  b1: { datatype: 'BOOL', read: (view, at) => view.getUint8(at) !== 0 },
  u1: { datatype: 'UINT8', read: (view, at) => view.getUint8(at) },
  u2: { datatype: 'UINT16', read: (view, at) => view.getUint16(at, true) },
  u4: { datatype: 'UINT32', read: (view, at) => view.getUint32(at, true) },
  u8: { datatype: 'UINT64', read: (view, at) => view.getBigUint64(at, true) },
  i1: { datatype: 'INT8', read: (view, at) => view.getInt8(at) },
  i2: { datatype: 'INT16', read: (view, at) => view.getInt16(at, true) },
  i4: { datatype: 'INT32', read: (view, at) => view.getInt32(at, true) },
  i8: { datatype: 'INT64', read: (view, at) => view.getBigInt64(at, true) },
  f4: { datatype: 'FP32', read: (view, at) => view.getFloat32(at, true) },
  f8: { datatype: 'FP64', read: (view, at) => view.getFloat64(at, true) },
};

/**
 * A NumPy .npy file of numbers in row-major order (numpy.lib.format, versions 1 to 3). Fails with code `catalog` for
 * objects (which would have to be unpickled), texts, Fortran order and big-endian numbers.
 */
export function readNpy(bytes: Buffer, file: string): Tensor {
  const fail = (problem: string) =>
    new ModelcarsError('catalog', `read ${file}: ${problem}`, {
      next: 'save it with `numpy.save(file, numpy.ascontiguousarray(array))`, of numbers',
    });
  if (bytes.subarray(0, 6).toString('latin1') !== '\x93NUMPY' || bytes.length < 12)
    throw fail('it is no .npy file');
  const wide = (bytes[6] ?? 0) > 1;
  const start = wide ? 12 : 10;
  const length = wide ? bytes.readUInt32LE(8) : bytes.readUInt16LE(8);
  const header = bytes.subarray(start, start + length).toString('latin1');
  const descr = /'descr': *'([<>|=])([a-zA-Z])(\d+)'/.exec(header);
  const shapeText = /'shape': *\(([\d, ]*)\)/.exec(header)?.[1];
  const type = types[`${descr?.[2]}${descr?.[3]}`];
  if (descr === null || shapeText === undefined || type === undefined)
    throw fail('its values are no numbers');
  if (descr[1] === '>') throw fail('its numbers are big-endian');
  if (/'fortran_order': *True/.test(header)) throw fail('it is in column-major (Fortran) order');
  const shape = shapeText
    .split(',')
    .filter((one) => one.trim() !== '')
    .map(Number);
  const count = shape.reduce((product, one) => product * one, 1);
  const size = Number(descr[3]);
  const body = bytes.subarray(start + length);
  if (!Number.isSafeInteger(count) || body.length !== count * size)
    throw fail(`it has ${body.length} bytes of values, and its shape needs ${count * size}`);
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  const data = Array.from({ length: count }, (_, at) => {
    const value = type.read(view, at * size);
    if (typeof value !== 'bigint') return value;
    if (value >= -(2n ** 53n) && value <= 2n ** 53n) return Number(value);
    throw fail(`its value ${value} is too large for JSON`);
  });
  return { datatype: type.datatype, shape, data };
}
