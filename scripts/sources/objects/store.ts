/** An object of a store: one version of it. */
export interface StoredObject {
  key: string;
  /** Bytes. */
  size: number;
  /** Changes with each write of the object. */
  version: string;
}

/** A bucket or container of an object store. All failures are ModelcarsErrors. */
export interface ObjectStore {
  /** All objects whose keys begin with `prefix`, in any order. */
  list(prefix: string, signal?: AbortSignal): AsyncIterable<StoredObject>;
  /** The current version of one object; undefined when it does not exist. */
  head(key: string, signal?: AbortSignal): Promise<StoredObject | undefined>;
  /**
   * The bytes of one version from `offset` up to but not including `end`. Fails with code `integrity` when the object was
   * replaced meanwhile.
   */
  read(object: StoredObject, offset: number, end: number, signal?: AbortSignal): AsyncIterable<Uint8Array>;
}
