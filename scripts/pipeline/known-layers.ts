import { ModelcarsError } from '../errors.ts';
import type { Layer } from '../image/layer.ts';
import type { Digest } from '../image/types.ts';
import type { Lock, LockedLayer } from '../model/types.ts';
import type { KnownLayer, Store } from '../store/store.ts';

/** Digests of layers from where they can be trusted: this run, this user's own store, and the lock. Never a registry. */
export class KnownLayers {
  readonly #store: Pick<Store, 'layer' | 'rememberLayer'>;
  /** By key, which binds a digest to the bytes of the files: entries of any model serve every model. */
  readonly #locked: ReadonlyMap<string, LockedLayer>;
  readonly #read = new Map<string, KnownLayer>();

  constructor(store: Pick<Store, 'layer' | 'rememberLayer'>, lock: Lock | undefined) {
    const layers = Object.values(lock?.models ?? {}).flatMap((model) => model.layers ?? []);
    this.#store = store;
    this.#locked = new Map(layers.map((layer) => [layer.key, layer]));
  }

  /** What a layer is. Undefined when it has to be read, also where the store contradicts the lock: one of them is wrong. */
  async get(layer: Layer): Promise<KnownLayer | undefined> {
    const read = this.#read.get(layer.key);
    if (read !== undefined) return read;
    const stored = fitting(layer, await this.#store.layer(layer.key));
    const locked = this.locked(layer);
    return stored !== undefined && locked !== undefined && !equal(stored, locked)
      ? undefined
      : (stored ?? locked);
  }

  /** What the lock says of a layer. */
  locked(layer: Layer): KnownLayer | undefined {
    const entry = this.#locked.get(layer.key);
    if (entry === undefined) return undefined;
    const { digest, size, diffId = digest } = entry;
    return fitting(layer, { digest: digest as Digest, size, diffId: diffId as Digest });
  }

  /**
   * Takes note of a layer that was read. Returns the error, with code `lock`, when the lock says another digest: the same files
   * in the same layer format have one digest, so the lock was written by hand, or another version compresses otherwise.
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

/** An uncompressed layer has the size that was planned, and one digest; whatever says otherwise is about something else. */
function fitting(layer: Layer, known: KnownLayer | undefined): KnownLayer | undefined {
  if (known === undefined || layer.size === undefined) return known;
  return known.size === layer.size && known.diffId === known.digest ? known : undefined;
}

function equal(a: KnownLayer, b: KnownLayer): boolean {
  return a.digest === b.digest && a.size === b.size && a.diffId === b.diffId;
}
