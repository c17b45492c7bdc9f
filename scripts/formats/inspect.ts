import { GgufReader } from './gguf.ts';
import { HeadReader, headBytes } from './head.ts';
import { IndexReader } from './index-json.ts';
import { isJson, isWeightIndex, isWeights } from './names.ts';
import { OnnxReader } from './onnx.ts';
import type { Finding, FormatReader } from './reader.ts';
import { SafetensorsReader } from './safetensors.ts';

/** Bytes that hold the safetensors header of some hundred tensors. */
const longGlance = 128 * 1024;

/** Inspects one file's bytes, either as they stream through or read on request. */
export class Inspector {
  readonly #readers: FormatReader[];

  constructor(readers: FormatReader[]) {
    this.#readers = readers;
  }

  /** Bytes to request first: usually, no more are needed. */
  get glance(): number {
    return this.#readers.length === 1 ? headBytes : longGlance;
  }

  /** Offset of the next byte needed; Infinity once enough was seen. Earlier bytes can be skipped. */
  get wants(): number {
    return Math.min(...this.#readers.map((reader) => reader.wants));
  }

  /**
   * Takes the bytes at an offset of the file, in order and without skipping any that `wants` asks for. Keeps none of
   * them.
   */
  take(offset: number, bytes: Uint8Array): void {
    for (const reader of this.#readers) {
      while (reader.wants >= offset && reader.wants < offset + bytes.length)
        reader.take(bytes.subarray(reader.wants - offset));
    }
  }

  /** The finding; the first reader that reports a problem wins. */
  end(): Finding {
    const findings = this.#readers.map((reader) => reader.end());
    return findings.find(({ problem }) => problem !== undefined) ?? Object.assign({}, ...findings);
  }
}

/**
 * Whether a file with this name (path below /models) and size is inspected: not if it is empty, or large and without
 * weights.
 */
export function isSeen(path: string, size: number): boolean {
  return size > 0 && (size < headBytes || mayNoPageBe(path));
}

/** The inspector for a file with this name (path below /models) and size in bytes; undefined when it needs none. */
export function inspectorFor(path: string, size: number): Inspector | undefined {
  if (!isSeen(path, size)) return undefined;
  const readers: FormatReader[] = [new HeadReader(size, mayNoPageBe(path))];
  if (/\.safetensors$/i.test(path)) readers.push(new SafetensorsReader(size));
  if (/\.gguf$/i.test(path)) readers.push(new GgufReader(path, size));
  if (/\.onnx$/i.test(path)) readers.push(new OnnxReader(size));
  if (isWeightIndex(path)) readers.push(new IndexReader(size));
  return new Inspector(readers);
}

/** Whether a web page in place of this file is an error: its name says weights or JSON. */
function mayNoPageBe(path: string): boolean {
  return isWeights(path) || isJson(path);
}
