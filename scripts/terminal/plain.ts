import { formatBytes } from '../text/bytes.ts';
import { oneLine } from '../text/width.ts';
import type { Colors } from './color.ts';
import { Meter } from './meter.ts';
import { silentTaskPart, type Task } from './types.ts';

/** Progress as separate lines: for CI, files, and terminals that cannot move the cursor. */
export class PlainLines {
  readonly #stream: NodeJS.WritableStream;
  readonly #colors: Colors;
  readonly #interval: number;
  readonly #running = new Set<Meter>();
  #timer: NodeJS.Timeout | undefined;

  constructor(stream: NodeJS.WritableStream, colors: Colors, interval: number) {
    this.#stream = stream;
    this.#colors = colors;
    this.#interval = interval;
  }

  /** Prints a line at the start, a line at the end, and one at intervals in between. */
  task(label: string, total?: number): Task {
    const meter = new Meter(label, total);
    this.#running.add(meter);
    this.#write(meter, total === undefined ? 'started' : `started, ${formatBytes(total)}`);
    this.#timer ??= setInterval(() => this.#report(), this.#interval).unref();
    const end = (text: string) => {
      if (!this.#running.delete(meter)) return;
      this.#write(meter, text);
      if (this.#running.size === 0) this.stop();
    };
    return {
      add: (bytes) => meter.add(bytes),
      total: (bytes) => {
        meter.total = bytes;
      },
      part: () => silentTaskPart,
      note: (text) => {
        meter.note = oneLine(text);
      },
      done: (text) => end(`${this.#colors.green(oneLine(text ?? 'done'))} (${meter.summary()})`),
      fail: (text) => end(`${this.#colors.red('failed')}: ${oneLine(text)}`),
    };
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #report(): void {
    for (const meter of this.#running) {
      const parts = [meter.percent, meter.amount, meter.rate(), meter.left(), meter.note].filter(
        (part) => part,
      );
      this.#write(meter, parts.length > 0 ? parts.join(', ') : `still working (${meter.summary()})`);
    }
  }

  #write(meter: Meter, text: string): void {
    this.#stream.write(`${meter.label}: ${text}\n`);
  }
}
