import type { Transform } from 'node:stream';
import zlib from 'node:zlib';
import { Unreadable } from '../../artifacts/source.ts';
import { ByteStream } from './byte-stream.ts';

/** The compressions that Node can undo. */
export type Packing = 'zlib' | 'gzip' | 'deflate' | 'zstd';

/** Bytes given to the decompressor at a time. */
const piece = 64 * 1024;
/** Bytes that any file may unpack to, and how often its own size a larger one may. Weights hardly compress. */
const mostFree = 256 * 1024 ** 2;
const mostRatio = 100;
/** Bytes that no file may exceed unpacked. */
const mostUnpacked = 64 * 1024 ** 3;

/** An unpacked stream, and how to leave it. */
export interface Unpacked {
  stream: ByteStream;
  /** Reads to the end of the compressed data, after which `packed` continues. Throws Unreadable when it is damaged. */
  close(): Promise<void>;
  /** Ends the decompression, read or not. */
  leave(): void;
}

/**
 * The content of compressed data that starts at the position of `packed`, unpacked as it is read. Fails with Unreadable
 * on damaged data and on a decompression bomb. Other bytes may follow the data: call `close` before reading them.
 */
export function unpacked(packed: ByteStream, packing: Packing): Unpacked {
  const engine = engineOf(packing);
  let given = 0;
  let lastPiece = 0;
  let produced = 0;
  let failure: unknown;
  // Not by `pipeline`, which fetches pieces that the engine does not want and that could not be returned.
  const pump = async (): Promise<void> => {
    for (;;) {
      const bytes = await packed.chunk(piece);
      if (engine.destroyed) return;
      if (bytes === undefined) {
        engine.end();
        return;
      }
      given += bytes.length;
      lastPiece = bytes.length;
      await new Promise<void>((resolve) => engine.write(bytes, () => resolve()));
      // The compressed data has ended within the piece.
      if (engine.destroyed || engine.bytesWritten < given) return;
    }
  };
  pump().catch((error: unknown) => {
    failure = error;
    engine.destroy(new Error('no more bytes', { cause: error }));
  });
  const chunks: AsyncIterator<Uint8Array> = engine[Symbol.asyncIterator]();
  const next = async (): Promise<Uint8Array | undefined> => {
    let result: IteratorResult<Uint8Array>;
    try {
      result = await chunks.next();
    } catch {
      throw failure ?? new Unreadable('cannot be unpacked');
    }
    if (result.done) return undefined;
    produced += result.value.length;
    if (produced > mostUnpacked || (produced > mostFree && produced > mostRatio * given))
      throw new Unreadable('unpacks to too much');
    return result.value;
  };
  const stream = new ByteStream(next);
  return {
    stream,
    leave: () => void engine.destroy(),
    async close() {
      await stream.drain();
      engine.destroy();
      const unused = given - engine.bytesWritten;
      if (unused < 0 || unused > lastPiece) throw new Unreadable('cannot be unpacked');
      packed.back(unused);
    },
  };
}

function engineOf(packing: Packing): Transform & { bytesWritten: number } {
  switch (packing) {
    case 'zlib':
      return zlib.createInflate();
    case 'gzip':
      return zlib.createGunzip();
    case 'deflate':
      return zlib.createInflateRaw();
    case 'zstd':
      return zlib.createZstdDecompress();
  }
}
