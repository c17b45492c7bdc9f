import { isUtf8 } from 'node:buffer';
import { createHash, type Hash } from 'node:crypto';
import { type Inspector, inspectorFor } from '../formats/inspect.ts';
import type { Finding } from '../formats/reader.ts';
import type { ContentWalks } from './content-walks.ts';
import { BrokenTar, blockSize, type Header, isZero, parseHeader } from './header.ts';
import { cleanPath, isUnderModels, modelsRoot } from './paths.ts';
import { type Pax, parsePax, paxBytes, paxSize, saysPlace } from './pax.ts';

/** A member of a layer, in any of the tar formats in use. */
export interface Member {
  /** As in the header, including the trailing slash of a directory. */
  name: string;
  /** Its path: cleanPath(name). */
  path: string;
  type: string;
  mode: number;
  uid: number;
  gid: number;
  /** Bytes of content. */
  size: number;
  /** Seconds since 1970. */
  mtime: number;
  uname: string;
  gname: string;
  /** Target of a symbolic or hard link. */
  link?: string;
  /** 64 hexadecimal digits, of regular files under /models only. */
  sha256?: string;
  /**
   * What its bytes show about its completeness, of regular files under /models only; absent if there is nothing to
   * report.
   */
  finding?: Finding;
  /** The first deviation that readers tolerate and the contract does not. */
  odd?: string;
}

/**
 * Limits shared by all layers of one image; counted down. `names` includes the file names listed inside other files.
 */
export interface ImageBudget {
  members: number;
  /** Bytes of names and link targets. */
  names: number;
}

/** What a reader of contents gets while a tar is pushed, in the order of the bytes. */
export interface TarEvents {
  /** A member begins, and the content's first byte is at this offset in the tar. */
  member(member: Member, offset: number): void;
  /** Bytes of its content, a part of the chunk that was pushed. */
  content(part: Uint8Array): void;
}

const types: Record<string, string> = {
  '0': 'file',
  '7': 'file',
  '1': 'hard link',
  '2': 'symbolic link',
  '3': 'character device',
  '4': 'block device',
  '5': 'directory',
  '6': 'fifo',
};
/** Members whose size field has no meaning: no content follows (as in Go's archive/tar, which the engines use). */
const withoutContent = /^[1-6]$/;
/** Largest long name or PAX header, in bytes: PAX headers hold extended attributes. */
const extensionLimit = 1024 ** 2;
/** Linux' PATH_MAX. */
const nameLimit = 4096;

/**
 * Reads a tar pushed in chunks and keeps the list of its members, never their content. Accepts the formats of base
 * images (old, ustar, GNU and PAX) and notes in `odd` any deviation from plain GNU, for the rules to judge. `push` and
 * `end` throw BrokenTar if the bytes are not a tar or exceed the budget.
 */
export class TarParser {
  readonly members: Member[] = [];
  /** The deviation at the end of the archive, outside any member. */
  odd: string | undefined;
  readonly #budget: ImageBudget;
  readonly #hashes: boolean;
  readonly #walks: ContentWalks | undefined;
  readonly #events: TarEvents | undefined;
  readonly #block = new Uint8Array(blockSize);
  #state: 'header' | 'content' | 'padding' | 'tail' = 'header';
  /** Bytes of the current block, content or padding still to come. */
  #left = blockSize;
  #padding = 0;
  #zeroBlocks = 0;
  #member: Member | undefined;
  #hash: Hash | undefined;
  #inspector: Inspector | undefined;
  /** A long name or PAX header being collected. */
  #extension: { type: string; parts: Uint8Array[] } | undefined;
  #longName: Buffer | undefined;
  #longLink: Buffer | undefined;
  #pax: Pax | undefined;
  #oddExtension: string | undefined;
  /** Bytes pushed up to the end of the current part. */
  #position = 0;

  /**
   * `hashes`: whether files under /models get their `sha256`, which doubles the CPU time; `walks` gets the bytes of these
   * files, `events` those of all.
   */
  constructor(budget: ImageBudget, hashes = true, walks?: ContentWalks, events?: TarEvents) {
    this.#budget = budget;
    this.#hashes = hashes;
    this.#walks = walks;
    this.#events = events;
  }

  push(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; ) {
      const part = this.#state === 'tail' ? chunk.subarray(at) : chunk.subarray(at, at + this.#left);
      at += part.length;
      this.#position += part.length;
      if (this.#state === 'tail') {
        if (!isZero(part)) this.odd ??= 'has bytes after its end';
        continue;
      }
      if (this.#state === 'header') this.#block.set(part, blockSize - this.#left);
      else if (this.#state === 'padding') this.#pad(part);
      else if (this.#extension !== undefined) this.#extension.parts.push(part.slice());
      else this.#content(part);
      this.#left -= part.length;
      if (this.#left === 0) this.#finish();
    }
  }

  /** Call after the last chunk. */
  end(): void {
    this.odd ??= this.#oddExtension;
    if (this.#state === 'tail') return;
    const between = this.#state === 'header' && this.#left === blockSize && !this.#hasExtension();
    if (!between) throw new BrokenTar('the tar ends in the middle of a member');
    this.odd ??= 'does not end with two blocks of zeros';
  }

  #finish(): void {
    if (this.#state === 'header') this.#header();
    else if (this.#state === 'content') this.#contentEnds();
    else this.#expectHeader();
  }

  #expectHeader(): void {
    this.#state = 'header';
    this.#left = blockSize;
  }

  #header(): void {
    const header = parseHeader(this.#block);
    if (header === undefined) {
      if (this.#hasExtension()) throw new BrokenTar('the tar ends after a long name, without its member');
      this.#zeroBlocks++;
      if (this.#zeroBlocks === 2) this.#state = 'tail';
      else this.#expectHeader();
      return;
    }
    if (this.#zeroBlocks > 0) throw new BrokenTar('a lone block of zeros is between members');
    if ('LKxg'.includes(header.type)) {
      if (header.size > extensionLimit) throw new BrokenTar(`a name or PAX header has ${header.size} bytes`);
      this.#extension = { type: header.type, parts: [] };
      this.#oddExtension ??= header.odd;
      this.#expectContent(header.size);
      return;
    }
    if (header.type === 'S')
      throw new BrokenTar('a member is sparse, and readers differ on where its content ends');
    this.#member = this.#memberOf(header);
    this.members.push(this.#member);
    this.#events?.member(this.#member, this.#position);
    if (this.#hashes && this.#member.type === 'file' && isUnderModels(this.#member.path)) {
      const { path, size } = this.#member;
      this.#hash = createHash('sha256');
      const below = path.slice(modelsRoot.length + 1);
      this.#inspector = inspectorFor(below, size);
      this.#walks?.begin(below, size);
    }
    this.#expectContent(withoutContent.test(header.type) ? 0 : this.#member.size);
  }

  #content(part: Uint8Array): void {
    this.#events?.content(part);
    this.#hash?.update(part);
    this.#walks?.push(part);
    if (this.#member !== undefined) this.#inspector?.take(this.#member.size - this.#left, part);
  }

  #expectContent(size: number): void {
    this.#state = 'content';
    this.#left = size;
    this.#padding = (blockSize - (size % blockSize)) % blockSize;
    if (size === 0) this.#contentEnds();
  }

  #contentEnds(): void {
    if (this.#extension !== undefined) this.#extensionEnds(this.#extension);
    if (this.#member !== undefined && this.#hash !== undefined)
      this.#member.sha256 = this.#hash.digest('hex');
    this.#inspected();
    this.#walks?.end();
    this.#extension = undefined;
    this.#hash = undefined;
    this.#state = 'padding';
    this.#left = this.#padding;
    if (this.#left === 0) this.#expectHeader();
  }

  #inspected(): void {
    const finding = this.#inspector?.end();
    this.#inspector = undefined;
    if (finding === undefined || this.#member === undefined) return;
    this.#member.finding = finding;
    for (const { name } of finding.needs ?? []) this.#budget.names -= name.length;
    if (this.#budget.names < 0) throw new BrokenTar('the names in the image are too long to check');
  }

  #pad(part: Uint8Array): void {
    if (isZero(part)) return;
    if (this.#hasExtension()) this.#oddExtension ??= 'has bytes hidden behind its long name';
    else if (this.#member !== undefined) this.#member.odd ??= 'has bytes hidden behind its content';
  }

  #extensionEnds({ type, parts }: { type: string; parts: Uint8Array[] }): void {
    const bytes = Buffer.concat(parts);
    if (type === 'L' || type === 'K') {
      const end = bytes.indexOf(0);
      if (end === -1 || end !== bytes.length - 1)
        this.#oddExtension ??= 'has a long name that does not end at its NUL';
      const value = end === -1 ? bytes : bytes.subarray(0, end);
      if (value.length === 0) throw new BrokenTar('a long name is empty');
      if (type === 'L') this.#longName = value;
      else this.#longLink = value;
      return;
    }
    this.#oddExtension ??= 'has a PAX header (image scanners fail on it), the contract requires GNU';
    const records = parsePax(bytes);
    if (type === 'x') {
      this.#pax = records;
      return;
    }
    // Go's archive/tar, which the engines use, treats a global header as a separate entry: it discards the extensions
    // for the next member and changes none. Other readers apply it to every member that follows.
    if (this.#hasExtension() || saysPlace(records))
      throw new BrokenTar(
        'a global PAX header sets or clears a name or size, and readers differ on which member it affects',
      );
  }

  #hasExtension(): boolean {
    return this.#longName !== undefined || this.#longLink !== undefined || this.#pax !== undefined;
  }

  #memberOf(header: Header): Member {
    if (this.#pax !== undefined && (this.#longName !== undefined || this.#longLink !== undefined))
      throw new BrokenTar(
        'a member has a GNU long name and a PAX header, and readers differ on which one wins',
      );
    const name = paxBytes(this.#pax, 'path') ?? this.#longName ?? header.name;
    const link = paxBytes(this.#pax, 'linkpath') ?? this.#longLink ?? header.link;
    if (name.length > nameLimit || link.length > nameLimit)
      throw new BrokenTar(`a name has over ${nameLimit} bytes`);
    this.#budget.members--;
    this.#budget.names -= name.length + link.length;
    if (this.#budget.members < 0) throw new BrokenTar('the image has too many tar members to check');
    if (this.#budget.names < 0) throw new BrokenTar('the names in the image are too long to check');

    const size = paxSize(this.#pax) ?? header.size;
    let odd = this.#oddExtension ?? header.odd;
    if (!isUtf8(name)) odd ??= 'has a name that is not UTF-8';
    const truncated = this.#longName?.subarray(0, 100);
    if (truncated !== undefined && !truncated.equals(header.name))
      odd ??= 'has two different names, a long and a short one';
    const text = Buffer.from(name).toString('utf8');
    const old = header.format !== 'GNU' && header.type === '0' && text.endsWith('/');
    this.#longName = undefined;
    this.#longLink = undefined;
    this.#pax = undefined;
    this.#oddExtension = undefined;
    return {
      name: text,
      path: cleanPath(text),
      type: old ? 'directory' : (types[header.type] ?? `member of type ${JSON.stringify(header.type)}`),
      mode: header.mode,
      uid: header.uid,
      gid: header.gid,
      size,
      mtime: header.mtime,
      uname: header.uname,
      gname: header.gname,
      ...(link.length > 0 && { link: Buffer.from(link).toString('utf8') }),
      ...(odd !== undefined && { odd }),
    };
  }
}
