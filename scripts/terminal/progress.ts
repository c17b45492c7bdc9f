import { safeLines } from '../text/width.ts';
import { createColors } from './color.ts';
import { PlainLines } from './plain.ts';
import { type Progress, silentTaskPart, type Task } from './types.ts';

export interface ProgressOptions {
  stream: NodeJS.WriteStream;
  /** False (`--no-progress`, DISABLE_PROGRESS=true): only warnings. */
  enabled: boolean;
  /** True: bars that redraw themselves; false: plain lines, for CI and files. */
  interactive: boolean;
  /** Milliseconds between plain lines of one task; default 10,000. */
  interval?: number;
  /** Masks secrets in every text shown. */
  mask?(text: string): string;
}

/** Bars on a terminal, lines otherwise, only warnings when disabled. Only bars need their library. */
export async function createProgress(options: ProgressOptions): Promise<Progress> {
  const { stream, enabled, interactive, mask = (text: string) => text, interval = 10_000 } = options;
  const colors = createColors(stream);
  const bars = enabled && interactive ? new (await import('./bars.ts')).Bars(stream, colors) : undefined;
  const plain = enabled && !interactive ? new PlainLines(stream, colors, interval) : undefined;
  const warned = new Set<string>();
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
      // Parts of a run can find the same: building and verifying.
      if (warned.has(line)) return;
      warned.add(line);
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
 * Chooses how to show progress on this stream, from the flags and the environment: bars need a terminal that can move
 * its cursor, and CI systems with a pseudo-terminal record every redraw.
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

/** Whether this runs in CI, by the `CI` variable that every CI system sets. */
export function isCI(environment: NodeJS.ProcessEnv = process.env): boolean {
  return environment.CI !== undefined && !/^(|0|false)$/i.test(environment.CI);
}

/** A task that shows nothing. */
export const silent: Task = {
  add() {},
  total() {},
  part: () => silentTaskPart,
  note() {},
  done() {},
  fail() {},
};
