/** A file that another one names. */
export interface Need {
  /** As it is named, relative to the folder of the file that names it. */
  name: string;
  /** Bytes that the named file must have at least, where that is said. */
  bytes?: number;
}

/** What a reader of one file's bytes found out. */
export interface Finding {
  /** What is wrong with the file; completes "FILE …". */
  problem?: string;
  /** Whether it is a Git LFS pointer: the next step is another one then. */
  isPointer?: true;
  /** Files that have to be there, too. */
  needs?: Need[];
  /** What it names them as, completes "which FILE names as …". */
  role?: string;
}

/**
 * Reads what it needs of a file's bytes and says where it wants to go on, so that callers may skip what does not
 * matter. Pure: no file, no network.
 */
export interface FormatReader {
  /** Offset of the next byte wanted; Infinity when it has seen enough. */
  readonly wants: number;
  /** Takes bytes that begin at `wants`; at least one. Keeps none of them. */
  take(bytes: Uint8Array): void;
  /** To be called when no more bytes come. */
  end(): Finding;
}

/** Characters of names that one file may name before we stop listening. */
export const mostNamed = 1024 ** 2;

/** A name from a file, in quotes and cut, for a message. */
export function quoted(name: string): string {
  const safe = name.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, '\ufffd');
  return `\`${safe.length > 80 ? `${safe.slice(0, 79)}…` : safe}\``;
}
