import { BrokenTar } from './header.ts';

/** PAX records by keyword: POSIX.1-2001, pax, "pax Extended Header". */
export type Pax = ReadonlyMap<string, string>;

/** Records that set a member's name or size. */
const placing = ['path', 'linkpath', 'size'];

/**
 * Reads the records `length key=value\n` of a PAX header; the length includes itself. Throws BrokenTar on malformed
 * records, and on those that give one member several names (GNU's sparse files), among which readers choose
 * differently.
 */
export function parsePax(bytes: Buffer): Pax {
  const records = new Map<string, string>();
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at);
    // Nine digits are more than the size limit of an extension.
    const length = space === -1 || space - at > 9 ? Number.NaN : decimal(bytes.toString('latin1', at, space));
    const end = at + length;
    if (!Number.isSafeInteger(length) || end <= space || end > bytes.length || bytes[end - 1] !== 0x0a)
      throw new BrokenTar('a PAX header is malformed');
    const record = bytes.toString('utf8', space + 1, end - 1);
    const equals = record.indexOf('=');
    if (equals < 1) throw new BrokenTar('a PAX header is malformed');
    const [key, value] = [record.slice(0, equals), record.slice(equals + 1)];
    if (key.startsWith('GNU.sparse.'))
      throw new BrokenTar('a PAX header makes its member sparse, and readers differ on its name and end');
    if (placing.includes(key) && value.includes('\0'))
      throw new BrokenTar('a PAX header gives a name with a NUL');
    records.set(key, value);
    at = end;
  }
  return records;
}

/** Whether records set a member's name or size. */
export function saysPlace(pax: Pax): boolean {
  return placing.some((key) => pax.has(key));
}

/** A name; undefined if absent or empty, which keeps the header's (Go's archive/tar, mergePAX). */
export function paxBytes(pax: Pax | undefined, key: string): Buffer | undefined {
  const value = pax?.get(key) ?? '';
  return value === '' ? undefined : Buffer.from(value);
}

/** Bytes of a member's content; undefined if the header's size applies. Throws BrokenTar. */
export function paxSize(pax: Pax | undefined): number | undefined {
  const text = pax?.get('size') ?? '';
  if (text === '') return undefined;
  const size = decimal(text);
  if (!Number.isSafeInteger(size)) throw new BrokenTar('a PAX header gives a size that is none');
  return size;
}

/** A PAX number, in decimal digits only: readers differ on `0x10` and `1e3`. */
function decimal(text: string): number {
  return /^\d+$/.test(text) ? Number(text) : Number.NaN;
}
