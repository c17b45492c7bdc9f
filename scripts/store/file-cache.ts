import type { LockedFile } from '../model/types.ts';

/** A locked file and its source. */
export interface WantedFile extends LockedFile {
  /** URI of its source, or of the file itself for one of `files:`. */
  uri: string;
  /** What the source resolved to. */
  revision: string;
}

/** Where the bytes of a locked file may lie already. What it gives is never trusted: the layer's reader checks the hash. */
export interface FileCache {
  /** For messages: `the store`. */
  name: string;
  /** Whether it seems to have the file, by name and size. */
  has(file: WantedFile): Promise<boolean>;
  /** The bytes from `offset` to the end; undefined when it does not have the file, whatever the reason. */
  open(
    file: WantedFile,
    offset: number,
    signal?: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array> | undefined>;
  /** Reports that the bytes it gave were wrong; a cache that owns its copy deletes it. */
  forget(file: WantedFile): Promise<void>;
}
