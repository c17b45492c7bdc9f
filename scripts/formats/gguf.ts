import { type Finding, type FormatReader, quoted } from './reader.ts';

/** Bytes of a value by its type (ggml/include/gguf.h, `gguf_type`); 8 is a string, 9 an array. */
const valueBytes: Readonly<Record<number, number>> = {
  ...{ 0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8 },
};
const stringType = 8;
const arrayType = 9;

/** Elements and bytes of a block by the tensor's type (`GGML_QUANT_SIZES` in gguf-py/gguf/constants.py). */
const blocks: Readonly<Record<number, readonly [elements: number, bytes: number]>> = {
  ...{ 0: [1, 4], 1: [1, 2], 24: [1, 1], 25: [1, 2], 26: [1, 4], 27: [1, 8], 28: [1, 8], 30: [1, 2] },
  ...{ 2: [32, 18], 3: [32, 20], 6: [32, 22], 7: [32, 24], 8: [32, 34], 9: [32, 36], 20: [32, 18] },
  ...{ 10: [256, 84], 11: [256, 110], 12: [256, 144], 13: [256, 176], 14: [256, 210], 15: [256, 292] },
  ...{ 16: [256, 66], 17: [256, 74], 18: [256, 98], 19: [256, 50], 21: [256, 110], 22: [256, 82] },
  ...{ 23: [256, 136], 29: [256, 56], 34: [256, 54], 35: [256, 66] },
};

/** Limits beyond which a header is damaged; those of llama.cpp are far higher. */
const longestKey = 65_535;
const mostDimensions = 4;
/** Bytes of the shortest key with a value, and of the shortest description of a tensor. */
const shortestValue = 13;
const shortestTensor = 24;

/** Keys whose numbers are read. */
const wanted = /^(general\.alignment|split\.count|split\.no|[\w-]+\.pooling_type)$/;

/** The header breaks a rule. */
class Bad extends Error {}

/** What a GGUF file's header says, as far as it was read. */
export interface GgufFacts {
  /** `general.architecture`: `llama`, `bert`; of a projector `clip`. */
  architecture?: string;
  /** `split.count` and `split.no` of a part; `no` counts from 0. */
  split?: { no: number; count: number };
  /** `ARCHITECTURE.pooling_type`, which a model for embeddings has: how tokens become one vector. */
  pooling?: number;
}

/**
 * Checks a GGUF file's header against the file's size, by the rules of its reader (llama.cpp ggml/src/gguf.cpp): magic,
 * version, keys, tensors, and that every tensor of a known type ends within the file. Of a part, also its name, by which
 * llama.cpp finds the others (src/llama.cpp, `llama_split_prefix`). Reads the header only, and skips long values in it.
 */
export class GgufReader implements FormatReader {
  wants = 0;
  readonly #path: string;
  readonly #size: number;
  readonly #steps: Generator<number, void, Buffer>;
  /** Bytes that the parser waits for; it skips when negative. */
  #need = 0;
  #held: Buffer = Buffer.alloc(0);
  #problem: string | undefined;
  #count: number | undefined;
  #no = 0;
  readonly facts: GgufFacts = {};

  constructor(path: string, size: number) {
    this.#path = path;
    this.#size = size;
    this.#steps = this.#parse();
    this.#resume(Buffer.alloc(0));
  }

  take(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length && this.wants !== Number.POSITIVE_INFINITY) {
      const part = bytes.subarray(at, at + this.#need - this.#held.length);
      this.#held = this.#held.length === 0 ? Buffer.from(part) : Buffer.concat([this.#held, part]);
      this.wants += part.length;
      at += part.length;
      if (this.#held.length < this.#need) return;
      const before = this.wants;
      this.#resume(this.#held);
      at += this.wants - before;
    }
  }

  end(): Finding {
    if (this.#problem !== undefined) return { problem: this.#problem };
    const isCut = this.wants >= this.#size && this.wants !== Number.POSITIVE_INFINITY;
    return isCut ? { problem: 'is truncated: its header does not end' } : {};
  }

  /** Runs the parser to the next bytes it needs. */
  #resume(bytes: Buffer): void {
    this.#held = Buffer.alloc(0);
    try {
      let step = this.#steps.next(bytes);
      while (!step.done && step.value <= 0) {
        this.wants -= step.value;
        if (this.wants > this.#size)
          throw new Bad(`is truncated: its header needs more than its ${this.#size} bytes`);
        step = this.#steps.next(Buffer.alloc(0));
      }
      if (step.done) this.wants = Number.POSITIVE_INFINITY;
      else this.#need = step.value;
    } catch (error) {
      if (!(error instanceof Bad)) throw error;
      this.#problem = error.message;
      this.wants = Number.POSITIVE_INFINITY;
    }
  }

  /** Yields how many bytes it needs, or minus how many it skips. */
  *#parse(): Generator<number, void, Buffer> {
    const magic = yield 4;
    if (magic.toString('latin1') !== 'GGUF')
      throw new Bad('is not a GGUF file: it does not start with `GGUF`');
    const version = (yield 4).readUInt32LE();
    if (version === 1) throw new Bad('is of GGUF version 1, which llama.cpp reads no more: convert it again');
    // Of a big-endian machine, or newer than this program.
    if (version !== 2 && version !== 3) {
      if (version === 0) throw new Bad('is damaged: GGUF has no version 0');
      return;
    }
    const tensors = yield* this.#counted('tensors', shortestTensor);
    const values = yield* this.#counted('keys', shortestValue);
    let alignment = 32;
    for (let index = 0; index < values; index++) {
      const found = yield* this.#value();
      if (found === 0 || (found !== undefined && (found & (found - 1)) !== 0))
        throw new Bad(`is damaged: an alignment of ${found} bytes`);
      alignment = found ?? alignment;
    }
    this.#checkName();
    let end = 0;
    for (let index = 0; index < tensors; index++) end = Math.max(end, yield* this.#tensor());
    if (tensors === 0) return;
    const whole = Math.ceil(this.wants / alignment) * alignment + end;
    if (whole > this.#size)
      throw new Bad(`is truncated: it has ${this.#size} bytes, its tensors need ${whole}`);
  }

  /** Reads one key with its value; returns the value of `general.alignment`. */
  *#value(): Generator<number, number | undefined, Buffer> {
    const key = yield* this.#text(longestKey);
    let type = (yield 4).readUInt32LE();
    let count = 1;
    if (type === arrayType) {
      type = (yield 4).readUInt32LE();
      count = yield* this.#length();
    }
    if (type === stringType) {
      if (key === 'general.architecture' && count === 1) {
        this.facts.architecture = yield* this.#text(longestKey);
        return undefined;
      }
      for (let index = 0; index < count; index++) yield -(yield* this.#length());
      return undefined;
    }
    const bytes = valueBytes[type];
    if (bytes === undefined) throw new Bad(`is damaged: ${quoted(key)} has a value of unknown type ${type}`);
    const isWanted = wanted.test(key) && bytes <= 4;
    if (!isWanted || count !== 1) {
      yield -(bytes * count);
      return undefined;
    }
    const number = (yield bytes).readUIntLE(0, bytes);
    if (key === 'general.alignment') return number;
    if (key === 'split.count') this.#count = number;
    else if (key === 'split.no') this.#no = number;
    else this.facts.pooling = number;
    return undefined;
  }

  /** Reads one tensor's description; returns where its data ends, from the start of all data. */
  *#tensor(): Generator<number, number, Buffer> {
    const name = yield* this.#text(longestKey);
    const dimensions = (yield 4).readUInt32LE();
    if (dimensions > mostDimensions)
      throw new Bad(`is damaged: tensor ${quoted(name)} has ${dimensions} dimensions`);
    let elements = 1;
    for (let index = 0; index < dimensions; index++) elements *= yield* this.#length(false);
    const [each, bytes] = blocks[(yield 4).readUInt32LE()] ?? [1, 0];
    const offset = yield* this.#length(false);
    return offset + Math.ceil(elements / each) * bytes;
  }

  *#counted(what: string, shortest: number): Generator<number, number, Buffer> {
    const count = yield* this.#length(false);
    if (count * shortest > this.#size)
      throw new Bad(`is truncated: it has ${this.#size} bytes, and ${count} ${what} by its header`);
    return count;
  }

  /** A length or count of 64 bits; one `within` the file may not exceed it. */
  *#length(within = true): Generator<number, number, Buffer> {
    const bytes = yield 8;
    const value = bytes.readUInt32LE(4) * 2 ** 32 + bytes.readUInt32LE();
    if (value > Number.MAX_SAFE_INTEGER)
      throw new Bad('is damaged: a length in its header is beyond any file');
    if (within && value > this.#size)
      throw new Bad(`is truncated: its header needs more than its ${this.#size} bytes`);
    return value;
  }

  *#text(longest: number): Generator<number, string, Buffer> {
    const length = yield* this.#length();
    if (length > longest) throw new Bad(`is damaged: a name in its header has ${length} bytes`);
    return length === 0 ? '' : (yield length).toString('utf8');
  }

  #checkName(): void {
    const count = this.#count ?? 1;
    if (count < 2) return;
    this.facts.split = { no: this.#no, count };
    const [number, total] = [this.#no + 1, count].map((one) => String(one).padStart(5, '0'));
    const ending = `-${number}-of-${total}.gguf`;
    if (!this.#path.endsWith(ending))
      throw new Bad(`is part ${this.#no + 1} of ${count}: its name has to end with ${ending}`);
  }
}
