import cliProgress, { type MultiBar, type SingleBar } from 'cli-progress';
import { oneLine, textWidth, truncate } from '../text/width.ts';
import type { Colors } from './color.ts';
import { Meter } from './meter.ts';
import type { Task, TaskPart } from './types.ts';

/** Erases to the end of the line, so that a short line leaves no remains of a longer bar. */
const eraseLine = '\x1b[K';
/** cli-progress turns line wrapping off for its bars; a log line must wrap rather than be cut. */
const wrapOn = '\x1b[?7h';
const wrapOff = '\x1b[?7l';

interface Running {
  meter: Meter;
  bar?: SingleBar;
}

/** Progress as one bar per task, redrawn in place; a finished task becomes a line above the bars. */
export class Bars {
  readonly #stream: NodeJS.WriteStream;
  readonly #colors: Colors;
  readonly #running = new Set<Running>();
  #multi: MultiBar | undefined;

  constructor(stream: NodeJS.WriteStream, colors: Colors) {
    this.#stream = stream;
    this.#colors = colors;
  }

  task(label: string, total?: number): Task {
    const running = this.#begin(label, total);
    const { meter } = running;
    const parts = new Set<Running>();
    const end = (mark: string, text: string) => {
      for (const part of parts) this.#end(part);
      this.#end(running, `${mark} ${meter.label}  ${text}`);
    };
    return {
      add: (bytes) => meter.add(bytes),
      total: (bytes) => {
        meter.total = bytes;
      },
      part: (name, size): TaskPart => {
        const part = this.#begin(`  ${oneLine(name)}`, size);
        parts.add(part);
        return {
          add: (bytes) => part.meter.add(bytes),
          end: () => {
            parts.delete(part);
            this.#end(part);
          },
        };
      },
      note: (text) => {
        meter.note = oneLine(text);
      },
      done: (text) =>
        end(
          this.#colors.green('✓'),
          `${text ? `${oneLine(text)}  ` : ''}${this.#colors.dim(meter.summary())}`,
        ),
      fail: (text) => end(this.#colors.red('✗'), oneLine(text)),
    };
  }

  #begin(label: string, total: number | undefined): Running {
    const running: Running = { meter: new Meter(label, total) };
    this.#running.add(running);
    this.#show();
    return running;
  }

  /** Removes a bar and logs a last line, if any. */
  #end(running: Running, line?: string): void {
    if (!this.#running.delete(running)) return;
    if (line !== undefined) this.log(line);
    if (running.bar) this.#multi?.remove(running.bar);
    if (this.#running.size === 0) this.stop();
    else this.#show();
  }

  /** Logs a line above the bars. */
  log(text: string): void {
    if (!this.#multi) this.#stream.write(`${text}\n`);
    else this.#multi.log(`${wrapOn}${text.replaceAll('\n', `${eraseLine}\n`)}${eraseLine}\n${wrapOff}`);
  }

  /** Removes the bars and restores the cursor and line wrapping. */
  stop(): void {
    const multi = this.#multi;
    if (!multi) return;
    this.#multi = undefined;
    for (const running of this.#running) delete running.bar;
    // stop() drops queued log lines; update() writes them.
    multi.update();
    multi.stop();
  }

  /** Shows as many tasks' bars as the screen has rows: more would scroll and smear. */
  #show(): void {
    const rows = Math.max(1, (this.#stream.rows ?? 24) - 2);
    const waiting = [...this.#running].filter((running) => !running.bar);
    let free = rows - (this.#running.size - waiting.length);
    for (const running of waiting) {
      if (free-- <= 0) return;
      this.#multi ??= this.#start();
      running.bar = this.#multi.create(1, 0, { meter: running.meter });
    }
  }

  #start(): MultiBar {
    return new cliProgress.MultiBar({
      stream: this.#stream,
      format: (_options, params, payload: { meter: Meter }) =>
        formatBar(
          payload.meter,
          this.#labelWidth(),
          (params as { maxWidth?: number }).maxWidth ?? 80,
          this.#colors,
        ),
      clearOnComplete: true,
      hideCursor: true,
      // A log line above the bars moves them, so an unchanged bar must be redrawn too.
      forceRedraw: true,
      fps: 8,
    });
  }

  #labelWidth(): number {
    return Math.max(0, ...[...this.#running].map(({ meter }) => textWidth(meter.label)));
  }
}

/**
 * One bar as a line of at most `width` columns: label, bar, percentage, amount, rate, time left, note. Parts that do
 * not fit are dropped from the end; a narrow terminal gets no bar.
 */
export function formatBar(
  meter: Meter,
  labelWidth: number,
  width: number,
  colors: Colors,
  now = performance.now(),
): string {
  const columns = width - 1;
  const labelColumns = Math.min(labelWidth, Math.floor(columns * 0.32));
  const shownLabel = truncate(meter.label, labelColumns);
  const label = shownLabel + ' '.repeat(labelColumns - textWidth(shownLabel));
  const { fraction } = meter;
  // A fixed size whatever the numbers beside it, or the bar would jump.
  const size = fraction === undefined || columns < 50 ? 0 : Math.min(30, Math.floor(columns / 7));
  let room = columns - labelColumns - (size > 0 ? size + 2 : 0);
  const kept: string[] = [];
  for (const part of [
    meter.percent.padStart(4),
    meter.amount.replace(' of ', '/'),
    meter.rate(now),
    meter.left(now),
    meter.note,
  ]) {
    if (part.trim() === '') continue;
    // Only the note is truncated: half a number is a wrong number.
    const shown = part === meter.note ? truncate(part, room - 2) : part;
    if (shown === '' || textWidth(shown) + 2 > room) break;
    kept.push(shown);
    room -= textWidth(shown) + 2;
  }
  const bar = size > 0 ? [drawBar(fraction ?? 0, size, colors)] : [];
  return [label, ...bar, ...kept].join('  ');
}

function drawBar(fraction: number, size: number, colors: Colors): string {
  const full = Math.floor(fraction * size);
  return `${colors.cyan('█'.repeat(full))}${colors.dim('░'.repeat(size - full))}`;
}
