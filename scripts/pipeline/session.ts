import pLimit, { type LimitFunction } from 'p-limit';
import { type Base, openBase, pinBase } from '../bases/base-image.ts';
import { examineBase } from '../bases/examine.ts';
import { type BaseOrigin, openOrigin } from '../bases/origin.ts';
import { s3Cache } from '../cache/s3-file-cache.ts';
import { loadFrameworks } from '../catalog/frameworks.ts';
import { readLock } from '../catalog/lockfile.ts';
import { ModelcarsError } from '../errors.ts';
import type { Layer } from '../image/layer.ts';
import type { Digest, ImageStore } from '../image/types.ts';
import { loaderFiles } from '../loader/files.ts';
import type { Framework, Lock, LockedBase, LockedModel, Model } from '../model/types.ts';
import { RegistryClient } from '../registry/client.ts';
import { closeSources, type SourceOptions } from '../sources/index.ts';
import { FreeSpace } from '../store/free-space.ts';
import { huggingFaceCache } from '../store/huggingface-cache.ts';
import { type KnownLayer, Store } from '../store/store.ts';
import { tellDistrust } from '../store/trust.ts';
import { displayPath } from '../text/paths.ts';
import { registryOf } from './image-names.ts';
import { KnownLayers } from './known-layers.ts';
import { LocalFiles, wantedFiles } from './local-files.ts';
import { checkFrozen, lockedBase, lockedModel } from './lock-policy.ts';
import { ModelFiles } from './model-files.ts';
import type { RunOptions } from './types.ts';

/** Blobs on the move at the same time, over all models. */
const parallelLayers = 4;

/** What the models of one run share: store, connections, frameworks, lock and opened bases. Dispose of it at the end. */
export class Session implements AsyncDisposable {
  /** As given, but that the signal aborts at the end of the run as well: what is still under way then is wanted no more. */
  readonly options: RunOptions;
  readonly #over = new AbortController();
  readonly store: Store;
  /** Opens the models' files, wherever they are nearest. */
  readonly files: ModelFiles;
  /** Compares files of `file:` sources with the lock. */
  readonly local: LocalFiles;
  /** What this run may still write. */
  readonly space = new FreeSpace();
  readonly client: RegistryClient;
  /** For the sources of this run, which share connections. */
  readonly sources: SourceOptions;
  readonly frameworks: ReadonlyMap<string, Framework>;
  /** As read from disk; undefined when there is none. */
  readonly lock: Lock | undefined;
  /** Seconds since 1970 for every file and date in an image. */
  readonly epoch: number;
  /** Holds the number of blobs on the move. */
  readonly slot: LimitFunction = pLimit(parallelLayers);
  readonly #layers: KnownLayers;
  readonly #origins = new Map<string, Promise<BaseOrigin>>();
  readonly #bases = new Map<string, Promise<Base>>();
  readonly #examined = new Map<string, Promise<void>>();
  readonly #models = new Map<Model, Promise<LockedModel>>();
  readonly #pins = new Map<string, Promise<LockedBase>>();

  private constructor(
    options: RunOptions,
    store: Store,
    frameworks: ReadonlyMap<string, Framework>,
    lock: Lock | undefined,
  ) {
    const signal = AbortSignal.any([options.signal, this.#over.signal]);
    this.options = { ...options, signal };
    this.store = store;
    this.frameworks = frameworks;
    this.lock = lock;
    this.epoch = sourceDateEpoch(process.env.SOURCE_DATE_EPOCH);
    const { insecure, caFile } = options.registry;
    this.sources = {
      directory: options.catalog.directory,
      ...(caFile !== undefined && { caFile }),
      onRetry: (message) => options.progress.warn(message),
      hashes: store.hashes,
    };
    this.#layers = new KnownLayers(store, lock);
    const { directory } = options.catalog;
    this.local = new LocalFiles({ directory, hashes: store.hashes, signal: options.signal });
    const { cache } = options.catalog;
    this.files = new ModelFiles({
      store: store.files,
      local: [huggingFaceCache()],
      remote: cache === undefined ? [] : [s3Cache(cache, (line) => options.progress.warn(line))],
      keep: options.keep === true && !options.dryRun,
      sources: this.sources,
      say: (line) => options.progress.log(line),
    });
    this.client = new RegistryClient({
      own: options.models.flatMap((model) => (model.registry ? [registryOf(model)] : [])),
      ...(insecure && { insecure }),
      ...(caFile !== undefined && { caFile }),
      signal,
      onRetry: (message) => options.progress.warn(message),
    });
  }

  /** Opens the store and reads frameworks and lock; fails with their errors. No network yet. */
  static async open(options: RunOptions): Promise<Session> {
    const [store, frameworks, lock] = await Promise.all([
      options.keep || options.store !== undefined ? Store.open(options.store) : Store.openIfPossible(),
      loadFrameworks(options.catalog.directory),
      readLock(options.catalog.lockFile),
    ]);
    tellDistrust(store.distrust, (line) => options.progress.warn(line));
    if (store.distrust !== undefined && options.keep)
      options.progress.warn(`--keep: no model file is kept, since the store ${store.folder} is not trusted`);
    checkFrozen(options, lock, frameworks);
    return new Session(options, store, frameworks, lock);
  }

  /** The framework of a model; the catalog has checked that it exists. */
  framework(model: Model): Framework {
    const framework = this.frameworks.get(model.framework);
    if (framework === undefined)
      throw new ModelcarsError('catalog', `model ${model.name}: no framework ${model.framework}`);
    return framework;
  }

  /** What a layer is, as read in this run, as made on this machine before, or as locked; undefined: it has to be read. */
  knownLayer(layer: Layer): Promise<KnownLayer | undefined> {
    return this.#layers.get(layer);
  }

  /** What the lock says of a layer. */
  lockedLayer(layer: Layer): KnownLayer | undefined {
    return this.#layers.locked(layer);
  }

  /** Takes note of a layer that was read. One that the lock contradicts fails a frozen run, and is a warning otherwise. */
  async addLayer(layer: Layer, made: KnownLayer): Promise<void> {
    const { frozen, progress, catalog } = this.options;
    const contradiction = await this.#layers.add(layer, made, displayPath(catalog.lockFile));
    if (contradiction === undefined) return;
    if (frozen) throw contradiction;
    progress.warn(contradiction.message);
  }

  /** A model's files: as locked, or, not frozen and not locked, as they are now. */
  locked(model: Model): Promise<LockedModel> {
    return remember(this.#models, model, async () => {
      const locked =
        model.image === 'loader' ? await loaderFiles(this.options.signal) : await lockedModel(this, model);
      if (locked !== this.lock?.models[model.name]) this.local.accept(wantedFiles(locked));
      return locked;
    });
  }

  /** The manifest digests of a model's base, likewise. */
  pins(model: Model): Promise<LockedBase> {
    return remember(this.#pins, `${model.base} ${model.platforms.join()}`, () => lockedBase(this, model));
  }

  /** The digests that a base's reference points at now, whatever the lock says; the layers of new ones are examined. */
  async resolveBase(name: string, platforms: readonly string[]): Promise<Record<string, Digest>> {
    const origin = await this.#origin(name);
    const pins = await pinBase(origin.store, name, origin.reference, platforms);
    for (const [platform, pin] of Object.entries(pins)) {
      // What the lock pins was examined before it was locked; `embedded` is part of modelcars.
      if (name === 'embedded' || this.lock?.bases[name]?.[platform] === pin) continue;
      await remember(this.#examined, `${name} ${platform} ${pin}`, async () =>
        examineBase(origin.store, await openBase(origin.store, name, platform, pin), this.options.signal),
      );
    }
    return pins;
  }

  /** Where the manifests of a model's base can be read. */
  async baseStore(model: Model): Promise<ImageStore> {
    return (await this.#origin(model.base)).store;
  }

  /** One platform of a model's base, opened once in a run. */
  async base(model: Model, platform: string): Promise<Base> {
    const pin = (await this.pins(model))[platform] as Digest | undefined;
    if (pin === undefined) throw new ModelcarsError('bug', `base ${model.base}: no pin for ${platform}`);
    return this.openBase(model.base, platform, pin);
  }

  /** One platform of a base by its manifest digest, opened once in a run. */
  openBase(name: string, platform: string, pin: Digest): Promise<Base> {
    return remember(this.#bases, `${name} ${platform} ${pin}`, async () =>
      openBase((await this.#origin(name)).store, name, platform, pin),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Before the connections end: a request that loses its own would report it and try again.
    this.#over.abort();
    await Promise.all([this.client.close(), closeSources(this.sources)]);
  }

  #origin(name: string): Promise<BaseOrigin> {
    const { client, store, options } = this;
    return remember(this.#origins, name, () =>
      openOrigin(name, { ...(!options.offline && { client }), store, mirrors: options.catalog.mirrors }),
    );
  }
}

function remember<K, V>(memory: Map<K, Promise<V>>, key: K, make: () => Promise<V>): Promise<V> {
  let value = memory.get(key);
  if (value === undefined) {
    value = make();
    memory.set(key, value);
  }
  return value;
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
