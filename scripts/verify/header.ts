/** Reads one header block of an untrusted tar. */

export const blockSize = 512;

/** A tar that cannot safely be read any further. */
export class BrokenTar extends Error {}

export interface Header {
  format: 'GNU' | 'ustar' | 'old';
  /** The bytes of the name field up to the first NUL, the ustar prefix before it. */
  name: Uint8Array;
  /** Type flag as a character; the old NUL is `0`. */
  type: string;
  mode: number;
  uid: number;
  gid: number;
  /** Bytes of content after the header. */
  size: number;
  /** Seconds since 1970. */
  mtime: number;
  link: Uint8Array;
  uname: string;
  gname: string;
  /** The first deviation that readers tolerate and the contract does not. */
  odd: string | undefined;
}

/**
 * Reads a header block in the old, ustar or GNU format (POSIX.1-1988 ustar; GNU tar manual, "Basic Tar Format");
 * undefined for a block of zeros. Throws BrokenTar on a wrong checksum, on a malformed number, on one beyond 2^53, and
 * where readers in use would find a different name.
 */
export function parseHeader(block: Uint8Array): Header | undefined {
  if (isZero(block)) return undefined;
  checkSum(block);
  const format = formatOf(block);
  const name = textBytes(block, 0, 100);
  const type = block[156] === 0 ? '0' : String.fromCharCode(block[156] ?? 0);
  const header: Header = {
    format,
    name: format === 'ustar' ? withPrefix(textBytes(block, 345, 155), name) : name,
    type,
    mode: number(block, 100, 8, 'mode'),
    uid: number(block, 108, 8, 'uid'),
    gid: number(block, 116, 8, 'gid'),
    size: number(block, 124, 12, 'size'),
    mtime: number(block, 136, 12, 'mtime'),
    link: textBytes(block, 157, 100),
    uname: format === 'old' ? '' : text(block, 265, 32),
    gname: format === 'old' ? '' : text(block, 297, 32),
    odd: undefined,
  };
  if (header.size < 0) throw new BrokenTar(`a header gives the size ${header.size}`);
  if (format === 'GNU') checkGnuTimes(block);
  header.odd = oddityOf(block, header);
  return header;
}

const zeros = new Uint8Array(16 * 1024);

/** Whether all bytes are zero. */
export function isZero(bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; at += zeros.length) {
    const part = bytes.subarray(at, at + zeros.length);
    if (Buffer.compare(part, zeros.subarray(0, part.length)) !== 0) return false;
  }
  return true;
}

/**
 * The first field that a strict reader of basic GNU tar rejects; such fields can also hide content from some readers.
 */
function oddityOf(block: Uint8Array, header: Header): string | undefined {
  if (header.format !== 'GNU') return `is in the ${header.format} tar format, the contract requires GNU`;
  if (block[156] === 0) return 'has the old type flag NUL';
  if (!isZero(block.subarray(header.name.length, 100))) return 'has bytes hidden behind its name';
  if (!isZero(block.subarray(157, 257)) && header.type !== '1' && header.type !== '2')
    return 'has a link target, though it is no link';
  if (
    !isZero(block.subarray(265 + header.uname.length, 297)) ||
    !isZero(block.subarray(297 + header.gname.length, 329))
  )
    return 'has bytes hidden behind its owner names';
  if (number(block, 329, 8, 'devmajor') !== 0 || number(block, 337, 8, 'devminor') !== 0)
    return 'has a device number, though it is no device';
  if (!isZero(block.subarray(345))) return 'has GNU extras (access time, sparse map) in its header';
  if (header.type === '5' && header.size !== 0) return `is a directory with the size ${header.size}`;
  return undefined;
}

function checkSum(block: Uint8Array): void {
  const sum = block.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 32 : byte), 0);
  const stated = number(block, 148, 8, 'checksum');
  if (stated !== sum) throw new BrokenTar(`a header has the checksum ${stated}, its bytes give ${sum}`);
}

/**
 * Go's archive/tar, which the engines use, reads the field of GNU's access and change time as a prefix of the name if
 * it is not a number (Reader.readHeader): the member's path would then differ from its name.
 */
function checkGnuTimes(block: Uint8Array): void {
  if (block[345] !== 0) number(block, 345, 12, 'access time');
  if (block[357] !== 0) number(block, 357, 12, 'change time');
}

function formatOf(block: Uint8Array): Header['format'] {
  // star's prefix is shorter than ustar's, so the name would be ambiguous.
  if (String.fromCharCode(...block.subarray(257, 262), ...block.subarray(508, 512)) === 'ustartar\0')
    throw new BrokenTar('a header is in the format of star');
  const magic = String.fromCharCode(...block.subarray(257, 265));
  if (magic === 'ustar  \0') return 'GNU';
  return magic.startsWith('ustar\0') ? 'ustar' : 'old';
}

/**
 * Octal digits between blanks and NULs, or GNU's base-256: first byte 0x80 (0xff for negative numbers), then
 * big-endian.
 */
function number(block: Uint8Array, at: number, length: number, field: string): number {
  const bytes = block.subarray(at, at + length);
  const first = bytes[0] ?? 0;
  if (first === 0x80 || first === 0xff) {
    let value = first === 0xff ? -1n : 0n;
    for (const byte of bytes.subarray(1)) value = (value << 8n) | BigInt(byte);
    const result = Number(value);
    if (!Number.isSafeInteger(result)) throw new BrokenTar(`a header has a ${field} beyond 2^53`);
    return result;
  }
  const digits = /^[ ]*([0-7]*)[ \0]*$/.exec(String.fromCharCode(...bytes))?.[1];
  if (digits === undefined) throw new BrokenTar(`a header has a ${field} that is no number`);
  return digits === '' ? 0 : Number.parseInt(digits, 8);
}

function textBytes(block: Uint8Array, at: number, length: number): Uint8Array {
  const field = block.subarray(at, at + length);
  const end = field.indexOf(0);
  return Uint8Array.from(end === -1 ? field : field.subarray(0, end));
}

function text(block: Uint8Array, at: number, length: number): string {
  return String.fromCharCode(...textBytes(block, at, length));
}

function withPrefix(prefix: Uint8Array, name: Uint8Array): Uint8Array {
  return prefix.length === 0 ? name : Uint8Array.from([...prefix, 0x2f, ...name]);
}
