import type { LockedFile } from '../model/types.ts';

/** A locked file and where it comes from. */
export interface WantedFile extends LockedFile {
  /** URI of its source, or of the file itself for one of `files:`. */
  uri: string;
  /** What the source resolved to. */
  revision: string;
}

/** Where the bytes of a locked file may lie already. What it gives is never trusted: the layer's reader checks the hash. */
export interface FileCache {
  /** For people: `the store`. */
  name: string;
  /** Whether it seems to have the file, by name and size. */
  has(file: WantedFile): Promise<boolean>;
  /** The bytes from `offset` to the end; undefined when it does not have the file, whatever the reason. */
  open(
    file: WantedFile,
    offset: number,
    signal?: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array> | undefined>;
  /** Told that what it gave was wrong; it deletes its copy when that is its own. */
  forget(file: WantedFile): Promise<void>;
}
