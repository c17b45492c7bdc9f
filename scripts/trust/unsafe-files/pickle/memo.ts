import { Dict, Global, Instance, Sequence, typeOf, type Value } from '../../../artifacts/pickle/values.ts';
import { Unreadable } from '../../../artifacts/source.ts';

/** Entries of any kind that are kept, in order of appearance; later, only those that imports and arrays need. */
const mostOfAnyKind = 50_000;
const mostAtAll = 200_000;

/**
 * A pickle's memo, in little memory: a vocabulary has millions of entries, of which an import refers to few. What is
 * not kept is unknown later: a pickle that refers to it is refused.
 */
export class Memo {
  readonly #values = new Map<number, Value>();
  /** Whether a text can be a part of an allowed import. */
  readonly #isKnown: (text: string) => boolean;
  /** Of MEMOIZE, whose key is the number of entries so far. */
  #next = 0;
  #way: 'put' | 'memoize' | undefined;

  constructor(isKnown: (text: string) => boolean) {
    this.#isKnown = isKnown;
  }

  get(key: number): Value {
    return this.#values.get(key);
  }

  put(key: number, value: Value): void {
    this.#use('put');
    this.#set(key, value);
  }

  memoize(value: Value): void {
    this.#use('memoize');
    this.#set(this.#next++, value);
  }

  /** No pickler writes both, and the key of MEMOIZE depends on every PUT before. */
  #use(way: 'put' | 'memoize'): void {
    if (this.#way !== undefined && this.#way !== way) throw new Unreadable('uses its memo in two ways');
    this.#way = way;
  }

  #set(key: number, value: Value): void {
    if (!Number.isSafeInteger(key) || key < 0) throw new Unreadable('has a memo key that is not a number');
    const isFull =
      this.#values.size >= mostAtAll || (this.#values.size >= mostOfAnyKind && !this.#isNeeded(value));
    if (isFull || value === undefined) this.#values.delete(key);
    else this.#values.set(key, value);
  }

  #isNeeded(value: Value): boolean {
    if (typeof value === 'string') return this.#isKnown(value);
    return value instanceof Global || (value instanceof Instance && typeOf(value)?.name === 'dtype');
  }
}

/** Items of containers that are held at the same time, and of one container. */
const mostHeld = 100_000;
const mostHeldEach = 64;

/** Counts the items of containers; a container whose content no longer matters gives its own back. */
export class Holdings {
  #held = 0;

  append(list: Sequence, items: readonly Value[], most = mostHeldEach): void {
    list.length += items.length;
    for (const item of items) {
      if (list.items.length < most && this.#held < mostHeld + most) {
        list.items.push(item);
        this.#held++;
      } else this.forget(item);
    }
  }

  set(dict: Dict, key: Value, value: Value): void {
    const isNew = typeof key !== 'string' || !dict.entries.has(key);
    const isFull = isNew && (dict.entries.size >= mostHeldEach || this.#held >= mostHeld);
    if (typeof key !== 'string' || isFull) {
      this.forget(value);
      return;
    }
    if (isNew) this.#held++;
    dict.entries.set(key, value);
  }

  /** Empties a container and those in it: whatever it was for was read, or never is. */
  forget(value: Value): void {
    const open = [value];
    while (open.length > 0) {
      const one = open.pop();
      const items = one instanceof Sequence ? one.items.splice(0) : [];
      if (one instanceof Dict) {
        items.push(...one.entries.values());
        one.entries.clear();
      }
      this.#held -= items.length;
      for (const item of items) if (isContainer(item)) open.push(item);
    }
  }
}

function isContainer(value: Value): boolean {
  return value instanceof Sequence || value instanceof Dict;
}
