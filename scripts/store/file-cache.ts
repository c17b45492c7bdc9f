import type { LockedFile } from '../model/types.ts';

/** A locked file and its source. */
export interface WantedFile extends LockedFile {
  /** URI of the source, or of the file itself for an entry of `files:`. */
  uri: string;
  /** The revision that the source resolved to. */
  revision: string;
}

/** A place that may already have a locked file's bytes. They are never trusted: the layer's reader checks the hash. */
export interface FileCache {
  /** Used in messages: `the store`. */
  name: string;
  /** Whether it seems to have the file, by name and size. */
  has(file: WantedFile): Promise<boolean>;
  /** The bytes from `offset` to the end; undefined when the cache does not have the file, for whatever reason. */
  open(
    file: WantedFile,
    offset: number,
    signal?: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array> | undefined>;
  /** Reports that the returned bytes were wrong; a cache that owns its copy deletes it. */
  forget(file: WantedFile): Promise<void>;
}
