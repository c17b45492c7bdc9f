/** Runs a tool's steps and measures their cost. */
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { diskOf } from './disk.ts';
import { costOf, cpuIn, cpuOf, memoryOf, treeOf, writtenIn } from './proc.ts';
import type { Sample, Step } from './types.ts';

/** `peakDisk` only with `watch`. */
export type Measured = Omit<Sample, 'kept' | 'requests' | 'sent'> &
  Required<Pick<Sample, 'peak' | 'treePeak' | 'written'>>;

export interface MeasureOptions {
  env: Record<string, string>;
  cwd: string;
  /** Receives the steps' output; its end is quoted in the error of a failed step. */
  logFile: string;
  /** A process that works for the steps but is not their child. */
  registry?: number | undefined;
  /** A daemon of the tool, not a child of the steps: its CPU time, memory and writes count as the tool's. */
  daemon?: number | undefined;
  /** A folder whose largest size on disk is measured. */
  watch?: string | undefined;
  /** Kills the steps and all their children. */
  signal?: AbortSignal | undefined;
}

/** Milliseconds between samples: often enough for a lasting peak, seldom enough to cost nothing. */
const sampleEvery = 50;

/**
 * Runs the steps one after another as children of one bash. It waits for each, so the kernel adds their CPU time and
 * writes to its own, which it prints at the end. Fails when a step fails.
 */
export async function measure(steps: readonly Step[], options: MeasureOptions): Promise<Measured> {
  options.signal?.throwIfAborted();
  const log = openSync(options.logFile, 'a');
  const { daemon, watch } = options;
  const before = options.registry === undefined ? 0 : cpuOf(options.registry);
  const daemonBefore = daemon === undefined ? undefined : startOfDaemon(daemon);
  const child = spawn('bash', ['-c', script(steps)], {
    cwd: options.cwd,
    env: options.env,
    stdio: ['ignore', log, log, 'pipe'],
    // A process group, which one signal can kill.
    detached: true,
  });
  closeSync(log);
  const kill = (): void => killGroup(child.pid);
  process.once('exit', kill);
  options.signal?.addEventListener('abort', kill);
  const peaks = { largest: 0, tree: 0 };
  let peakDisk = 0;
  const timer = setInterval(() => {
    sample([child.pid ?? 0, ...(daemon === undefined ? [] : [daemon])], peaks);
    if (watch !== undefined) peakDisk = Math.max(peakDisk, diskOf(watch));
  }, sampleEvery);
  try {
    const ended = new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    const [code, told] = await Promise.all([ended, text(child.stdio[3] as NodeJS.ReadableStream)]);
    options.signal?.throwIfAborted();
    if (code !== 0) throw new Error(`run ${shown(steps)}: exit code ${code}\n${tail(options.logFile)}`);
    const [start = '', end = '', stat = '', ...io] = told.split('\n');
    const { own, children } = cpuIn(stat);
    const daemonAfter = daemon === undefined ? undefined : costOf(daemon);
    const byDaemon = (key: 'cpu' | 'written'): number =>
      (daemonAfter?.[key] ?? 0) - (daemonBefore?.[key] ?? 0);
    return {
      wall: Number(end) - Number(start),
      cpu: own + children + byDaemon('cpu'),
      registryCpu: options.registry === undefined ? 0 : cpuOf(options.registry) - before,
      peak: peaks.largest,
      treePeak: peaks.tree,
      written: writtenIn(io.join('\n')) + byDaemon('written'),
      ...(watch !== undefined && { peakDisk: Math.max(peakDisk, diskOf(watch)) }),
    };
  } finally {
    clearInterval(timer);
    process.off('exit', kill);
    options.signal?.removeEventListener('abort', kill);
  }
}

/** Runs steps without measuring them. */
export async function runSteps(steps: readonly Step[], options: MeasureOptions): Promise<void> {
  if (steps.length > 0) await measure(steps, options);
}

/** Uses bash for its clock, and because its pipes can fail when any of their programs fails. */
function script(steps: readonly Step[]): string {
  return [
    'set -eo pipefail',
    'start=$EPOCHREALTIME',
    ...steps.map((step) => `${command(step)} 3>&-`),
    'end=$EPOCHREALTIME',
    'echo "$start" >&3',
    'echo "$end" >&3',
    'cat /proc/$$/stat /proc/$$/io >&3',
  ].join('\n');
}

function command({ program, args, pipe }: Step): string {
  const words = [program, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  return pipe ? `${words} | ${command(pipe)}` : words;
}

function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // all processes have ended
  }
}

/** What the daemon has used so far; resets its high-water mark of memory (proc_pid_clear_refs(5)). */
function startOfDaemon(pid: number): { cpu: number; written: number } {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
  return costOf(pid);
}

function sample(pids: number[], peaks: { largest: number; tree: number }): void {
  let sum = 0;
  for (const one of pids.flatMap(treeOf)) {
    const memory = memoryOf(one);
    sum += memory?.resident ?? 0;
    peaks.largest = Math.max(peaks.largest, memory?.peak ?? 0);
  }
  peaks.tree = Math.max(peaks.tree, sum);
}

function shown(steps: readonly Step[]): string {
  return steps
    .map(({ program, args }) => [program, ...args].join(' '))
    .join('; ')
    .slice(0, 400);
}

function tail(file: string): string {
  return readFileSync(file, 'utf8').slice(-4000);
}
