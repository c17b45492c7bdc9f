import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { checkDocument } from './json-document.ts';

/** The result of a run of the program. */
export interface Run {
  code: number | null;
  stdout: string;
  stderr: string;
}

const script = fileURLToPath(new URL('../../scripts/modelcars.ts', import.meta.url));

/** Variables that would change the output; tests set the ones they need. */
export const neutral = {
  CI: '',
  FORCE_COLOR: undefined,
  NO_COLOR: undefined,
  DEBUG: undefined,
  DISABLE_PROGRESS: undefined,
};

export interface SpawnOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** Called with everything on stderr so far, to send a signal at the right moment. */
  onStderr?(soFar: string, kill: (signal: NodeJS.Signals) => void): void;
}

/** For tests: runs `modelcars` as a separate process. */
export function modelcars(words: string[], options: SpawnOptions = {}): Promise<Run> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, ...neutral, ...options.env };
    const child = spawn(process.execPath, [script, ...words], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      // A hanging run fails its test and does not outlive it.
      timeout: 55_000,
      killSignal: 'SIGKILL',
      ...(options.cwd !== undefined && { cwd: options.cwd }),
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      options.onStderr?.(stderr, (signal) => child.kill(signal));
    });
    child.on('error', reject);
    child.on('close', (code) => {
      try {
        checkDocument(words, stdout);
        resolve({ code, stdout, stderr });
      } catch (error) {
        reject(error);
      }
    });
  });
}
