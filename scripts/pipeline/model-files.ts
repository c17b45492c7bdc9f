import type { ImageFile } from '../image/plan.ts';
import { CorruptFile } from '../model/corrupt-file.ts';
import { openSource, type SourceOptions } from '../sources/index.ts';
import type { FileCache, WantedFile } from '../store/file-cache.ts';
import type { StoreFiles } from '../store/files.ts';

export interface ModelFilesOptions {
  store: StoreFiles;
  /** Other places on this machine, asked after the store; what they give is not kept. */
  local: readonly FileCache[];
  /** Places asked before the source, which are as far away: what they give is kept as the source's is. */
  remote: readonly FileCache[];
  /** Whether what comes from afar goes into the store too. */
  keep: boolean;
  sources: SourceOptions;
  /** Shows a line. */
  say(line: string): void;
}

/** Gave all or the beginning of a file: a place, or what an earlier run kept. */
type Giver = FileCache | 'kept before';

/**
 * The bytes of locked files, from the nearest place that has them: the store, other local caches, remote caches, the
 * source. No place is trusted: where the layer's reader finds a file wrong, `doubt` says whether reading again may go
 * better. `file:` sources are read where they are.
 */
export class ModelFiles {
  readonly #options: ModelFilesOptions;
  /** Who gave a file last, by the very object that was asked for. */
  readonly #givers = new WeakMap<object, { giver: Giver; wanted: WantedFile }>();
  /** Who gave wrong bytes for which sha256: not asked again in this run. */
  readonly #doubted = new Map<Giver, Set<string>>();

  constructor(options: ModelFilesOptions) {
    this.#options = options;
  }

  /** A file's bytes from `offset`; `file` is how the layer knows it, `wanted` how the lock does. */
  async *open(
    file: ImageFile,
    wanted: WantedFile,
    offset: number,
    signal?: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    const { store, local, keep, say } = this.#options;
    this.#givers.delete(file);
    if (wanted.uri.startsWith('file:')) {
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
      onWait: () => say(`${wanted.path}: another modelcars fetches it; waiting for that`),
      onFound: () => this.#givers.set(file, { giver: 'kept before', wanted }),
    });
  }

  /**
   * Whether reading again may mend this error: the file was wrong, and a copy was at fault, which is not asked again. Then
   * the whole layer has to be read again.
   */
  async doubt(error: unknown): Promise<boolean> {
    if (!(error instanceof CorruptFile)) return false;
    const { giver, wanted } = this.#givers.get(error.file) ?? {};
    if (giver === undefined || wanted === undefined || this.#isDoubted(giver, wanted)) return false;
    this.#doubted.set(giver, (this.#doubted.get(giver) ?? new Set()).add(wanted.sha256));
    const name = giver === 'kept before' ? 'what an earlier run kept' : `the copy in ${giver.name}`;
    this.#options.say(`${wanted.path}: ${name} is damaged; reading it anew`);
    if (giver !== 'kept before') await giver.forget(wanted);
    return true;
  }

  /** Bytes that reading this file would add to the store. */
  async keeps(wanted: WantedFile): Promise<number> {
    const { store, local, keep } = this.#options;
    if (!keep || wanted.uri.startsWith('file:')) return 0;
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

  /** What a place gives, with its failures told as the file's. */
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
    // Where the beginning was kept before and the rest comes from here, the beginning is doubted first.
    if (!this.#givers.has(file)) this.#givers.set(file, { giver: place, wanted });
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

  #isDoubted(giver: Giver, { sha256 }: WantedFile): boolean {
    return this.#doubted.get(giver)?.has(sha256) === true;
  }
}
