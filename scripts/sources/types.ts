import type { LockedFile } from '../model/types.ts';

/** A source resolved to a revision and its files. */
export interface Snapshot {
  /** What the source resolved to: a commit for a hub, a content hash for files. */
  revision: string;
  /** Sorted by path (byte order). */
  files: LockedFile[];
  /** What the source says of the model: `license`, `base_model`, `pipeline_tag` and the like; short lines, keys sorted. */
  metadata?: Record<string, string>;
}

/** Which of a source's paths count. */
export type Selection = (path: string) => boolean;

/** Who wants to see a file's bytes while they are hashed for the lock, first to last; undefined: nobody. A file may begin anew: then it is asked again. */
export type FileTap = (file: {
  path: string;
  /** Bytes. */
  size: number;
}) => { update(chunk: Uint8Array): void; end(sha256: string): Promise<void> } | undefined;

/** One kind of source, chosen by the URI's scheme. */
export interface Source {
  /** Lists and hashes what the URI points at now; `tap` sees the files that are read for their hash. Fails with code `source`. */
  resolve(uri: string, select: Selection, signal?: AbortSignal, tap?: FileTap): Promise<Snapshot>;
  /**
   * The bytes of one file of a locked snapshot from `offset` to its end. It need not check the hash: the layer's
   * reader does, on the way through. A chunk is good while `chunkLifetime` more are taken (image/types.ts). Bytes
   * from `end` on are not wanted, and a source that would have to ask for them need not send them.
   */
  open(
    uri: string,
    revision: string,
    file: LockedFile,
    offset?: number,
    signal?: AbortSignal,
    end?: number,
  ): AsyncIterable<Uint8Array>;
}
