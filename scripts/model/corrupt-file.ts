import { ModelcarsError } from '../errors.ts';

/** What identifies a file whose bytes were wrong. */
export interface CheckedFile {
  /** For people. */
  path: string;
  /** Bytes. */
  size: number;
  /** 64 lower-case hexadecimal digits. */
  sha256: string;
}

/**
 * The bytes of a file are not those locked. `file` is the very object that was asked for, so that who gave the bytes can be
 * found out and asked no more.
 */
export class CorruptFile extends ModelcarsError {
  readonly file: CheckedFile;

  /** `why` completes "read path: it …". */
  constructor(file: CheckedFile, why: string, cause?: unknown) {
    super('integrity', `read ${file.path}: it ${why}`, {
      next: 'if the file was meant to change, run `modelcars lock`; if not, restore it',
      cause,
    });
    this.file = file;
  }
}
