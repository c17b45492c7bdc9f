import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { ModelcarsError } from '../../../errors.ts';

export interface PipOptions {
  /** Display name of the installed software. */
  name: string;
  /** Lists of pins, together complete. */
  requirements: readonly string[];
  signal?: AbortSignal;
  say?(line: string): void;
}

/** Packages between two lines of progress. */
const step = 20;
/** Errors of pip and its libraries when the index cannot be reached. */
const unreachable =
  /NewConnectionError|ConnectTimeout|NameResolutionError|Max retries exceeded|Temporary failure|Network is unreachable|ProxyError|SSLError|CERTIFICATE_VERIFY/i;

/**
 * Installs lists of pins with an environment's pip, from the index of the user's pip settings. Fails with code
 * `network` when the index cannot be reached, otherwise with pip's last error.
 */
export async function runPip(python: string, { name, requirements, signal, say }: PipOptions): Promise<void> {
  const texts = await Promise.all(requirements.map((file) => readFile(file, 'utf8')));
  const pins = texts.flatMap((text) => text.split('\n')).filter((line) => /^[^\s#]/.test(line));
  const lists = requirements.flatMap((file) => ['--requirement', file]);
  const flags = [
    '--no-deps',
    '--only-binary=:all:',
    '--no-input',
    '--disable-pip-version-check',
    '--retries=2',
  ];
  const child = spawn(python, ['-m', 'pip', 'install', ...flags, ...lists], {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(signal && { signal }),
  });
  say?.(`installing ${name}: ${pins.length} Python packages, once`);
  let found = 0;
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(-4000);
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (/^Collecting /.test(line) && ++found % step === 0)
      say?.(`installing ${name}: ${found} of ${pins.length} packages`);
    if (/^Installing collected/.test(line)) say?.(`installing ${name}: unpacking`);
  });
  const [code]: unknown[] = await once(child, 'close');
  if (code === 0) return;
  signal?.throwIfAborted();
  const last =
    complaint
      .trim()
      .split('\n')
      .findLast((line) => /ERROR/.test(line)) ?? complaint.trim().slice(-300);
  const offline = unreachable.test(complaint);
  throw new ModelcarsError(
    'network',
    `install ${name}: ${offline ? 'the package index cannot be reached' : last.replace(/^ERROR: /, '')}`,
    {
      next: `connect once, or set a reachable index for pip (PIP_INDEX_URL, or PIP_FIND_LINKS with PIP_NO_INDEX=1 for a folder of wheels); or pass a server image: --server-image`,
    },
  );
}
