/** Computes a value once per key; concurrent callers share the result, including a failure. */
export class Once<K, V> {
  readonly #made = new Map<K, Promise<V>>();

  get(key: K, make: () => Promise<V>): Promise<V> {
    let value = this.#made.get(key);
    if (value === undefined) {
      value = make();
      this.#made.set(key, value);
    }
    return value;
  }

  /** Sets a known value; `get` no longer computes it. */
  set(key: K, value: V): void {
    this.#made.set(key, Promise.resolve(value));
  }
}
