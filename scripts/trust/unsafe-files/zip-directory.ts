import { Unreadable } from '../../artifacts/source.ts';
import type { ByteStream } from './byte-stream.ts';
import { readZip64 } from './zip64.ts';

export const zipSignatures = {
  local: 0x0403_4b50,
  directory: 0x0201_4b50,
  descriptor: 0x0807_4b50,
  end64: 0x0606_4b50,
  locator64: 0x0706_4b50,
  end: 0x0605_4b50,
} as const;

/** A member as its local header and its data show it. */
export interface ZipMember {
  /** Of its local header. */
  offset: number;
  name: string;
  flags: number;
  method: number;
  crc: number;
  /** Bytes in the archive, and unpacked. */
  packed: number;
  size: number;
}

/**
 * Reads the central directory and the records behind it, and compares them with the members that were walked, by offset.
 * Throws Unreadable at the first difference.
 */
export async function readDirectory(
  stream: ByteStream,
  members: ReadonlyMap<number, ZipMember>,
): Promise<void> {
  const start = stream.offset;
  const seen = new Set<number>();
  for (;;) {
    await stream.fill(4);
    if (stream.here().readUInt32LE(0) !== zipSignatures.directory) break;
    const offset = await compareEntry(stream, members);
    if (seen.has(offset)) throw new Unreadable('lists a member twice');
    seen.add(offset);
  }
  if (seen.size !== members.size) throw new Unreadable('has a member that its directory does not list');
  const directory = { count: members.size, size: stream.offset - start, start };
  const wide = await readEnd64(stream, directory);
  await readEnd(stream, directory, wide);
}

/** Compares one entry; returns the offset of its member. */
async function compareEntry(stream: ByteStream, members: ReadonlyMap<number, ZipMember>): Promise<number> {
  const head = Buffer.from(await stream.read(46));
  const name = Buffer.from(await stream.read(head.readUInt16LE(28)));
  const extra = await stream.read(head.readUInt16LE(30));
  const [packed = 0, size = 0, offset = 0] = widened(
    [head.readUInt32LE(20), head.readUInt32LE(24), head.readUInt32LE(42)],
    extra,
  );
  await stream.skip(head.readUInt16LE(32));
  const member = members.get(offset);
  const isSame =
    member !== undefined &&
    name.equals(Buffer.from(member.name)) &&
    head.readUInt16LE(8) === member.flags &&
    head.readUInt16LE(10) === member.method &&
    head.readUInt32LE(16) === member.crc &&
    packed === member.packed &&
    size === member.size;
  if (!isSame) throw new Unreadable('describes a member in two ways');
  return offset;
}

/** Packed size, size and offset, of which those of 64 bits are in the extra field: size, packed size, offset. */
function widened([packed = 0, size = 0, offset = 0]: number[], extra: Buffer): number[] {
  const next = readZip64(extra);
  const wideSize = next(size);
  return [next(packed), wideSize, next(offset)];
}

interface Directory {
  count: number;
  size: number;
  start: number;
}

/** The end record of 64 bits and its locator; whether they exist. */
async function readEnd64(stream: ByteStream, { count, size, start }: Directory): Promise<boolean> {
  const at = stream.offset;
  if (stream.here().readUInt32LE(0) !== zipSignatures.end64) return false;
  const record = await stream.read(56);
  const numbers = [4, 24, 32, 40, 48].map((from) => Number(record.readBigUInt64LE(from)));
  const isSame = numbers.join() === [44, count, count, size, start].join();
  if (!isSame) throw new Unreadable('has a directory of two sizes');
  const locator = await stream.read(20);
  const isFound =
    locator.readUInt32LE(0) === zipSignatures.locator64 && Number(locator.readBigUInt64LE(8)) === at;
  if (!isFound) throw new Unreadable('has a directory that cannot be found');
  return true;
}

async function readEnd(
  stream: ByteStream,
  { count, size, start }: Directory,
  isWide: boolean,
): Promise<void> {
  const end = await stream.read(22);
  if (end.readUInt32LE(0) !== zipSignatures.end) throw new Unreadable('has unknown data in its directory');
  const states = (value: number, real: number, most: number) => value === real || (isWide && value === most);
  const isSame =
    states(end.readUInt16LE(8), count, 0xffff) &&
    states(end.readUInt16LE(10), count, 0xffff) &&
    states(end.readUInt32LE(12), size, 0xffff_ffff) &&
    states(end.readUInt32LE(16), start, 0xffff_ffff);
  if (!isSame) throw new Unreadable('has a directory of two sizes');
  // A comment can hide another directory behind this one.
  if (end.readUInt16LE(20) !== 0) throw new Unreadable('has a comment');
}
