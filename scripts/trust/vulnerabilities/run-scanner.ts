import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';
import { ModelcarsError } from '../../errors.ts';
import { plain } from '../../text/format.ts';

export interface ScannerRun {
  program: string;
  args: readonly string[];
  folder: string;
  /** Variables besides those of the user that a scanner gets. */
  environment?: Record<string, string>;
  signal: AbortSignal;
}

export interface Ended {
  /** Null when a signal ended it. */
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Largest report, in bytes: some thousand findings of a large image are 30 MB. */
const mostOutput = 128 * 1024 ** 2;
/** Bytes kept of stderr, its last ones. */
const mostNotes = 64 * 1024;
/** Milliseconds between SIGTERM and SIGKILL. */
const patience = 5000;

/**
 * The variables that a scanner gets: those of its own, of the network and of its folders. Not the others: a scanner
 * needs neither the credentials of a registry nor the identity token of a CI job, and is third-party code.
 */
const passedOn =
  /^(?:GRYPE_.*|TRIVY_.*|SYFT_.*|PATH|HOME|USER|LANG|LC_.*|TZ|TMPDIR|XDG_.*|DOCKER_CONFIG|SSL_CERT_(?:FILE|DIR)|(?:https?|all|no)_proxy|GOMAXPROCS|GOMEMLIMIT)$/i;

/** The environment of a scanner. */
export function scannerEnvironment(all: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(all).filter(([name]) => passedOn.test(name)));
}

/**
 * Runs a scanner in a process group of its own and returns its output. When the signal aborts, ends the group and waits
 * for it. Fails with code `scan` when the program cannot be started or writes more than a report can have.
 */
export async function runScanner(run: ScannerRun): Promise<Ended> {
  const { program, args, folder, environment, signal } = run;
  signal.throwIfAborted();
  const child = spawn(program, args, {
    cwd: folder,
    env: { ...scannerEnvironment(), ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const kill = () => signalGroup(child, 'SIGKILL');
  const stop = () => {
    signalGroup(child, 'SIGTERM');
    void wait(patience, undefined, { ref: false }).then(() => child.exitCode ?? kill());
  };
  signal.addEventListener('abort', stop, { once: true });
  process.once('exit', kill);
  const chunks: Buffer[] = [];
  let size = 0;
  let notes = '';
  child.stdout.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > mostOutput) kill();
    else chunks.push(chunk);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    notes = (notes + text).slice(-mostNotes);
  });
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    signal.throwIfAborted();
    if (size > mostOutput) throw new ModelcarsError('scan', `run ${program}: its report is over 128 MiB`);
    return { code, stdout: Buffer.concat(chunks).toString('utf8'), stderr: notes };
  } catch (error) {
    if (error instanceof ModelcarsError || signal.aborted) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new ModelcarsError('scan', `run ${program}: ${plain(why)}`, {
      next: `check that \`${program}\` runs on this machine`,
      cause: error,
    });
  } finally {
    signal.removeEventListener('abort', stop);
    process.off('exit', kill);
  }
}

/** Ends the whole group: a wrapper script has children. */
function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, signal);
  } catch {
    // The whole group has already ended.
  }
}

/** The last lines that a program wrote, for an error. */
export function lastLines(text: string, most = 6): string {
  const lines = stripVTControlCharacters(text).split(/[\r\n]+/);
  return lines
    .filter((line) => line.trim() !== '')
    .slice(-most)
    .map((line) => `\n  ${plain(line.trim(), 300)}`)
    .join('');
}
