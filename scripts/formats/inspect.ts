import { HeadReader, headBytes } from './head.ts';
import { IndexReader } from './index-json.ts';
import { isJson, isWeightIndex, isWeights } from './names.ts';
import { OnnxReader } from './onnx.ts';
import type { Finding, FormatReader } from './reader.ts';
import { SafetensorsReader } from './safetensors.ts';

/** The header of a safetensors file of some hundred tensors fits. */
const longGlance = 128 * 1024;

/** Looks at one file's bytes as they pass, or as they are read for it. */
export class Inspector {
  readonly #readers: FormatReader[];

  constructor(readers: FormatReader[]) {
    this.#readers = readers;
  }

  /** Bytes that are worth asking for first: usually, no more are needed. */
  get glance(): number {
    return this.#readers.length === 1 ? headBytes : longGlance;
  }

  /** Offset of the next byte that matters; Infinity when enough was seen. Bytes before it need not be given. */
  get wants(): number {
    return Math.min(...this.#readers.map((reader) => reader.wants));
  }

  /** Takes bytes that lie at an offset of the file; in order, and none that is wanted left out. Keeps none of them. */
  take(offset: number, bytes: Uint8Array): void {
    for (const reader of this.#readers) {
      while (reader.wants >= offset && reader.wants < offset + bytes.length)
        reader.take(bytes.subarray(reader.wants - offset));
    }
  }

  /** What was found; the first reader that finds something wrong is believed. */
  end(): Finding {
    const findings = this.#readers.map((reader) => reader.end());
    return findings.find(({ problem }) => problem !== undefined) ?? Object.assign({}, ...findings);
  }
}

/** Whether there is something to see in a file of this name (as below /models) and size: not in an empty one, or a large one without weights. */
export function isSeen(path: string, size: number): boolean {
  return size > 0 && (size < headBytes || mayNoPageBe(path));
}

/** What looks at a file of this name (as below /models) and size in bytes; undefined when there is nothing to see. */
export function inspectorFor(path: string, size: number): Inspector | undefined {
  if (!isSeen(path, size)) return undefined;
  const readers: FormatReader[] = [new HeadReader(size, mayNoPageBe(path))];
  if (/\.safetensors$/i.test(path)) readers.push(new SafetensorsReader(size));
  if (/\.onnx$/i.test(path)) readers.push(new OnnxReader(size));
  if (isWeightIndex(path)) readers.push(new IndexReader(size));
  return new Inspector(readers);
}

/** A web page may be one on purpose, unless its name says weights or JSON. */
function mayNoPageBe(path: string): boolean {
  return isWeights(path) || isJson(path);
}
