/**
 * Tar headers in the GNU format, which every layer reader supports for names of any length and files of any size: long
 * names as `././@LongLink` members, sizes over 8 GiB in base-256. PAX is avoided because image scanners fail on it.
 * Format: GNU tar manual, "Basic Tar Format"; POSIX.1-1988 for the common part.
 */

const block = 512;

/** Numeric owner, modes and time of every layer member (docs/internals/design.md, "The image contract"). */
export interface Ownership {
  uid: number;
  gid: number;
  /** Seconds since 1970-01-01T00:00:00Z. */
  mtime: number;
}

export interface Member extends Ownership {
  /** `models/…`, no leading `/` or `./`, no trailing `/`. */
  path: string;
  type: 'file' | 'directory';
  /** Permission bits, 0 to 0o7777. */
  mode: number;
  /** Bytes; 0 for a directory. */
  size: number;
}

/** Two zero blocks that end an archive. */
export const endOfArchive: Uint8Array = new Uint8Array(2 * block);

/** Zero bytes that pad a member of `size` bytes to whole blocks. */
export function paddingOf(size: number): number {
  return (block - (size % block)) % block;
}

/**
 * The bytes before a member's content: one header block, or at least three when the name is longer than 100 bytes.
 * Throws RangeError for values that tar cannot represent.
 */
export function encodeHeader(member: Member): Uint8Array {
  const name = new TextEncoder().encode(member.type === 'directory' ? `${member.path}/` : member.path);
  const type = member.type === 'directory' ? '5' : '0';
  const short = encodeBlock(name.subarray(0, 100), type, member);
  if (name.length <= 100) return short;

  const root = { mode: 0, uid: 0, gid: 0, mtime: 0, size: name.length + 1 };
  const link = encodeBlock(new TextEncoder().encode('././@LongLink'), 'L', root);
  const padded = name.length + 1 + paddingOf(name.length + 1);
  const bytes = new Uint8Array(link.length + padded + short.length);
  bytes.set(link, 0);
  bytes.set(name, link.length);
  bytes.set(short, link.length + padded);
  return bytes;
}

/** The length of `encodeHeader(member)` in bytes, which plans for thousands of models need without the bytes. */
export function headerLength({ path, type }: Pick<Member, 'path' | 'type'>): number {
  const name = Buffer.byteLength(path) + (type === 'directory' ? 1 : 0);
  return name <= 100 ? block : 2 * block + name + 1 + paddingOf(name + 1);
}

function encodeBlock(
  name: Uint8Array,
  type: string,
  fields: { mode: number; uid: number; gid: number; size: number; mtime: number },
): Uint8Array {
  const bytes = new Uint8Array(block);
  bytes.set(name, 0);
  putNumber(bytes, 100, 8, fields.mode);
  putNumber(bytes, 108, 8, fields.uid);
  putNumber(bytes, 116, 8, fields.gid);
  putNumber(bytes, 124, 12, fields.size);
  putNumber(bytes, 136, 12, fields.mtime);
  putText(bytes, 156, type);
  putText(bytes, 257, 'ustar  \0'); // GNU's magic and version in one
  putText(bytes, 148, ' '.repeat(8)); // the checksum is computed with its own field blank
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  putText(bytes, 148, `${sum.toString(8).padStart(6, '0')}\0 `);
  return bytes;
}

/** Writes octal digits and a NUL if they fit, otherwise GNU base-256: top bit of the first byte, then big-endian. */
function putNumber(bytes: Uint8Array, at: number, length: number, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new RangeError(`tar header: ${value} is not a size or id`);
  const octal = value.toString(8);
  if (octal.length < length) {
    putText(bytes, at, `${octal.padStart(length - 1, '0')}\0`);
    return;
  }
  let rest = BigInt(value);
  for (let index = at + length - 1; index > at; index--) {
    bytes[index] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  if (rest > 0n) throw new RangeError(`tar header: ${value} does not fit ${length} bytes`);
  bytes[at] = 0x80;
}

function putText(bytes: Uint8Array, at: number, text: string): void {
  for (let index = 0; index < text.length; index++) bytes[at + index] = text.charCodeAt(index);
}
