/** Makes a value once per key; callers that ask while it is being made share the result, also a failure. */
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

  /** Sets a value that is known already; `get` no longer makes it. */
  set(key: K, value: V): void {
    this.#made.set(key, Promise.resolve(value));
  }
}
