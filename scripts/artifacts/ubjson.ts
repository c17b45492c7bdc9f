import type { JsonHandler } from '../formats/json.ts';
import type { Cursor } from './cursor.ts';
import { Unreadable } from './source.ts';

const mostDepth = 128;
/** Values in one file. */
const mostValues = 20_000_000;
const longestText = 8192;
/** Bytes of the types of fixed size (ubjson.org, "Type Reference"). */
const sizes: Readonly<Record<string, number>> = {
  Z: 0,
  N: 0,
  T: 0,
  F: 0,
  i: 1,
  U: 1,
  I: 2,
  l: 4,
  L: 8,
  d: 4,
  D: 8,
  C: 1,
};

/**
 * Scans Universal Binary JSON as XGBoost writes it, for the same handler as JSON. Arrays of numbers of one type are
 * skipped: they are the trees. Throws Unreadable.
 */
export async function scanUbjson(cursor: Cursor, handler: JsonHandler): Promise<void> {
  await new UbjsonScanner(cursor, handler).value(await byteOf(cursor), 0);
}

async function byteOf(cursor: Cursor): Promise<string> {
  if (!cursor.has(1)) await cursor.fill(1);
  return String.fromCharCode(cursor.byte());
}

class UbjsonScanner {
  readonly #cursor: Cursor;
  readonly #handler: JsonHandler;
  #values = 0;

  constructor(cursor: Cursor, handler: JsonHandler) {
    this.#cursor = cursor;
    this.#handler = handler;
  }

  /** A value of a type; `depth` is the number of containers around it. */
  async value(type: string, depth: number): Promise<void> {
    if (++this.#values > mostValues) throw new Unreadable('it has too many values');
    if (type === '{' || type === '[') await this.#container(type, depth + 1);
    else if (type === 'S' || type === 'H') this.#handler.scalar(depth, await this.#text(), 'string');
    else await this.#fixed(type, depth);
  }

  async #fixed(type: string, depth: number): Promise<void> {
    const size = sizes[type];
    if (size === undefined) throw new Unreadable('it is no UBJSON');
    const bytes = await this.#cursor.read(size);
    if (type === 'N') return;
    if (size === 0) {
      const words: Record<string, string> = { Z: 'null', T: 'true', F: 'false' };
      this.#handler.scalar(depth, words[type] ?? '', 'literal');
    } else this.#handler.scalar(depth, String(numberIn(type, bytes)), type === 'C' ? 'string' : 'number');
  }

  async #container(kind: '{' | '[', depth: number): Promise<void> {
    if (depth > mostDepth) throw new Unreadable(`it is nested more than ${mostDepth} deep`);
    this.#handler.open(depth, kind);
    let sign = await byteOf(this.#cursor);
    let type: string | undefined;
    if (sign === '$') {
      type = await byteOf(this.#cursor);
      sign = await byteOf(this.#cursor);
      if (sign !== '#') throw new Unreadable('it is no UBJSON');
    }
    if (sign === '#') await this.#counted(kind, type, depth);
    else {
      for (const end = kind === '{' ? '}' : ']'; sign !== end; sign = await byteOf(this.#cursor)) {
        if (kind === '{') {
          this.#handler.key(depth, await this.#text(sign));
          sign = await byteOf(this.#cursor);
        }
        await this.value(sign, depth);
      }
    }
    this.#handler.close(depth);
  }

  async #counted(kind: '{' | '[', type: string | undefined, depth: number): Promise<void> {
    const count = await this.#length();
    const size = type === undefined ? undefined : sizes[type];
    if (kind === '[' && size !== undefined) return await this.#cursor.skip(count * size);
    for (let at = 0; at < count; at++) {
      if (kind === '{') this.#handler.key(depth, await this.#text());
      await this.value(type ?? (await byteOf(this.#cursor)), depth);
    }
  }

  async #text(type?: string): Promise<string> {
    const length = await this.#length(type);
    const text = (await this.#cursor.read(Math.min(length, longestText))).toString('utf8');
    await this.#cursor.skip(Math.max(0, length - longestText));
    return text;
  }

  async #length(known?: string): Promise<number> {
    const type = known ?? (await byteOf(this.#cursor));
    if (!'iUIlL'.includes(type)) throw new Unreadable('it is no UBJSON');
    const length = numberIn(type, await this.#cursor.read(sizes[type] ?? 0));
    if (!Number.isSafeInteger(length) || length < 0) throw new Unreadable('it is no UBJSON');
    return length;
  }
}

/** Big-endian, as UBJSON has all numbers. */
function numberIn(type: string, bytes: Buffer): number {
  if (type === 'U' || type === 'C') return bytes.readUInt8(0);
  if (type === 'd') return bytes.readFloatBE(0);
  if (type === 'D') return bytes.readDoubleBE(0);
  return type === 'L' ? Number(bytes.readBigInt64BE(0)) : bytes.readIntBE(0, bytes.length);
}
