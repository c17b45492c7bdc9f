/** Contents of the hub's repositories: bytes readable from any offset, and their git and LFS object names. */
import { createHash, type Hash } from 'node:crypto';
import { open, stat } from 'node:fs/promises';

/** A file of a repository: its bytes, bytes made from a seed, or a file on disk. */
export type HubFile = Uint8Array | string | { size: number; generate: number } | { file: string };

/** Path → file. */
export type HubFiles = Record<string, HubFile>;

/** A file as a repository stores it. */
export interface Blob {
  size: number;
  /** 64 hexadecimal digits. */
  sha256: string;
  /** Name of the git object: of the file, or of its LFS pointer. */
  oid: string;
  /** Bytes of the LFS pointer; undefined for a file stored in git itself. */
  pointerSize?: number;
  /** The bytes from `start` up to but not including `end`. */
  read(start: number, end: number): AsyncIterable<Uint8Array>;
}

/** Tracked with LFS: the patterns of the hub's default .gitattributes, and files above 10 MiB. */
const tracked =
  /\.(7z|arrow|bin|bz2|ckpt|ftz|gguf|gz|h5|joblib|mlmodel|model|msgpack|npy|npz|onnx|ot|parquet|pb|pickle|pkl|pt|pth|rar|safetensors|tar|tflite|tgz|wasm|xz|zip|zst)$/;
const largestInGit = 10 * 1024 ** 2;

const block = 1024 ** 2;
const piece = 256 * 1024;

/** Reads `file` once to hash it. */
export async function blobOf(path: string, file: HubFile): Promise<Blob> {
  const { size, read } = await contentOf(file);
  const lfs = tracked.test(path) || size > largestInGit;
  const git = gitHash(size);
  const sha256 = createHash('sha256');
  const known = typeof file === 'object' && 'generate' in file ? generatedHash(file) : undefined;
  if (known === undefined || !lfs) {
    for await (const chunk of read(0, size)) {
      sha256.update(chunk);
      if (!lfs) git.update(chunk);
    }
  }
  const digest = known ?? sha256.digest('hex');
  if (!lfs) return { size, sha256: digest, oid: git.digest('hex'), read };
  const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${digest}\nsize ${size}\n`;
  const oid = gitHash(pointer.length).update(pointer).digest('hex');
  return { size, sha256: digest, oid, pointerSize: pointer.length, read };
}

/**
 * The bytes generated from a seed, from `start` up to but not including `end`. Each MiB begins with its number, so that
 * none is mistaken for another.
 */
export function* generated(seed: number, start: number, end: number): Generator<Uint8Array> {
  const noise = noiseOf(seed);
  for (let at = start; at < end; ) {
    const number = Math.floor(at / block);
    const within = at - number * block;
    if (within < 8) {
      const head = Buffer.alloc(8);
      head.writeBigUInt64LE(BigInt(number));
      const taken = head.subarray(within, Math.min(8, within + end - at));
      at += taken.length;
      yield taken;
      continue;
    }
    const taken = noise.subarray(within, Math.min(block, within + piece, within + end - at));
    at += taken.length;
    yield taken;
  }
}

/** The sha256 of all bytes of a seed; computed once per process. */
export function generatedHash({ size, generate }: { size: number; generate: number }): string {
  const key = `${size} ${generate}`;
  let digest = hashes.get(key);
  if (digest === undefined) {
    const hash = createHash('sha256');
    for (const chunk of generated(generate, 0, size)) hash.update(chunk);
    digest = hash.digest('hex');
    hashes.set(key, digest);
  }
  return digest;
}

const hashes = new Map<string, string>();
const noises = new Map<number, Uint8Array>();

function noiseOf(seed: number): Uint8Array {
  let noise = noises.get(seed);
  if (noise === undefined) {
    const words = new Uint32Array(block / 4);
    let state = (seed * 2_654_435_761 + 1) | 1;
    for (let i = 0; i < words.length; i++) {
      // xorshift32, Marsaglia 2003.
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      words[i] = state;
    }
    noise = new Uint8Array(words.buffer);
    noises.set(seed, noise);
  }
  return noise;
}

async function contentOf(file: HubFile): Promise<Pick<Blob, 'size' | 'read'>> {
  if (typeof file === 'string' || file instanceof Uint8Array) {
    const bytes = Buffer.from(file as Uint8Array);
    return {
      size: bytes.length,
      async *read(start, end) {
        for (let at = start; at < end; at += piece) yield bytes.subarray(at, Math.min(end, at + piece));
      },
    };
  }
  if ('file' in file) {
    const { size } = await stat(file.file);
    return {
      size,
      async *read(start, end) {
        // One buffer, reused (callers wait until a chunk is sent): a hub on the same machine should use little memory
        // and CPU.
        await using handle = await open(file.file);
        const buffer = Buffer.allocUnsafe(Math.min(piece, end - start));
        for (let at = start; at < end; ) {
          const { bytesRead } = await handle.read(buffer, 0, Math.min(piece, end - at), at);
          if (bytesRead === 0) return;
          yield buffer.subarray(0, bytesRead);
          at += bytesRead;
        }
      },
    };
  }
  return {
    size: file.size,
    async *read(start, end) {
      yield* generated(file.generate, start, end);
    },
  };
}

/** gitformat: the name of a blob is the sha1 of `blob SIZE\0` and its bytes. */
function gitHash(size: number): Hash {
  return createHash('sha1').update(`blob ${size}\0`);
}
