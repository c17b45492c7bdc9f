/** Files to pack: the same bytes in every run, and as hard to compress as weights. */
import { createHash } from 'node:crypto';
import { mkdir, open, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

const block = 4 * 1024 ** 2;

/** Path → size in bytes, or the text. */
export type Files = Record<string, number | string>;

/** Writes files below a folder; `seed` makes the bytes of each model different. */
export async function writeFiles(folder: string, files: Files, seed: number): Promise<void> {
  let salt = seed * 1000;
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    if (typeof content === 'string') await writeFile(join(folder, path), content);
    else await writeWeights(join(folder, path), content, ++salt);
  }
}

/** A sparse file of this size: it reads as zeros and takes no disk space. */
export async function writeSparse(path: string, size: number): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, '');
  await truncate(path, size);
}

/** A safetensors file of exactly `size` bytes (at least 4 KiB) with one bfloat16 tensor. */
async function writeWeights(path: string, size: number, seed: number): Promise<void> {
  const header = safetensorsHeader(size);
  const weights = weightsOf(seed);
  const file = await open(path, 'w');
  try {
    await file.write(header, 0, header.length, 0);
    for (let at = header.length, number = 0; at < size; at += block, number++) {
      weights.writeUInt32LE(number); // every block of a file is different
      await file.write(weights, 0, Math.min(block, size - at), at);
    }
  } finally {
    await file.close();
  }
}

/** The format: 8 bytes of length, JSON padded with spaces, data (huggingface/safetensors, README, Format). */
function safetensorsHeader(size: number): Buffer {
  const length = 256 - 8 + (size % 2);
  const data = size - 8 - length;
  const tensor = { dtype: 'BF16', shape: [data / 2], data_offsets: [0, data] };
  const header = Buffer.alloc(8 + length, ' ');
  header.writeBigUInt64LE(BigInt(length));
  header.write(JSON.stringify({ weight: tensor }), 8);
  return header;
}

/**
 * A block of bfloat16 numbers, normally distributed as weights are: gzip saves a quarter of them. Of random bytes it
 * would save nothing, and finish sooner.
 */
export function weightsOf(seed: number): Buffer {
  const random = randomOf(seed);
  const numbers = new Float32Array(block / 2);
  for (let i = 0; i < numbers.length; i += 2) {
    // Box and Muller 1958: two independent normal numbers from two uniform ones.
    const radius = 0.02 * Math.sqrt(-2 * Math.log(1 - random()));
    const angle = 2 * Math.PI * random();
    numbers[i] = radius * Math.cos(angle);
    numbers[i + 1] = radius * Math.sin(angle);
  }
  const halves = new Uint16Array(numbers.buffer);
  const upper = new Uint16Array(numbers.length);
  for (let i = 0; i < upper.length; i++) upper[i] = halves[2 * i + 1] ?? 0;
  return Buffer.from(upper.buffer);
}

/** Numbers in [0, 1) that depend only on the seed. */
function randomOf(seed: number): () => number {
  let state = createHash('sha256').update(`${seed}`).digest().readUInt32LE() || 1;
  return () => {
    // xorshift32, Marsaglia 2003.
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
