import { Unreadable } from '../../artifacts/source.ts';
import { checkPath } from '../../text/paths.ts';
import { ByteStream, part } from './byte-stream.ts';
import { unpacked } from './unpack.ts';
import { readDirectory, type ZipMember, zipSignatures } from './zip-directory.ts';
import { readZip64 } from './zip64.ts';

/** Members of one archive; a large checkpoint has some thousands. */
const mostMembers = 65_536;

const utf8Flag = 1 << 11;
const descriptorFlag = 1 << 3;

/** Takes the members of an archive. */
export interface ZipVisitor {
  /** Bytes of a member whose size follows its content; undefined when nothing says. */
  expects(name: string): number | undefined;
  /** Takes a member's content; what it leaves is skipped. */
  visit(name: string, content: ByteStream): Promise<void>;
}

/**
 * Walks a ZIP archive in the order of its bytes (APPNOTE.TXT 6.3.10) and compares every local header with the central
 * directory, by which other readers find members: no member is hidden, doubled, overlaps another or is described in two
 * ways, and no byte is before, between or behind them. Throws Unreadable.
 */
export async function walkZip(stream: ByteStream, visitor: ZipVisitor): Promise<void> {
  const members = new Map<number, ZipMember>();
  const names = new Set<string>();
  for (;;) {
    const offset = stream.offset;
    await stream.fill(4);
    const signature = stream.here().readUInt32LE(0);
    if (signature === zipSignatures.directory || signature === zipSignatures.end) break;
    if (signature !== zipSignatures.local) throw new Unreadable(`has unknown data at offset ${offset}`);
    const member = await readLocalHeader(stream, offset);
    if (names.has(member.name)) throw new Unreadable(`has two members ${JSON.stringify(member.name)}`);
    if (names.size === mostMembers) throw new Unreadable('has too many members');
    names.add(member.name);
    members.set(offset, member);
    await passContent(stream, member, visitor);
  }
  await readDirectory(stream, members);
  await stream.mustEnd('the end of the archive');
}

async function readLocalHeader(stream: ByteStream, offset: number): Promise<ZipMember> {
  const head = Buffer.from(await stream.read(30));
  const member: ZipMember = {
    offset,
    name: '',
    flags: head.readUInt16LE(6),
    method: head.readUInt16LE(8),
    crc: head.readUInt32LE(14),
    packed: head.readUInt32LE(18),
    size: head.readUInt32LE(22),
  };
  const nameLength = head.readUInt16LE(26);
  const extraLength = head.readUInt16LE(28);
  member.name = textOf(await stream.read(nameLength));
  const widened = readZip64(await stream.read(extraLength));
  member.size = widened(member.size);
  member.packed = widened(member.packed);
  const { flags, method, name } = member;
  const isDescribedLater = (flags & descriptorFlag) !== 0;
  if ((flags & ~(utf8Flag | descriptorFlag | 6)) !== 0)
    throw new Unreadable(`has an encrypted or unusual member`);
  if (method !== 0 && method !== 8) throw new Unreadable(`has a member of compression method ${method}`);
  const isFolder = name.endsWith('/');
  const problem = checkPath(isFolder ? name.slice(0, -1) : name);
  if (problem !== undefined) throw new Unreadable(`has a member whose name ${problem}`);
  if (!isDescribedLater && method === 0 && member.packed !== member.size)
    throw new Unreadable('has a member of two sizes');
  return member;
}

async function passContent(stream: ByteStream, member: ZipMember, visitor: ZipVisitor): Promise<void> {
  const isDescribedLater = (member.flags & descriptorFlag) !== 0;
  const visit = (content: ByteStream) =>
    member.name.endsWith('/') ? Promise.resolve() : visitor.visit(member.name, content);
  if (member.method === 8) {
    const start = stream.offset;
    const body = isDescribedLater ? stream : part(stream, member.packed);
    const { stream: content, close, leave } = unpacked(body, 'deflate');
    try {
      await visit(content);
      await close();
    } finally {
      leave();
    }
    if (isDescribedLater) {
      member.packed = stream.offset - start;
      member.size = content.offset;
      await readDescriptor(stream, member);
      return;
    }
    await body.mustEnd('a compressed member');
    if (content.offset !== member.size) throw new Unreadable('has a member of two sizes');
  } else if (isDescribedLater) {
    const content = untilDescriptor(stream, visitor.expects(member.name) ?? 0);
    await visit(content);
    await content.drain();
    member.packed = content.offset;
    member.size = content.offset;
    await readDescriptor(stream, member);
  } else {
    const content = part(stream, member.packed);
    await visit(content);
    await content.drain();
  }
}

/** Size of a descriptor whose sizes have 32 or 64 bits, if the next bytes are the one of this member. */
function descriptorSize(bytes: Buffer, packed: number, size: number): 16 | 24 | undefined {
  if (bytes.length < 16 || bytes.readUInt32LE(0) !== zipSignatures.descriptor) return undefined;
  if (bytes.readUInt32LE(8) === packed && bytes.readUInt32LE(12) === size) return 16;
  if (bytes.length < 24) return undefined;
  const isWide = bytes.readBigUInt64LE(8) === BigInt(packed) && bytes.readBigUInt64LE(16) === BigInt(size);
  return isWide ? 24 : undefined;
}

async function readDescriptor(stream: ByteStream, member: ZipMember): Promise<void> {
  await stream.offers(24);
  const size = descriptorSize(stream.here(), member.packed, member.size);
  if (size === undefined) throw new Unreadable('has a member of two sizes');
  member.crc = (await stream.read(size)).readUInt32LE(4);
}

/**
 * The content of a stored member whose size only follows it, as PyTorch writes them: up to a descriptor that states just
 * the bytes so far. A first part that others `expect` is not searched; a wrong guess contradicts the central directory.
 */
function untilDescriptor(stream: ByteStream, expected: number): ByteStream {
  const start = stream.offset;
  return new ByteStream(async () => {
    const passed = stream.offset - start;
    if (passed < expected) return await stream.chunk(expected - passed);
    await stream.fill(16);
    const at = stream.here().indexOf(descriptorStart);
    if (at > 0) return await stream.chunk(at);
    if (at === -1) return await stream.chunk(stream.here().length - 3);
    await stream.offers(24);
    if (descriptorSize(stream.here(), passed, passed) !== undefined) return undefined;
    return await stream.chunk(1);
  });
}

const descriptorStart = Buffer.from('PK\x07\x08', 'latin1');

/** A name; one that is not UTF-8 differs between readers. */
function textOf(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Unreadable('has a member whose name is not UTF-8');
  }
}
