import pLimit, { type LimitFunction } from 'p-limit';
import type { Base } from '../bases/base-image.ts';
import { loadFrameworks } from '../catalog/frameworks.ts';
import { readLock } from '../catalog/lockfile.ts';
import { ModelcarsError } from '../errors.ts';
import type { Layer } from '../image/layer.ts';
import { parallelStreams } from '../memory/shares.ts';
import { frameworkName, isModel } from '../model/catalog-entry.ts';
import type { CatalogEntry, Framework, Lock, Model } from '../model/types.ts';
import type { RegistryClient } from '../registry/client.ts';
import { closeSources } from '../sources/index.ts';
import type { SourceOptions } from '../sources/types.ts';
import type { FileCache } from '../store/file-cache.ts';
import { FreeSpace } from '../store/free-space.ts';
import { huggingFaceCache } from '../store/huggingface-cache.ts';
import { type KnownLayer, Store } from '../store/store.ts';
import { tellDistrust } from '../store/trust.ts';
import { displayPath } from '../text/paths.ts';
import { UnsafeFilesGate } from '../trust/unsafe-files/gate.ts';
import { BaseImages } from './base-images.ts';
import { registryOf } from './image-names.ts';
import { KnownLayers } from './known-layers.ts';
import { LocalFiles } from './local-files.ts';
import { checkFrozen } from './lock-policy.ts';
import { frameworkOf, LockResolver } from './lock-resolver.ts';
import { ModelFiles } from './model-files.ts';
import type { RunOptions } from './types.ts';

/**
 * State shared by the models of one run: options, store, connections, frameworks, lock and base images. Dispose of it
 * at the end.
 */
export class Session implements AsyncDisposable {
  /** As given, except that the signal also aborts when the session ends. */
  readonly options: RunOptions;
  readonly store: Store;
  readonly frameworks: ReadonlyMap<string, Framework>;
  /** As read from disk; undefined without a lock file. */
  readonly lock: Lock | undefined;
  /** The inputs that each model is built from. */
  readonly locked: LockResolver;
  readonly bases: BaseImages;
  /** The base images that the store has; makes no request. */
  readonly storedBases: BaseImages;
  /** Layer digests known before a layer is read. */
  readonly layers: KnownLayers;
  /** Opens the models' files from the nearest place that has them. */
  readonly files: ModelFiles;
  /** Walks the models' files while they are read, and judges what they would run. */
  readonly unsafeFiles: UnsafeFilesGate;
  /** Compares files of `file:` sources with the lock. */
  readonly local: LocalFiles;
  /** Free disk space, less what this run will still write. */
  readonly space = new FreeSpace();
  /** Options of the sources of this run, which share connections. */
  readonly sources: SourceOptions;
  /** Seconds since 1970 for every file and date in an image. */
  readonly epoch: number;
  /** Limits the number of blobs read or sent at the same time. */
  readonly slot: LimitFunction = pLimit(parallelStreams());
  readonly #over = new AbortController();
  #client: Promise<RegistryClient> | undefined;

  private constructor(
    options: RunOptions,
    store: Store,
    frameworks: ReadonlyMap<string, Framework>,
    lock: Lock | undefined,
    caches: FileCache[],
  ) {
    const { catalog, progress } = options;
    const { insecure, caFile } = options.registry;
    const signal = AbortSignal.any([options.signal, this.#over.signal]);
    const warn = (message: string) => progress.warn(message);
    this.options = { ...options, signal };
    this.store = store;
    this.frameworks = frameworks;
    this.lock = lock;
    this.epoch = sourceDateEpoch(process.env.SOURCE_DATE_EPOCH);
    this.layers = new KnownLayers(store, lock);
    this.unsafeFiles = new UnsafeFilesGate({
      store,
      locked: (layer) => this.layers.walked(layer),
      warn,
      ...(options.unsafeFiles && { mode: options.unsafeFiles }),
    });
    this.sources = {
      directory: catalog.directory,
      ...(caFile !== undefined && { caFile }),
      ...(insecure && { insecure }),
      mirrors: catalog.mirrors,
      onRetry: warn,
      hashes: store.hashes,
    };
    this.local = new LocalFiles({
      directory: catalog.directory,
      hashes: store.hashes,
      signal: options.signal,
    });
    this.files = new ModelFiles({
      store: store.files,
      local: [huggingFaceCache()],
      remote: caches,
      keep: options.keep === true && !options.dryRun,
      sources: this.sources,
      say: (line) => progress.log(line),
    });
    const reading = { store, mirrors: catalog.mirrors, lock, signal };
    this.bases = new BaseImages({ ...(!options.offline && { client: () => this.client() }), ...reading });
    this.storedBases = new BaseImages(reading);
    const { bases, sources, local } = this;
    this.locked = new LockResolver({ options: this.options, lock, frameworks, bases, sources, local });
  }

  /** Opens the store and reads frameworks and lock; fails with their errors. Uses no network. */
  static async open(options: RunOptions): Promise<Session> {
    const [store, frameworks, lock] = await Promise.all([
      options.keep || options.store !== undefined ? Store.open(options.store) : Store.openIfPossible(),
      loadFrameworks(
        options.catalog.directory,
        new Set(options.catalog.models.filter(isModel).map(frameworkName)),
      ),
      readLock(options.catalog.lockFile),
    ]);
    tellDistrust(store.distrust, (line) => options.progress.warn(line));
    if (store.distrust !== undefined && options.keep)
      options.progress.warn(`--keep: no model file is kept, since the store ${store.folder} is not trusted`);
    checkFrozen(options, lock, frameworks);
    const { cache } = options.catalog;
    const { caFile } = options.registry;
    const warn = (line: string) => options.progress.warn(line);
    const caches =
      cache === undefined ? [] : [(await import('../cache/s3-file-cache.ts')).s3Cache(cache, warn, caFile)];
    const session = new Session(options, store, frameworks, lock, caches);
    // A wrong --ca-file fails before any work.
    if (caFile !== undefined) await session.client();
    return session;
  }

  /** The client of all registries of this run. A run that asks for none loads no network code. */
  client(): Promise<RegistryClient> {
    this.#client ??= this.#openClient();
    return this.#client;
  }

  async #openClient(): Promise<RegistryClient> {
    const { RegistryClient } = await import('../registry/client.ts');
    const { models, registry, signal, progress } = this.options;
    const { insecure, caFile } = registry;
    return new RegistryClient({
      own: models.flatMap((model) => (model.registry ? [registryOf(model)] : [])),
      ...(insecure && { insecure }),
      ...(caFile !== undefined && { caFile }),
      signal,
      onRetry: (message) => progress.warn(message),
    });
  }

  framework(model: Model): Framework {
    return frameworkOf(this.frameworks, model);
  }

  /** One platform of a model's base image. */
  async base(model: CatalogEntry, platform: string): Promise<Base> {
    return this.bases.open(model.base, platform, await this.locked.pin(model, platform));
  }

  /**
   * Records the digest of a layer that was read. A contradiction of the lock fails a frozen run; otherwise it is a
   * warning.
   */
  async addLayer(layer: Layer, made: KnownLayer): Promise<void> {
    const { frozen, progress, catalog } = this.options;
    await this.unsafeFiles.remember(layer);
    const contradiction = await this.layers.add(layer, made, displayPath(catalog.lockFile));
    if (contradiction === undefined) return;
    if (frozen) throw contradiction;
    progress.warn(contradiction.message);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Abort first: a request that loses its connection would report that and try again.
    this.#over.abort();
    // A client that could not be made has failed the call that asked for it.
    const client = await this.#client?.catch(() => undefined);
    await Promise.all([client?.close(), closeSources(this.sources)]);
  }
}

/** $SOURCE_DATE_EPOCH (reproducible-builds.org specification: seconds, a decimal number) or 0. */
function sourceDateEpoch(text: string | undefined): number {
  if (text === undefined || text === '') return 0;
  const seconds = /^\d{1,11}$/.test(text) ? Number(text) : Number.NaN;
  if (seconds <= 253_402_300_799) return seconds; // the last second that RFC 3339 can write
  throw new ModelcarsError(
    'usage',
    `read SOURCE_DATE_EPOCH: ${JSON.stringify(text)} is not a number of seconds since 1970`,
    {
      next: 'unset it, or set it to a number such as 1700000000',
    },
  );
}
