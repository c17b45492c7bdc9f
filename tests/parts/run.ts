/** Runs a program to its end. */
import { type ChildProcess, spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';

export interface RunSettings {
  cwd?: string;
  /** Added to this process's environment; undefined removes a variable. */
  env?: Record<string, string | undefined>;
  /** Milliseconds until it is killed; 300,000 by default. */
  timeout?: number;
}

export interface Result {
  /** Undefined if a signal ended it. */
  code: number | undefined;
  stdout: string;
  stderr: string;
}

/** Runs a program without a shell and without stdin; resolves with any exit code. */
export async function tryRun(program: string, args: string[], settings: RunSettings = {}): Promise<Result> {
  const child = launch(program, args, settings);
  const ended = new Promise<number | undefined>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? undefined));
  });
  const { stdout, stderr } = child;
  if (!stdout || !stderr) throw new Error(`run ${program}: no pipes`);
  const [code, out, error] = await Promise.all([ended, text(stdout), text(stderr)]);
  return { code, stdout: out, stderr: error };
}

/** Like tryRun, but any exit code except 0 throws with all output of the program. Returns its stdout. */
export async function run(program: string, args: string[], settings: RunSettings = {}): Promise<string> {
  const { code, stdout, stderr } = await tryRun(program, args, settings);
  if (code !== 0) throw new Error(`run ${program} ${args.join(' ')}: exit code ${code}\n${stdout}${stderr}`);
  return stdout;
}

/** Starts a program; stdout and stderr are pipes. */
export function launch(program: string, args: string[], settings: RunSettings = {}): ChildProcess {
  return spawn(program, args, {
    cwd: settings.cwd,
    env: { ...process.env, ...settings.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: settings.timeout ?? 300_000,
    killSignal: 'SIGKILL',
  });
}
