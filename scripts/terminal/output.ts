import { setImmediate } from 'node:timers/promises';
import { ModelcarsError } from '../errors.ts';
import { diskError } from '../files/atomic.ts';

/**
 * Standard output, whose reader may exit and whose disk may be full. A failed write stops nothing: a push in progress
 * is worth more than its table. `failure` reports it at the end.
 */
export class Output {
  readonly #stream: NodeJS.WriteStream;
  #error: NodeJS.ErrnoException | undefined;

  /** Listens to the stream for the process's lifetime: an unhandled error would end the process with a stack. */
  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
    stream.on('error', (error: NodeJS.ErrnoException) => {
      this.#error ??= error;
    });
  }

  /** Writes a text, or nothing once a write has failed. */
  write(text: string): void {
    if (this.#error === undefined) this.#stream.write(text);
  }

  /**
   * Waits until everything is written. Returns why a write failed (code `disk`). Undefined also when the reader exited
   * (`modelcars list | head -1`) or the terminal was closed, which other tools do not report either.
   */
  async failure(): Promise<ModelcarsError | undefined> {
    // Only when output is queued: /dev/full rejects even an empty write.
    if (this.#stream.writableLength > 0) {
      await new Promise<void>((resolve) => {
        this.#stream.write('', () => resolve());
      });
    }
    // A stream reports an immediately failed write only after this turn.
    await setImmediate();
    const error = this.#error;
    if (error === undefined || error.code === 'EPIPE' || error.code === 'EIO') return undefined;
    const what = 'write standard output';
    const known = diskError(what, error);
    const problem =
      error.code === 'EBADF'
        ? `${what}: it is not open for writing`
        : known instanceof ModelcarsError
          ? known.message
          : `${what}: ${error.message}`;
    return new ModelcarsError('disk', problem, {
      next: "redirect it to another file; the rest of the command's work is done",
      cause: error,
    });
  }
}
