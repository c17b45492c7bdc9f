import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ModelcarsError } from '../../errors.ts';
import { run } from '../run-program.ts';
import { pointedAt, type RemoteEngine, remoteEngine, withAccess } from './remote-engine.ts';

/** How to create a cluster with kind. */
export interface KindOptions {
  /** The kind program: a name on PATH, or a path. */
  program: string;
  name: string;
  /** Node image; kind's own default when absent. */
  image?: string;
  /** kind's configuration file. */
  config?: string;
  /** Port of the API server on the engine's machine; any free one when absent. */
  apiPort?: number;
  signal: AbortSignal;
  /** Receives a line of progress for display. */
  say(line: string): void;
  /** Receives the id of kind's process group. */
  onStart?(group: number): void;
}

/** The container engine that kind uses, and through which its nodes are reached. */
export type ContainerEngine = 'docker' | 'podman' | 'nerdctl';

/** Milliseconds for an engine to complete a request that it accepted earlier. */
const settling = 1000;
/** Time limit for a node to become ready, in kind's syntax. */
const readyWithin = '300s';

/**
 * The engine that kind will use: the one in KIND_EXPERIMENTAL_PROVIDER, otherwise the first of docker and podman that
 * responds. Fails with code `cluster` when none does.
 */
export async function findEngine(signal: AbortSignal, environment = process.env): Promise<ContainerEngine> {
  const configured = environment.KIND_EXPERIMENTAL_PROVIDER as ContainerEngine | undefined;
  const tried: string[] = [];
  for (const engine of configured ? [configured] : (['docker', 'podman'] as const)) {
    const answer = await run(engine, ['info'], { signal, mayFail: true }).catch((error: unknown) => {
      signal.throwIfAborted();
      return { code: 1, stdout: '', stderr: error instanceof Error ? error.message : String(error) };
    });
    if (answer.code === 0) return engine;
    tried.push(`${engine}: ${answer.stderr.trim().split('\n').at(-1) ?? ''}`);
  }
  throw new ModelcarsError('cluster', `create a cluster: no container engine responds\n${tried.join('\n')}`, {
    next: 'start docker or podman; or test without a cluster (--local) or in an existing one (--context NAME)',
  });
}

/** kind, for one cluster of one engine. Never changes the user's kubeconfig: the cluster's is read separately. */
export class Kind {
  readonly name: string;
  readonly engine: ContainerEngine;
  /** The engine's address, when it is on another machine. */
  readonly remote: RemoteEngine | undefined;
  readonly #program: string;

  constructor(program: string, name: string, engine: ContainerEngine) {
    this.#program = program;
    this.name = name;
    this.engine = engine;
    this.remote = engine === 'docker' ? remoteEngine() : undefined;
  }

  /** The command that deletes the cluster by hand. */
  get removal(): string {
    return `${this.#environmentText()}${this.#program} delete cluster --name ${this.name}`;
  }

  async exists(signal?: AbortSignal): Promise<boolean> {
    const { stdout } = await this.#run(['get', 'clusters'], signal ? { signal } : {});
    return stdout.split('\n').some((line) => line.trim() === this.name);
  }

  /** Creates the cluster. kind itself deletes the leftovers of a failed or aborted `create`. */
  async create({ image, config, apiPort, signal, say, onStart }: KindOptions): Promise<void> {
    const args = ['create', 'cluster', '--name', this.name, '--wait', readyWithin];
    if (image !== undefined) args.push('--image', image);
    await inFolder(async (folder) => {
      const file = await this.#configIn(folder, config, apiPort);
      if (file !== undefined) args.push('--config', file);
      await this.#run([...args, '--kubeconfig', join(folder, 'kubeconfig')], {
        signal,
        ...(onStart && { onStart }),
        onLine: (line) => /^[•✓✗*]/u.test(line) && say(plain(line)),
        next: 'see the output of kind; `--node-image` sets another node image, `--kind-config` a configuration',
      });
    });
  }

  /** kind's configuration: the user's, plus the settings needed to reach the API server. */
  async #configIn(
    folder: string,
    given: string | undefined,
    port: number | undefined,
  ): Promise<string | undefined> {
    if (this.remote === undefined && port === undefined) return given;
    const text = given === undefined ? undefined : await readConfig(given);
    const file = join(folder, 'kind.yaml');
    const access = { ...(this.remote && { host: this.remote.host }), ...(port !== undefined && { port }) };
    await writeFile(file, withAccess(text, access));
    return file;
  }

  /** The kubeconfig of the cluster, as text. */
  async kubeconfig(): Promise<string> {
    const { stdout } = await this.#run(['get', 'kubeconfig']);
    return this.remote === undefined ? stdout : pointedAt(stdout, this.remote.host);
  }

  /** Names of the nodes' containers. */
  async nodes(): Promise<string[]> {
    const { stdout } = await this.#run(['get', 'nodes']);
    return stdout
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '');
  }

  /** Loads an archive (a .tar) or an image of the engine into the nodes. */
  async load(image: string, signal: AbortSignal): Promise<void> {
    const archive = /\.(tar|tar\.gz|tgz)$/.test(image);
    await this.#run(['load', archive ? 'image-archive' : 'docker-image', image], {
      signal,
      next: archive
        ? 'pass an archive written by `docker save`'
        : `pull it first: ${this.engine} pull ${image}`,
    });
  }

  /**
   * Deletes the cluster; a missing one is not an error. Takes no signal, since an abort ends with this call. An engine
   * may still start a container that an aborted `create` had requested, so this repeats until no container reappears.
   */
  async remove(): Promise<void> {
    for (let clean = 0, tries = 0; clean < 2; tries++) {
      await inFolder((folder) =>
        this.#run(['delete', 'cluster', '--kubeconfig', join(folder, 'kubeconfig')], {
          next: `delete it by hand: ${this.removal}`,
        }),
      );
      await sleep(settling);
      clean = (await this.exists()) ? 0 : clean + 1;
      if (tries >= 10) {
        throw new ModelcarsError('cluster', `delete kind cluster ${this.name}: it reappears`, {
          next: `find out what creates it, then: ${this.removal}`,
        });
      }
    }
  }

  async #run(args: string[], options: Parameters<typeof run>[2] = {}) {
    const named = args.includes('--name') || args[1] === 'clusters' ? args : [...args, '--name', this.name];
    return await run(this.#program, named, {
      next: 'install kind (https://kind.sigs.k8s.io), or pass its path with --kind',
      ...options,
      environment: { ...process.env, ...this.#environment() },
    });
  }

  #environment(): Record<string, string> {
    return this.engine === 'docker' ? {} : { KIND_EXPERIMENTAL_PROVIDER: this.engine };
  }

  #environmentText(): string {
    return Object.entries(this.#environment())
      .map(([key, value]) => `${key}=${value} `)
      .join('');
  }
}

/** A line of kind's progress without its symbols: ` ✓ Preparing nodes 📦`. */
function plain(line: string): string {
  return line
    .replaceAll(/[^\x20-\x7e]/g, '')
    .replace(/^[\s*•]+/, '')
    .trim();
}

async function readConfig(file: string): Promise<string> {
  return await readFile(file, 'utf8').catch((cause: Error) => {
    throw new ModelcarsError('usage', `read --kind-config ${file}: ${cause.message}`, { cause });
  });
}

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'modelcars-kind-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
