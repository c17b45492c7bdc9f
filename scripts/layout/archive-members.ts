import type { FileHandle } from 'node:fs/promises';
import { ModelcarsError } from '../errors.ts';
import { paddingOf } from '../image/tar.ts';

/** The location of a member's bytes in the archive. */
export interface Span {
  start: number;
  size: number;
}

/** An archive by modelcars has at most a hundred members per image; listing a million empty ones takes minutes. */
const mostMembers = 100_000;
const headerSize = 512;

/**
 * Name and location of every regular file in a tar (POSIX.1-1988 ustar; GNU tar manual, "Basic Tar Format"). Names
 * longer than 100 bytes do not occur in layouts and are not supported. No number is trusted: a member that extends past
 * the file's end, or a header field that is not a number, is an error with code `layout`.
 */
export async function listMembers(
  file: string,
  handle: FileHandle,
  most = mostMembers,
): Promise<Map<string, Span>> {
  const { size: end } = await handle.stat();
  const members = new Map<string, Span>();
  const header = Buffer.alloc(headerSize);
  for (let at = 0, count = 0; ; count++) {
    const { bytesRead } = await handle.read(header, 0, headerSize, at);
    if (bytesRead === 0 || (bytesRead === headerSize && header.every((byte) => byte === 0))) return members;
    if (count >= most) throw damaged(file, `it has more than ${most} members`);
    if (bytesRead < headerSize)
      throw damaged(file, `it is not a tar, or it was cut off (it ends in the header at byte ${at})`);
    const sum = header.reduce((total, byte, index) => total + (index >= 148 && index < 156 ? 32 : byte), 0);
    if (sum !== numberIn(header.subarray(148, 156)))
      throw damaged(file, `it is not a tar, or a damaged one (header at byte ${at})`);
    const size = numberIn(header.subarray(124, 136));
    if (size === undefined)
      throw damaged(file, `it is not a tar, or a damaged one (no size in the header at byte ${at})`);
    const start = at + headerSize;
    if (size > end - start) {
      const there = `the member at byte ${at} has ${size} bytes, ${Math.max(0, end - start)} are left`;
      throw damaged(file, `it was cut off or damaged (${there})`);
    }
    const name = header.toString('utf8', 0, 100).replace(/\0.*$/s, '').replace(/^\.\//, '');
    if (header[156] === 0x30 || header[156] === 0) members.set(name, { start, size });
    at = start + size + paddingOf(size);
  }
}

/**
 * Parses octal digits between blanks and NULs, or GNU base-256 when the top bit is set; undefined when it is not a byte
 * count.
 */
function numberIn(field: Buffer): number | undefined {
  if (((field[0] ?? 0) & 0x80) === 0) {
    const digits = /^ *([0-7]*)[ \0]*$/.exec(field.toString('latin1'))?.[1];
    return digits === undefined ? undefined : Number.parseInt(digits || '0', 8);
  }
  // 0xff begins a negative number, which is never a size; other first bytes carry bits beyond any file size.
  if (field[0] !== 0x80) return undefined;
  let value = 0n;
  for (const byte of field.subarray(1)) value = (value << 8n) | BigInt(byte);
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : undefined;
}

function damaged(file: string, problem: string): ModelcarsError {
  return new ModelcarsError('layout', `open ${file}: ${problem}`, {
    next: 'build it again, or pass the folder or .tar that `modelcars build` wrote',
  });
}
