/** The progress display of a long run. Everything goes to one stream (stderr): stdout is for results. */
export interface Progress {
  /** Starts a task, with `totalBytes` if known. End it with `done` or `fail`. */
  task(label: string, totalBytes?: number): Task;
  /** Logs a separate line above the bars. */
  log(line: string): void;
  /** Logs a warning, each only once; the only output when progress is disabled. */
  warn(line: string): void;
  /** Removes the bars and restores the terminal; safe to call twice. */
  stop(): void;
}

export interface Task {
  /** Adds bytes just done; negative when a retry starts over. */
  add(bytes: number): void;
  /** Sets the total once known, or a new one. */
  total(bytes: number): void;
  /** Starts a large file of the task: with bars, it gets its own bar below the task's until it ends. */
  part(label: string, totalBytes: number): TaskPart;
  /** Sets the current step: `layer 3 of 7`. */
  note(text: string): void;
  done(text?: string): void;
  fail(text: string): void;
}

/** A part of a task; the caller adds its bytes to the task as well. */
export interface TaskPart {
  add(bytes: number): void;
  end(): void;
}

/** A part that is not shown. */
export const silentTaskPart: TaskPart = { add() {}, end() {} };

/** A task that is not shown: work inside another task. */
export const silentTask: Task = {
  add() {},
  total() {},
  part: () => silentTaskPart,
  note() {},
  done() {},
  fail() {},
};
