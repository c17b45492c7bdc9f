import { Readable } from 'node:stream';
import { recycle } from '../memory/stream-buffers.ts';

/** Bytes passed to a compressor per write. */
const pieceSize = 256 * 1024;

/**
 * Compresses a stream to the same bytes on every machine. gzip is fflate's, in JavaScript, because Node's zlib uses
 * SIMD hashing that finds different matches on different CPUs. zstd's output depends only on its version, which comes
 * with the Node version that package.json pins, on the level and on the input. Both can end blocks at write boundaries,
 * so every write has the same size, however the bytes arrive.
 */
export function compress(
  stream: AsyncIterable<Uint8Array>,
  format: 'gzip' | 'zstd',
): AsyncIterable<Uint8Array> {
  const source = inPieces(stream, pieceSize);
  return format === 'gzip' ? gzip(source) : zstd(source);
}

async function* gzip(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  // Loaded on demand, as zlib below: layers are rarely compressed, and fflate computes tables when it is loaded.
  const { Gzip } = await import('fflate');
  const ready: Uint8Array[] = [];
  const packer = new Gzip({ level: 6, mtime: 0 }, (chunk) => ready.push(chunk));
  for await (const chunk of stream) {
    packer.push(chunk);
    yield* ready.splice(0);
  }
  packer.push(new Uint8Array(0), true);
  yield* ready.splice(0);
}

async function* zstd(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const { constants, createZstdCompress } = await import('node:zlib');
  const packer = createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: 3 } });
  const source = Readable.from(stream, { objectMode: false });
  source.on('error', (error) => packer.destroy(error));
  source.pipe(packer);
  try {
    for await (const chunk of packer) yield chunk as Uint8Array;
  } finally {
    source.destroy();
  }
}

/** The same bytes in new chunks of exactly `size` bytes, the last one shorter. */
async function* inPieces(stream: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Uint8Array> {
  let piece = new Uint8Array(size);
  let fill = 0;
  for await (const chunk of stream) {
    for (let at = 0; at < chunk.length; ) {
      const part = chunk.subarray(at, at + size - fill);
      piece.set(part, fill);
      fill += part.length;
      at += part.length;
      if (fill === size) {
        yield piece;
        piece = new Uint8Array(size);
        fill = 0;
      }
    }
    recycle(chunk);
  }
  if (fill > 0) yield piece.subarray(0, fill);
}
