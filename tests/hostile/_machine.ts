/**
 * A machine that is short of something, or shared with other users: disks, memory, users. Everything here needs root.
 */
import { mkdir, mkdtemp, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { root } from '../parts/cli.ts';
import { type Result, type RunSettings, run, tryRun } from '../parts/run.ts';

/** A temporary folder with its mounts; disposing removes them all. */
export class Machine implements AsyncDisposable {
  readonly folder: string;
  readonly #mounts: string[] = [];

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async start(): Promise<Machine> {
    const folder = await mkdtemp(join(tmpdir(), 'modelcars-machine-'));
    await run('chmod', ['755', folder]);
    return new Machine(folder);
  }

  /** A disk of this many bytes (and files), as a folder. */
  async disk(name: string, bytes: number, files?: number): Promise<string> {
    const options = `size=${bytes},mode=755${files === undefined ? '' : `,nr_inodes=${files}`}`;
    return await this.#mount(name, ['-t', 'tmpfs', '-o', options, 'tmpfs']);
  }

  /** The repository at a path that every user can access. */
  async program(): Promise<string> {
    return await this.#mount('program', ['--bind', root]);
  }

  async #mount(name: string, what: string[]): Promise<string> {
    const path = join(this.folder, name);
    await mkdir(path);
    await run('mount', [...what, path]);
    this.#mounts.push(path);
    return path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const path of this.#mounts.reverse()) await run('umount', ['-l', path]);
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** The command line of Node and the program for another user; `program` is that user's path to the repository. */
export function programAt(program: string): string[] {
  const node = process.execPath.startsWith(root)
    ? join(program, process.execPath.slice(root.length))
    : process.execPath;
  return [node, join(program, 'scripts', 'modelcars.ts')];
}

/** Runs a program as another user, without its groups. */
export async function runAs(uid: number, command: string[], settings: RunSettings): Promise<Result> {
  const ids = [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'];
  return await tryRun('setpriv', [...ids, ...command], settings);
}

/** Runs a program with a memory limit in bytes, page cache included, in a control group of either version. */
export async function runIn(bytes: number, command: string[], settings: RunSettings): Promise<Result> {
  const group = join(await memoryRoot(), `modelcars-test-${process.pid}-${Date.now()}`);
  await mkdir(group);
  try {
    const file = group.includes('/memory/') ? 'memory.limit_in_bytes' : 'memory.max';
    await writeFile(join(group, file), String(bytes));
    const script = 'echo $$ > "$1" && shift && exec "$@"';
    return await tryRun('sh', ['-c', script, 'sh', join(group, 'cgroup.procs'), ...command], settings);
  } finally {
    await rmdir(group);
  }
}

/** The root of memory control groups: version 1 has a hierarchy for memory, version 2 one for all resources. */
async function memoryRoot(): Promise<string> {
  const one = await readFile('/sys/fs/cgroup/memory/memory.limit_in_bytes').catch(() => undefined);
  return one === undefined ? '/sys/fs/cgroup' : '/sys/fs/cgroup/memory';
}

/** Asserts a plain failure: a next step, no stack trace, and no bug report. */
export function expectPlainFailure({ code, stdout, stderr }: Result): void {
  const all = `${stdout}${stderr}`;
  expect([1, 2], all).toContain(code);
  expect(all).toMatch(/^error: .+\nnext: .+$/m);
  expectCalm({ code, stdout, stderr });
}

/** Asserts that, in success or failure, nothing broke: no stack trace, no bug report. */
export function expectCalm({ stdout, stderr }: Result): void {
  expect(`${stdout}${stderr}`).not.toMatch(
    /^ +at .+:\d+:\d+|unexpected failure|a bug in|node:internal|FATAL ERROR/m,
  );
}

/** Numbers from 0 to 1, the same for a seed (mulberry32). */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
