import { ModelcarsError } from '../errors.ts';
import { openSource } from '../sources/index.ts';
import type { SourceOptions } from '../sources/types.ts';

/** A source's current files, by name only. */
export interface SourceFiles {
  paths: string[];
  /** The first `bytes` of a file, or all of a shorter one. */
  read(path: string, bytes: number): Promise<Buffer>;
}

/** Lists a source without reading its files. Fails with the source's errors. */
export async function sourceFiles(
  uri: string,
  sources: SourceOptions,
  signal: AbortSignal,
): Promise<SourceFiles> {
  const source = openSource(uri, sources);
  const paths: string[] = [];
  await source.resolve(
    uri,
    (path) => {
      paths.push(path);
      return false;
    },
    signal,
  );
  return { paths: [...new Set(paths)], read: (path, bytes) => readHead(uri, path, bytes, sources, signal) };
}

/**
 * Resolving a single file gives its size, and reads it where the source has no hash of it: that read ends once it has
 * given enough.
 */
async function readHead(
  uri: string,
  path: string,
  bytes: number,
  sources: SourceOptions,
  signal: AbortSignal,
): Promise<Buffer> {
  const source = openSource(uri, sources);
  const enough = new AbortController();
  let read = Buffer.alloc(0);
  let isWhole = false;
  const take = (chunk: Uint8Array): void => {
    if (read.length < bytes) read = Buffer.concat([read, chunk.subarray(0, bytes - read.length)]);
    if (read.length >= bytes) enough.abort();
  };
  const tap = () => {
    // Called again when a read starts over.
    read = Buffer.alloc(0);
    return {
      update: take,
      async end() {
        isWhole = true;
      },
    };
  };
  try {
    const either = AbortSignal.any([signal, enough.signal]);
    const { revision, files } = await source.resolve(uri, (one) => one === path, either, tap);
    const [file] = files;
    if (isWhole || file === undefined) return read;
    read = Buffer.alloc(0);
    for await (const chunk of source.open(uri, revision, file, 0, signal, Math.min(bytes, file.size))) {
      take(chunk);
      if (enough.signal.aborted) break;
    }
    return read;
  } catch (error) {
    if (enough.signal.aborted && !signal.aborted) return read;
    if (signal.aborted) throw new ModelcarsError('cancelled', 'stopped before it was done', { cause: error });
    throw error;
  }
}
