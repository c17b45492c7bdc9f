import type { ImageFile } from '../image/plan.ts';
import { CorruptFile } from '../model/corrupt-file.ts';
import { isLocal, openSource } from '../sources/index.ts';
import type { SourceOptions } from '../sources/types.ts';
import type { FileCache, WantedFile } from '../store/file-cache.ts';
import type { StoreFiles } from '../store/files.ts';

export interface ModelFilesOptions {
  store: StoreFiles;
  /** Other caches on this machine, searched after the store; their files are not copied to the store. */
  local: readonly FileCache[];
  /** Caches on the network, searched before the source; `keep` applies to their files as to the source's. */
  remote: readonly FileCache[];
  /** Whether files from the network are also written to the store. */
  keep: boolean;
  sources: SourceOptions;
  /** Prints a line. */
  say(line: string): void;
}

/** The origin of a file or of its beginning: a cache, or the part that an earlier run kept. */
type Origin = FileCache | 'kept before';

/**
 * Opens locked files from the nearest place that has them: the store, other local caches, remote caches, the source.
 * None is trusted: when a layer's reader finds a corrupt file, `doubt` decides whether reading again can help. `file:`
 * sources are read in place.
 */
export class ModelFiles {
  readonly #options: ModelFilesOptions;
  /** The last origin of each file, by the object passed to `open`. */
  readonly #origins = new WeakMap<object, { origin: Origin; wanted: WantedFile }>();
  /** Origins of corrupt files, with those files' SHA-256: not used for them again in this run. */
  readonly #doubted = new Map<Origin, Set<string>>();

  constructor(options: ModelFilesOptions) {
    this.#options = options;
  }

  /** A file's bytes from `offset`. `file` is the layer's view of the file, `wanted` the lock's. */
  async *open(
    file: ImageFile,
    wanted: WantedFile,
    offset: number,
    signal?: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    const { store, local, keep, say } = this.#options;
    this.#origins.delete(file);
    if (isLocal(wanted.uri)) {
      yield* this.#source(wanted, offset, signal);
      return;
    }
    for (const place of [store, ...local]) {
      const bytes = await this.#ask(place, file, wanted, offset, signal);
      if (bytes === undefined) continue;
      yield* bytes;
      return;
    }
    const far = (from: number) => this.#far(file, wanted, from, signal);
    if (!keep) {
      yield* far(offset);
      return;
    }
    yield* store.keep(file, far, {
      offset,
      signal,
      onWait: () => say(`${wanted.path}: waiting for another modelcars that is fetching it`),
      onFound: () => this.#origins.set(file, { origin: 'kept before', wanted }),
    });
  }

  /**
   * Whether reading the whole layer again can help: the error is a corrupt file from a cache. That cache is not used
   * for the file again in this run.
   */
  async doubt(error: unknown): Promise<boolean> {
    if (!(error instanceof CorruptFile)) return false;
    const { origin, wanted } = this.#origins.get(error.file) ?? {};
    if (origin === undefined || wanted === undefined || this.#isDoubted(origin, wanted)) return false;
    this.#doubted.set(origin, (this.#doubted.get(origin) ?? new Set()).add(wanted.sha256));
    const name =
      origin === 'kept before' ? 'the part that an earlier run kept' : `the copy in ${origin.name}`;
    this.#options.say(`${wanted.path}: ${name} is damaged; reading the file again`);
    if (origin !== 'kept before') await origin.forget(wanted);
    return true;
  }

  /** Reads a layer. When a local copy of a file is damaged, reads the layer again from other copies or the source. */
  async readSurely<T>(read: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await read();
      } catch (error) {
        if (!(await this.doubt(error))) throw error;
      }
    }
  }

  /** Bytes that reading this file would add to the store. */
  async keeps(wanted: WantedFile): Promise<number> {
    const { store, local, keep } = this.#options;
    if (!keep || isLocal(wanted.uri)) return 0;
    for (const place of local) if (await place.has(wanted)) return 0;
    return store.lacks(wanted);
  }

  async *#far(
    file: ImageFile,
    wanted: WantedFile,
    offset: number,
    signal?: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    for (const place of this.#options.remote) {
      const bytes = await this.#ask(place, file, wanted, offset, signal);
      if (bytes === undefined) continue;
      yield* bytes;
      return;
    }
    yield* this.#source(wanted, offset, signal);
  }

  /** A cache's copy of a file; a failure to read it becomes a CorruptFile error. */
  async #ask(
    place: FileCache,
    file: ImageFile,
    wanted: WantedFile,
    offset: number,
    signal?: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array> | undefined> {
    if (this.#isDoubted(place, wanted)) return undefined;
    const bytes = await place.open(wanted, offset, signal);
    if (bytes === undefined) return undefined;
    // When an earlier run kept the beginning and this cache has the rest, the beginning is suspected first.
    if (!this.#origins.has(file)) this.#origins.set(file, { origin: place, wanted });
    return (async function* () {
      try {
        yield* bytes;
      } catch (error) {
        if (signal?.aborted) throw error;
        throw new CorruptFile(file, `cannot be read from ${place.name}`, error);
      }
    })();
  }

  #source(wanted: WantedFile, offset: number, signal?: AbortSignal): AsyncIterable<Uint8Array> {
    const source = openSource(wanted.uri, this.#options.sources);
    return source.open(wanted.uri, wanted.revision, wanted, offset, signal);
  }

  #isDoubted(origin: Origin, { sha256 }: WantedFile): boolean {
    return this.#doubted.get(origin)?.has(sha256) === true;
  }
}
