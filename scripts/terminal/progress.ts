import { Bars } from './bars.ts';
import { createColors } from './color.ts';
import { PlainLines } from './plain.ts';
import { safeLines } from './width.ts';

/** What a long run shows while it works. Everything goes to one stream (stderr): stdout is for results. */
export interface Progress {
  /** A new piece of work; `totalBytes` where it is known. Ends with `done` or `fail`. */
  task(label: string, totalBytes?: number): Task;
  /** A line of its own, above the bars. */
  log(line: string): void;
  /** A warning; the only thing shown when progress is disabled. */
  warn(line: string): void;
  /** Takes the bars away and gives the terminal back; may be called twice. */
  stop(): void;
}

export interface Task {
  /** Bytes just done; negative when a retry starts over. */
  add(bytes: number): void;
  /** The total, once known, or a new one. */
  total(bytes: number): void;
  /** A large file of it: a bar of its own below the task's, where there are bars, that goes when it ends. */
  part(label: string, totalBytes: number): TaskPart;
  /** What is being done now: `layer 3 of 7`. */
  note(text: string): void;
  done(text?: string): void;
  fail(text: string): void;
}

/** A part of a task; its bytes are the task's to count as well. */
export interface TaskPart {
  add(bytes: number): void;
  end(): void;
}

export interface ProgressOptions {
  stream: NodeJS.WriteStream;
  /** False (`--no-progress`, DISABLE_PROGRESS=true): only warnings. */
  enabled: boolean;
  /** True: bars that redraw themselves; false: plain lines, for CI and files. */
  interactive: boolean;
  /** Milliseconds between two plain lines of one task; default 10,000. */
  interval?: number;
  /** Takes secrets out of every text shown. */
  mask?(text: string): string;
}

/** Bars on a terminal, lines elsewhere, nothing but warnings when disabled. */
export function createProgress(options: ProgressOptions): Progress {
  const { stream, enabled, interactive, mask = (text: string) => text, interval = 10_000 } = options;
  const colors = createColors(stream);
  const bars = enabled && interactive ? new Bars(stream, colors) : undefined;
  const plain = enabled && !interactive ? new PlainLines(stream, colors, interval) : undefined;
  const write = (text: string) => (bars ? bars.log(text) : stream.write(`${text}\n`));
  return {
    task(label, totalBytes) {
      const task = (bars ?? plain)?.task(mask(label), totalBytes);
      return task ? maskTask(task, mask) : silent;
    },
    log(line) {
      if (enabled) write(safeLines(mask(line)));
    },
    warn(line) {
      write(`${colors.yellow('warning:')} ${safeLines(mask(line))}`);
    },
    stop() {
      (bars ?? plain)?.stop();
    },
  };
}

function maskTask(task: Task, mask: (text: string) => string): Task {
  return {
    add: (bytes) => task.add(bytes),
    total: (bytes) => task.total(bytes),
    part: (label, totalBytes) => task.part(mask(label), totalBytes),
    note: (text) => task.note(mask(text)),
    done: (text) => task.done(text === undefined ? undefined : mask(text)),
    fail: (text) => task.fail(mask(text)),
  };
}

/**
 * How to show progress on this stream, from the flags and the environment: bars need a terminal that can move its
 * cursor, and CI systems with a pseudo-terminal record every redraw.
 */
export function progressMode(
  stream: { isTTY?: boolean | undefined },
  noProgress: boolean,
  environment: NodeJS.ProcessEnv = process.env,
): { enabled: boolean; interactive: boolean } {
  const yes = (value: string | undefined) => value !== undefined && /^(1|true|yes)$/i.test(value);
  return {
    enabled: !noProgress && !yes(environment.DISABLE_PROGRESS),
    interactive: stream.isTTY === true && environment.TERM !== 'dumb' && !isCI(environment),
  };
}

/** Whether this runs in CI, by the variable that every CI system sets. */
export function isCI(environment: NodeJS.ProcessEnv = process.env): boolean {
  return environment.CI !== undefined && !/^(|0|false)$/i.test(environment.CI);
}

/** A part that is not shown. */
export const silentTaskPart: TaskPart = { add() {}, end() {} };

const silent: Task = { add() {}, total() {}, part: () => silentTaskPart, note() {}, done() {}, fail() {} };
