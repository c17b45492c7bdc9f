/** A file that another file refers to. */
export interface Need {
  /** The name as written, relative to the folder of the file that refers to it. */
  name: string;
  /** Minimum size of that file in bytes, where stated. */
  bytes?: number;
}

/** The result of reading one file's bytes. */
export interface Finding {
  /** The file's problem; completes "FILE …". */
  problem?: string;
  /** Set for a Git LFS pointer, which has another next step. */
  isPointer?: true;
  /** Files that must exist too. */
  needs?: Need[];
  /** The role of those files; completes "which FILE names as …". */
  role?: string;
}

/**
 * Reads the bytes it needs of a file and reports where to continue, so that callers can skip the rest. Pure: no file,
 * no network.
 */
export interface FormatReader {
  /** Offset of the next byte needed; Infinity once it has seen enough. */
  readonly wants: number;
  /** Takes at least one byte, starting at `wants`. Keeps none of them. */
  take(bytes: Uint8Array): void;
  /** Call when no more bytes come. */
  end(): Finding;
}

/** Total length of the names read from one file, in characters; later names are ignored. */
export const mostNamed = 1024 ** 2;

/** A name from a file, quoted and truncated for a message. */
export function quoted(name: string): string {
  const safe = name.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, '\ufffd');
  return `\`${safe.length > 80 ? `${safe.slice(0, 79)}…` : safe}\``;
}
