/** The kernel's data on a process and its children: /proc, Linux only. */
import { readdirSync, readFileSync } from 'node:fs';

/** proc_pid_stat(5): times are in clock ticks, and Linux reports 100 per second to user space. */
const ticks = 100;

export interface Memory {
  /** Bytes currently resident. */
  resident: number;
  /** Peak of resident bytes so far. */
  peak: number;
}

/** A process and all its living descendants, itself first; empty if it has ended. */
export function treeOf(pid: number): number[] {
  const tree = [pid];
  for (const one of tree) tree.push(...childrenOf(one));
  return read(`/proc/${pid}/stat`) === undefined ? [] : tree;
}

/** The children of all threads of a process. */
export function childrenOf(pid: number): number[] {
  const threads = readThreads(pid);
  return threads.flatMap((thread) =>
    (read(`/proc/${pid}/task/${thread}/children`) ?? '').split(' ').filter(Boolean).map(Number),
  );
}

/** The program's name, at most 15 bytes; undefined if the process has ended. */
export function nameOf(pid: number): string | undefined {
  return read(`/proc/${pid}/comm`)?.trimEnd();
}

/** Undefined for a process that has ended or is ending. */
export function memoryOf(pid: number): Memory | undefined {
  const status = read(`/proc/${pid}/status`) ?? '';
  const field = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) * 1024;
  const memory = { resident: field('VmRSS'), peak: field('VmHWM') };
  return Number.isNaN(memory.peak) ? undefined : memory;
}

/** Seconds of user and system time of the process itself; 0 if it has ended. */
export function cpuOf(pid: number): number {
  const stat = read(`/proc/${pid}/stat`);
  return stat === undefined ? 0 : cpuIn(stat).own;
}

/** Seconds of CPU and bytes written by a process and its children that it waited for; 0 if it has ended. */
export function costOf(pid: number): { cpu: number; written: number } {
  const stat = read(`/proc/${pid}/stat`);
  const io = read(`/proc/${pid}/io`);
  if (stat === undefined || io === undefined) return { cpu: 0, written: 0 };
  const { own, children } = cpuIn(stat);
  return { cpu: own + children, written: writtenIn(io) };
}

/** Seconds in the text of /proc/PID/stat: of the process, and of its children that it waited for. */
export function cpuIn(stat: string): { own: number; children: number } {
  // The name, in parentheses, can contain any character; the third field follows it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const seconds = (from: number): number => (Number(fields[from - 3]) + Number(fields[from - 2])) / ticks;
  return { own: seconds(14), children: seconds(16) };
}

/**
 * Bytes in the text of /proc/PID/io that were written to file systems on disk, counted when a page becomes dirty, even
 * if the file is deleted before it reaches the disk. Includes children that were waited for.
 */
export function writtenIn(io: string): number {
  return Number(/^write_bytes: (\d+)$/m.exec(io)?.[1]);
}

function readThreads(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined; // ended
  }
}
