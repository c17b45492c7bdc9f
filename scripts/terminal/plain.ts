import { formatBytes } from '../text/bytes.ts';
import { oneLine } from '../text/width.ts';
import type { Colors } from './color.ts';
import { Meter } from './meter.ts';
import { silentTaskPart, type Task } from './types.ts';

/** Milliseconds after which a task has a line again, whatever its progress. */
const silence = 60_000;

/** What the last line of a running task showed. */
interface Shown {
  /** Tenths of the total. */
  tenth: number;
  at: number;
}

/** Progress as separate lines: for CI, files, and terminals that cannot move the cursor. */
export class PlainLines {
  readonly #stream: NodeJS.WritableStream;
  readonly #colors: Colors;
  readonly #interval: number;
  readonly #running = new Map<Meter, Shown>();
  #timer: NodeJS.Timeout | undefined;

  constructor(stream: NodeJS.WritableStream, colors: Colors, interval: number) {
    this.#stream = stream;
    this.#colors = colors;
    this.#interval = interval;
  }

  /** Prints a line at the start, a line at the end, and one for each tenth in between, looked for at intervals. */
  task(label: string, total?: number): Task {
    const meter = new Meter(label, total);
    this.#running.set(meter, { tenth: 0, at: meter.started });
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
    for (const [meter, shown] of this.#running) {
      const tenth = Math.floor((meter.fraction ?? 0) * 10);
      const now = performance.now();
      if (meter.total !== undefined && tenth <= shown.tenth && now - shown.at < silence) continue;
      this.#running.set(meter, { tenth, at: now });
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
