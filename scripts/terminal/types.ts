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

/** A part that is not shown. */
export const silentTaskPart: TaskPart = { add() {}, end() {} };
