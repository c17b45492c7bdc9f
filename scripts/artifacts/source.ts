/** A file's bytes, read on request. */
export interface ByteSource {
  /** Bytes. */
  readonly size: number;
  /** The bytes at an offset: fewer than `length` only where the file ends. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** The bytes are of another format, cut short, or beyond a limit: the file says nothing of itself. */
export class Unreadable extends Error {}

/**
 * What `describe` returns, or undefined where the bytes are not what it expects. Other errors, such as a failed request,
 * are thrown.
 */
export async function orNothing<T>(describe: () => Promise<T>): Promise<T | undefined> {
  try {
    return await describe();
  } catch (error) {
    if (error instanceof Unreadable) return undefined;
    throw error;
  }
}

/** The first `most` bytes of a file, or all of a shorter one. */
export async function headOf(source: ByteSource, most: number): Promise<Buffer> {
  const bytes = await source.read(0, Math.min(most, source.size));
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
