import { type Base, openBase, pinBase } from '../bases/base-image.ts';
import { type BaseOrigin, openOrigin } from '../bases/origin.ts';
import type { Digest, ImageStore } from '../image/types.ts';
import type { Lock } from '../model/types.ts';
import type { RegistryClient } from '../registry/client.ts';
import type { Store } from '../store/store.ts';
import type { Software } from '../trust/attestations/packages/types.ts';
import { Once } from './once.ts';

export interface BaseImagesOptions {
  /** Absent: offline, only the store and `embedded` are read. */
  client?: () => Promise<RegistryClient>;
  store: Store;
  /** Registry prefixes and their mirrors, from the catalog. */
  mirrors: Record<string, string>;
  /** Base images pinned here were examined before they were locked. */
  lock: Lock | undefined;
  signal: AbortSignal;
}

/**
 * The base images of one run, each resolved and opened once. Errors are those of the registry, the layout and the image contract.
 */
export class BaseImages {
  readonly #options: BaseImagesOptions;
  readonly #origins = new Once<string, BaseOrigin>();
  readonly #current = new Once<string, Record<string, Digest>>();
  readonly #opened = new Once<string, Base>();
  readonly #examined = new Once<string, void>();
  readonly #software = new Once<Digest, Software>();

  constructor(options: BaseImagesOptions) {
    this.#options = options;
  }

  /** The current manifest digest of a reference, per platform, regardless of the lock. Reads no layer. */
  current(name: string, platforms: readonly string[]): Promise<Record<string, Digest>> {
    return this.#current.get(`${name} ${platforms.join()}`, async () => {
      const origin = await this.#origin(name);
      return await pinBase(origin.store, name, origin.reference, platforms);
    });
  }

  /** The same, to be locked: reads the layers of new ones and rejects those that are no base. */
  async resolve(name: string, platforms: readonly string[]): Promise<Record<string, Digest>> {
    const { lock, signal } = this.#options;
    const origin = await this.#origin(name);
    const pins = await this.current(name, platforms);
    const { examineBase } = await import('../bases/examine.ts');
    for (const [platform, pin] of Object.entries(pins)) {
      // `embedded` is part of modelcars.
      if (name === 'embedded' || lock?.bases[name]?.[platform] === pin) continue;
      await this.#examined.get(`${name} ${platform} ${pin}`, async () =>
        examineBase(origin.store, await openBase(origin.store, name, platform, pin), signal),
      );
    }
    return pins;
  }

  /** One platform of a base image, by its manifest digest. */
  open(name: string, platform: string, pin: Digest): Promise<Base> {
    return this.#opened.get(`${name} ${platform} ${pin}`, async () =>
      openBase(await this.store(name), name, platform, pin),
    );
  }

  /** What one platform of a base image contains; its layers are read once per run. */
  software(base: Base): Promise<Software> {
    return this.#software.get(base.digest, async () => {
      const { readSoftware } = await import('./base-software.ts');
      return await readSoftware(base, this.#options.signal);
    });
  }

  /** The place to read a base image's manifests and layers from. */
  async store(name: string): Promise<ImageStore> {
    return (await this.#origin(name)).store;
  }

  #origin(name: string): Promise<BaseOrigin> {
    const { client, store, mirrors } = this.#options;
    return this.#origins.get(name, () => openOrigin(name, { ...(client && { client }), store, mirrors }));
  }
}
