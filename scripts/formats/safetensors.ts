import { type JsonHandler, JsonScanner, NotJson } from './json.ts';
import { type Finding, type FormatReader, quoted } from './reader.ts';
import { Tiling } from './tiling.ts';

/** Maximum header size in bytes (huggingface/safetensors, `MAX_HEADER_SIZE`). */
const longestHeader = 100_000_000;
/** Size in bytes of the header's length, little-endian, at the file's start. */
const lengthBytes = 8;

/**
 * Bits of an element (huggingface/safetensors, `Dtype`). Tensors of an unknown type are accepted at any size: new types
 * will come.
 */
const bits: Record<string, number> = {
  ...Object.fromEntries(['F4'].map((type) => [type, 4])),
  ...Object.fromEntries(['F6_E2M3', 'F6_E3M2'].map((type) => [type, 6])),
  ...Object.fromEntries(
    ['BOOL', 'U8', 'I8', 'F8_E4M3', 'F8_E5M2', 'F8_E8M0', 'F8_E4M3FNUZ', 'F8_E5M2FNUZ'].map((type) => [
      type,
      8,
    ]),
  ),
  ...Object.fromEntries(['I16', 'U16', 'F16', 'BF16'].map((type) => [type, 16])),
  ...Object.fromEntries(['I32', 'U32', 'F32'].map((type) => [type, 32])),
  ...Object.fromEntries(['I64', 'U64', 'F64', 'C64'].map((type) => [type, 64])),
};

/** A tensor as the header describes it. */
interface Tensor {
  name: string;
  type?: string;
  /** The number of elements, once the shape was read as a list. */
  elements?: number;
  offsets?: number[];
}

/** The header breaks a rule. */
class Bad extends Error {}

/**
 * Checks a safetensors file's header against the file's size, by the rules of the official reader
 * (huggingface/safetensors, safetensors/src/tensor.rs, `read_metadata` and `validate`): the header's length fits, it is
 * a JSON object, and the tensors cover the rest of the file without holes, overlaps or spare bytes, each of the size
 * that its shape and type imply. Reads the header only.
 */
export class SafetensorsReader implements FormatReader, JsonHandler {
  wants = 0;
  readonly #size: number;
  readonly #length = Buffer.alloc(lengthBytes);
  /** Offset of the first byte after the header. */
  #headerEnd = lengthBytes;
  readonly #scanner = new JsonScanner(this);
  #tiling = new Tiling(0);
  #tensor: Tensor | undefined;
  #isObject = false;
  #field = '';
  #problem: string | undefined;

  constructor(size: number) {
    this.#size = size;
    if (size < lengthBytes) this.#fail(`has ${size} bytes, fewer than the length of a safetensors header`);
  }

  take(bytes: Uint8Array): void {
    const at = this.wants;
    if (at < lengthBytes) {
      const part = bytes.subarray(0, lengthBytes - at);
      this.#length.set(part, at);
      this.wants += part.length;
      if (this.wants === lengthBytes) this.#begin(this.#length.readBigUInt64LE());
      return;
    }
    const part = bytes.subarray(0, this.#headerEnd - at);
    this.wants += part.length;
    this.#attempt(() => {
      this.#scanner.push(part);
      if (this.wants === this.#headerEnd) this.#finish();
    });
  }

  end(): Finding {
    return this.#problem === undefined ? {} : { problem: this.#problem };
  }

  #begin(length: bigint): void {
    if (length > longestHeader) {
      this.#fail(
        `is not a safetensors file: its header would have ${length} bytes, at most ${longestHeader} are allowed`,
      );
      return;
    }
    this.#headerEnd = lengthBytes + Number(length);
    if (this.#headerEnd > this.#size) {
      this.#fail(`is truncated: its header has ${length} bytes, the whole file has ${this.#size}`);
      return;
    }
    if (length === 0n) {
      this.#fail('is not a safetensors file: its header is empty');
      return;
    }
    this.#tiling = new Tiling(this.#size - this.#headerEnd);
  }

  #finish(): void {
    this.#scanner.end();
    if (!this.#isObject) throw new Bad('its header is not a JSON object');
    const problem = this.#tiling.finish();
    if (problem !== undefined) {
      this.#fail(problem);
      return;
    }
    this.wants = Number.POSITIVE_INFINITY;
  }

  key(depth: number, key: string): void {
    if (depth === 1) this.#tensor = key === '__metadata__' ? undefined : { name: key };
    if (depth === 2) this.#field = key;
  }

  open(depth: number, kind: '{' | '['): void {
    if (depth === 1) this.#isObject = kind === '{';
    if (depth === 2 && kind === '[') throw this.#malformed();
    if (depth !== 3 || this.#tensor === undefined || kind !== '[') return;
    if (this.#field === 'shape') this.#tensor.elements = 1;
    if (this.#field === 'data_offsets') this.#tensor.offsets = [];
  }

  scalar(depth: number, text: string, kind: string): void {
    const tensor = this.#tensor;
    if (tensor === undefined) return;
    if (depth === 1) throw this.#malformed();
    if (depth === 2 && this.#field === 'dtype' && kind === 'string') tensor.type = text;
    if (depth !== 3 || (this.#field !== 'shape' && this.#field !== 'data_offsets')) return;
    if (kind !== 'number' || !/^\d+$/.test(text)) throw this.#malformed();
    const number = Number(text);
    if (this.#field === 'data_offsets') tensor.offsets?.push(number);
    else if (tensor.elements !== undefined) tensor.elements = number === 0 ? 0 : tensor.elements * number;
  }

  close(depth: number): void {
    const tensor = this.#tensor;
    if (depth !== 2 || tensor === undefined) return;
    this.#tensor = undefined;
    const { name, type, elements, offsets } = tensor;
    const [begin, end, ...more] = offsets ?? [];
    if (
      begin === undefined ||
      end === undefined ||
      more.length > 0 ||
      type === undefined ||
      elements === undefined
    ) {
      this.#tensor = tensor;
      throw this.#malformed();
    }
    if (end < begin) throw new Bad(`its tensor ${quoted(name)} ends before it begins`);
    const size = Object.hasOwn(bits, type) ? (elements * (bits[type] ?? 0)) / 8 : end - begin;
    if (size !== end - begin)
      throw new Bad(`its tensor ${quoted(name)} has ${end - begin} bytes, its shape and type make ${size}`);
    this.#tiling.add(begin, end);
  }

  #malformed(): Bad {
    const name = this.#tensor === undefined ? '' : ` ${quoted(this.#tensor.name)}`;
    return new Bad(`its header describes the tensor${name} wrongly`);
  }

  #attempt(action: () => void): void {
    try {
      action();
    } catch (error) {
      if (error instanceof NotJson)
        this.#fail(`is not a safetensors file: its header is not JSON, ${error.message}`);
      else if (error instanceof Bad) this.#fail(`is damaged: ${error.message}`);
      else throw error;
    }
  }

  #fail(problem: string): void {
    this.#problem ??= problem;
    this.wants = Number.POSITIVE_INFINITY;
  }
}
