/** The program under test, as a user runs it, and catalogs for it. */
import type { ChildProcess } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { checkDocument } from '../support/json-document.ts';
import { launch, type Result, run, tryRun } from './run.ts';

/** The root of the repository. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

export interface CliSettings {
  cwd: string;
  env?: Record<string, string | undefined>;
  /** Milliseconds until it is killed; 300,000 by default. */
  timeout?: number;
}

/** Runs `modelcars ARGS…` in a folder, with a store below it, and expects exit code 0. Returns stdout. */
export async function modelcars(args: string[], settings: CliSettings): Promise<string> {
  const stdout = await run(process.execPath, [...overwriting, program, ...args], surroundings(settings));
  checkDocument(args, stdout);
  return stdout;
}

/** Like modelcars, but accepts any exit code. */
export async function tryModelcars(args: string[], settings: CliSettings): Promise<Result> {
  const result = await tryRun(process.execPath, [...overwriting, program, ...args], surroundings(settings));
  checkDocument(args, result.stdout);
  return result;
}

/** Starts it without waiting, for tests that interrupt it. */
export function launchModelcars(args: string[], settings: CliSettings): ChildProcess {
  return launch(process.execPath, [...overwriting, program, ...args], surroundings(settings));
}

/** A running modelcars whose output is discarded. */
export interface SilentRun {
  child: ChildProcess;
  hasEnded(): boolean;
  /** Resolves when it has ended. */
  end: Promise<void>;
}

/** Like launchModelcars, with the output discarded. */
export function launchSilently(args: string[], settings: CliSettings): SilentRun {
  const child = launchModelcars(args, settings);
  child.stdout?.resume();
  child.stderr?.resume();
  let ended = false;
  const end = new Promise<void>((resolve) => {
    child.once('close', () => {
      ended = true;
      resolve();
    });
  });
  return { child, hasEnded: () => ended, end };
}

/** A model whose files the test writes. */
export interface TestModel {
  name: string;
  framework: string;
  /** Path below /models → content. */
  files: Record<string, string | Uint8Array>;
  /** More keys of models.yaml. */
  more?: Record<string, unknown>;
}

/** Writes models.yaml and its models' files into `folder`, and locks them on the embedded base. */
export async function makeCatalog(folder: string, models: TestModel[], version = 'v1.0.0'): Promise<void> {
  const entries = [];
  for (const { name, framework, files, more } of models) {
    for (const [path, content] of Object.entries(files)) {
      const file = join(folder, 'files', name, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, content);
    }
    entries.push({ name, framework, source: `file:files/${name}`, include: ['**'], version, ...more });
  }
  await writeFile(join(folder, 'models.yaml'), stringify({ models: entries }));
  await modelcars(['lock', '--base', 'embedded'], { cwd: folder });
}

/** Incompressible bytes, the same in every run. */
export function noise(bytes: number, seed: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(bytes / 4));
  let state = seed * 2_654_435_761 + 1;
  for (let i = 0; i < words.length; i++) {
    // xorshift32, Marsaglia 2003.
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = state;
  }
  return new Uint8Array(words.buffer, 0, bytes);
}

const program = join(root, 'scripts', 'modelcars.ts');
/** Overwrites recycled memory, so that a chunk which is read too late has wrong bytes. */
const overwriting = ['--import', join(root, 'tests', 'support', 'mark-recycled.ts')];

/**
 * The environment of a user's terminal rather than of CI (which freezes the lock): no colours; credentials and store
 * below `cwd` only.
 */
export function surroundings({ cwd, env, ...rest }: CliSettings): CliSettings {
  const own = {
    CI: undefined,
    MODELCARS_STORE: join(cwd, '.store'),
    DOCKER_CONFIG: join(cwd, '.docker'),
    REGISTRY_AUTH_FILE: undefined,
    DOCKER_AUTH_CONFIG: undefined,
    NO_COLOR: '1',
    FORCE_COLOR: undefined,
  };
  return { cwd, env: { ...own, ...env }, ...rest };
}
