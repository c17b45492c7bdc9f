import { ModelcarsError } from '../errors.ts';
import type { Layer } from '../image/layer.ts';
import type { Digest } from '../image/types.ts';
import type { Lock, LockedLayer } from '../model/types.ts';
import type { KnownLayer, Store } from '../store/store.ts';

/** What identifies a layer before it is read. */
type LayerId = Pick<Layer, 'key' | 'size'>;

/** Layer digests from trusted places: this run, this user's store, the lock, and images of trusted signers. */
export class KnownLayers {
  readonly #store: Pick<Store, 'layer' | 'rememberLayer'>;
  /**
   * By layer key, which depends on the files' bytes: an entry of one model is valid for every model with the same
   * layer.
   */
  readonly #locked: ReadonlyMap<string, LockedLayer>;
  readonly #read = new Map<string, KnownLayer>();

  constructor(store: Pick<Store, 'layer' | 'rememberLayer'>, lock: Lock | undefined) {
    const layers = Object.values(lock?.models ?? {}).flatMap((model) => model.layers ?? []);
    this.#store = store;
    this.#locked = new Map(layers.map((layer) => [layer.key, layer]));
  }

  /**
   * A layer's digest. Undefined when the layer has to be read, which includes a contradiction between store and lock.
   */
  async get(layer: LayerId): Promise<KnownLayer | undefined> {
    const read = this.#read.get(layer.key);
    if (read !== undefined) return read;
    const stored = fitting(layer, await this.#store.layer(layer.key));
    const locked = this.locked(layer);
    return stored !== undefined && locked !== undefined && !equal(stored, locked)
      ? undefined
      : (stored ?? locked);
  }

  /**
   * Takes a layer's digest from an image that a trusted signer signed, for this run only. Ignored when it is impossible,
   * or when the lock has another.
   */
  trust(layer: Layer, claimed: KnownLayer): void {
    const locked = this.locked(layer);
    const made = fitting(layer, claimed);
    if (made !== undefined && (locked === undefined || equal(locked, made))) this.#read.set(layer.key, made);
  }

  /** A layer's digest according to the lock. */
  locked(layer: LayerId): KnownLayer | undefined {
    const entry = this.#locked.get(layer.key);
    if (entry === undefined) return undefined;
    const { digest, size, diffId = digest } = entry;
    return fitting(layer, { digest: digest as Digest, size, diffId: diffId as Digest });
  }

  /** Version of the walk for unsafe files that a layer's files passed, according to the lock. */
  walked({ key }: Layer): number | undefined {
    return this.#locked.get(key)?.walked;
  }

  /**
   * Records a layer that was read. Returns an error with code `lock` when the lock has another digest: it was edited by
   * hand, or written with another version of the compression library.
   */
  async add(layer: Layer, made: KnownLayer, lockFile: string): Promise<ModelcarsError | undefined> {
    this.#read.set(layer.key, made);
    await this.#store.rememberLayer(layer.key, made);
    const locked = this.locked(layer);
    if (locked === undefined || equal(locked, made)) return undefined;
    return new ModelcarsError(
      'lock',
      `read layer of ${layer.plan.files[0]?.path}: its digest is ${made.digest}, ${lockFile} says ${locked.digest}`,
      {
        next: 'check who changed the lock (`git log -p`); if its compression library is another version, run `modelcars lock --layers`',
      },
    );
  }
}

/** Ignores an impossible entry: an uncompressed layer has the planned size, and its diffId is its digest. */
function fitting(layer: LayerId, known: KnownLayer | undefined): KnownLayer | undefined {
  if (known === undefined || layer.size === undefined) return known;
  return known.size === layer.size && known.diffId === known.digest ? known : undefined;
}

function equal(a: KnownLayer, b: KnownLayer): boolean {
  return a.digest === b.digest && a.size === b.size && a.diffId === b.diffId;
}
