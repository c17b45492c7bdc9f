import { ModelcarsError } from '../errors.ts';

/** Identifies a file whose bytes are checked. */
export interface CheckedFile {
  /** Used in messages. */
  path: string;
  /** Bytes. */
  size: number;
  /** 64 lower-case hexadecimal digits. */
  sha256: string;
}

/**
 * A file's bytes differ from the locked ones. `file` is the object that was requested, so that the cache that returned
 * the bytes can be found and avoided.
 */
export class CorruptFile extends ModelcarsError {
  readonly file: CheckedFile;

  /** `why` completes "read path: it …". */
  constructor(file: CheckedFile, why: string, cause?: unknown) {
    super('integrity', `read ${file.path}: it ${why}`, {
      next: 'if the file was meant to change, run `modelcars lock --upgrade`; if not, restore it',
      cause,
    });
    this.file = file;
  }
}
