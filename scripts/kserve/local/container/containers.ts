import { execFile } from 'node:child_process';
import { ModelcarsError } from '../../../errors.ts';
import { isAlive } from '../../../files/atomic.ts';
import { onPath } from '../tools.ts';

export interface ContainerEngine {
  name: 'podman' | 'docker';
  program: string;
}

/** How a command or a container ended, and its output as lines. */
export interface Ended {
  code: number | null;
  lines: string[];
}

/** Prefix of the names of all containers and images created here; the process ID follows. */
const prefix = 'modelcars-smoke-';

/** The requested container engine; by default podman, then docker. Fails with code `usage` when none is installed. */
export async function findEngine(wanted?: ContainerEngine['name']): Promise<ContainerEngine> {
  for (const name of wanted === undefined ? (['podman', 'docker'] as const) : [wanted]) {
    const program = await onPath(name);
    if (program !== undefined) return { name, program };
  }
  throw new ModelcarsError(
    'usage',
    `run a server image: ${wanted ?? 'neither podman nor docker'} is ${wanted ? 'not ' : ''}installed`,
    {
      next: 'install podman or docker, or omit --server-image',
    },
  );
}

/**
 * The containers of one smoke test, through the engine's command line. Disposing removes them and the loaded images.
 */
export class Containers implements AsyncDisposable {
  readonly #engine: ContainerEngine;
  readonly #id: string;
  readonly #signal: AbortSignal;
  readonly #started: string[] = [];
  readonly #images: string[] = [];

  constructor(engine: ContainerEngine, id: string, signal: AbortSignal) {
    this.#engine = engine;
    this.#id = id;
    this.#signal = signal;
  }

  /** Removes containers left by killed runs on this machine. */
  async sweep(): Promise<void> {
    const { lines } = await this.#ask([
      'ps',
      '--all',
      '--filter',
      `name=${prefix}`,
      '--format',
      '{{.Names}}',
    ]);
    for (const name of lines) {
      const pid = Number(new RegExp(`^${prefix}(\\d+)-`).exec(name)?.[1]);
      if (pid > 0 && !isAlive(pid)) await this.#ask(['rm', '--force', '--volumes', name]);
    }
  }

  /** Loads a `docker load` archive that contains the image `name`. */
  async load(file: string, name: string): Promise<void> {
    this.#images.push(name);
    const { code, lines } = await this.#ask(['load', '--input', file]);
    if (code === 0) return;
    throw new ModelcarsError(
      'layout',
      `load the image into ${this.#engine.name}: ${lines.at(-1) ?? 'failed without output'}`,
      {
        next: `check that \`${this.#engine.name} info\` works`,
      },
    );
  }

  /** Runs a container to its end. */
  async run(words: readonly string[]): Promise<Ended> {
    const name = `${this.#id}-run-${this.#started.length}`;
    this.#started.push(name);
    return this.#able(await this.#ask(['run', '--rm', '--name', name, ...words]));
  }

  /** Starts a container in the background; code 0 means that it was started. */
  async start(name: string, words: readonly string[]): Promise<Ended> {
    this.#started.push(name);
    const { code, lines } = await this.#ask(['run', '--detach', '--name', name, ...words]);
    return { code, lines: code === 0 ? [] : lines };
  }

  /**
   * 125 is a failure of the engine itself (docker run's documentation, "Exit status"), unless it reports a missing
   * program in the image.
   */
  #able(ended: Ended): Ended {
    const { code, lines } = ended;
    if (code !== 125 || lines.some((line) => /executable file/.test(line))) return ended;
    throw new ModelcarsError(
      'cluster',
      `run the image with ${this.#engine.name}: ${lines.at(-1) ?? 'failed without output'}`,
      {
        next: `check that \`${this.#engine.name} run\` works here`,
      },
    );
  }

  async runs(name: string): Promise<boolean> {
    const { lines } = await this.#ask(['inspect', '--format', '{{.State.Running}}', name]);
    return lines.at(-1) === 'true';
  }

  /** `it ended with exit code 1`. */
  async end(name: string): Promise<string> {
    const { lines } = await this.#ask(['inspect', '--format', '{{.State.ExitCode}}', name]);
    return `it ended with exit code ${lines.at(-1) ?? '?'}`;
  }

  /** The last lines of a container's output. */
  async logs(name: string): Promise<string[]> {
    return (await this.#ask(['logs', '--tail', '100', name])).lines;
  }

  /** Address of a published port on this machine: `127.0.0.1:34567`. */
  async port(name: string, port: number): Promise<string> {
    const { lines } = await this.#ask(['port', name, `${port}/tcp`]);
    return lines[0]?.trim() ?? `127.0.0.1:${port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const always = { stoppable: false };
    for (const name of this.#started.toReversed())
      await this.#ask(['rm', '--force', '--volumes', name], always);
    for (const name of this.#images) await this.#ask(['rmi', '--force', name], always);
  }

  /** Returns stdout and stderr together: the engine's own errors are on stderr. */
  #ask(words: string[], { stoppable } = { stoppable: true }): Promise<Ended> {
    return new Promise((resolve, reject) => {
      const options = { maxBuffer: 16 * 1024 ** 2, ...(stoppable && { signal: this.#signal }) };
      execFile(this.#engine.program, words, options, (error, stdout, stderr) => {
        if (stoppable && this.#signal.aborted) return reject(this.#signal.reason);
        const lines = `${stdout}\n${stderr}`.split('\n').filter((line) => line.trim() !== '');
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : null;
        resolve({ code, lines });
      });
    });
  }
}
