import { Unreadable } from '../../artifacts/source.ts';
import type { ByteStream } from './byte-stream.ts';
import type { PickleContext } from './pickle/machine.ts';
import { walkPickles } from './pickles.ts';

/** Bytes of a header; numpy itself reads no more than 10,000 of an untrusted file (numpy/lib/format.py). */
const mostHeader = 1024 ** 2;

/**
 * Walks a .npy file: an array of plain types is numbers, an array with objects is a pickle. A header that says neither
 * clearly is not trusted. Throws Unreadable.
 */
export async function walkNpy(stream: ByteStream, context: PickleContext): Promise<void> {
  const [, , , , , , major = 0] = await stream.read(8);
  if (major < 1 || major > 3) throw new Unreadable('is of an unknown version of .npy');
  const length = major === 1 ? (await stream.read(2)).readUInt16LE() : (await stream.read(4)).readUInt32LE();
  if (length > mostHeader) throw new Unreadable('has a header that is too long');
  const header = (await stream.read(length)).toString('latin1');
  // Python's own escapes could write an `O` in other ways.
  const described =
    /^\{\s*'descr':\s*('[^'\\]*'|\[[^\\"]*?\])\s*,\s*'fortran_order':\s*(True|False)\s*,/.exec(header);
  if (described === null) throw new Unreadable('has a header that cannot be read');
  const type = described[1] ?? '';
  if (hasObjects(type)) await walkPickles(stream, context);
}

const plainType = /^[<>|=]?[biufcSUVmM]\d*(\[\w+\])?$/;

/** Whether a type has objects, itself or in a field: it has one that is no plain type, or fields in fields. */
function hasObjects(type: string): boolean {
  if (type.startsWith("'")) return !plainType.test(type.slice(1, -1));
  const field = /\(\s*'[^']*'\s*,\s*'([^']*)'\s*(?:,\s*\([\d\s,]*\)\s*)?\)/g;
  const types = [...type.matchAll(field)].map(([, one = '']) => one);
  return types.some((one) => !plainType.test(one)) || /[^[\],\s]/.test(type.replaceAll(field, ''));
}
