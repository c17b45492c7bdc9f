import { Unreadable } from '../../artifacts/source.ts';

/** The value that says: the real one is in the extra field. */
const elsewhere = 0xffff_ffff;

/**
 * Returns a function that replaces sizes and offsets of 32 bits by those of 64 from an extra field (APPNOTE.TXT 4.5.3),
 * to be called in the field's order. Throws Unreadable on a damaged field.
 */
export function readZip64(extra: Buffer): (value: number) => number {
  let wide: Buffer = Buffer.alloc(0);
  for (let at = 0; at < extra.length; ) {
    const length = at + 4 <= extra.length ? extra.readUInt16LE(at + 2) : extra.length;
    if (at + 4 + length > extra.length) throw new Unreadable('has a member with a damaged header');
    if (extra.readUInt16LE(at) === 1) wide = Buffer.from(extra.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  let from = 0;
  return (value) => {
    if (value !== elsewhere) return value;
    if (from + 8 > wide.length) throw new Unreadable('has a member with a damaged header');
    from += 8;
    return Number(wide.readBigUInt64LE(from - 8));
  };
}
