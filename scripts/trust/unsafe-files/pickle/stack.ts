import { Global, type Value } from '../../../artifacts/pickle/values.ts';
import { Unreadable } from '../../../artifacts/source.ts';

/** Values on the stack, and those of them that are kept: picklers write lists and dicts in portions of 1000. */
const mostValues = 1_000_000;
const mostKnown = 10_000;

/** A pickle's stack with its marks. Throws Unreadable where Python's would fail. */
export class Stack {
  readonly #values: Value[] = [];
  readonly #marks: number[] = [];

  push(value: Value): void {
    if (this.#values.length === mostValues) throw new Unreadable('has too many values');
    const isKept = this.#values.length < mostKnown || value instanceof Global;
    this.#values.push(isKept ? value : undefined);
  }

  get top(): Value {
    if (this.#values.length <= (this.#marks.at(-1) ?? 0)) throw new Unreadable('is not a pickle');
    return this.#values.at(-1);
  }

  replaceTop(value: Value): void {
    this.#values[this.#values.length - 1] = value;
  }

  pop(): Value {
    const value = this.top;
    this.#values.pop();
    return value;
  }

  /** The last values, without a mark between them. */
  popLast(count: number): Value[] {
    if (this.#values.length - (this.#marks.at(-1) ?? 0) < count) throw new Unreadable('is not a pickle');
    return this.#values.splice(-count);
  }

  mark(): void {
    if (this.#marks.length === mostValues) throw new Unreadable('has too many values');
    this.#marks.push(this.#values.length);
  }

  /** The values behind the last mark, which is taken away. */
  popMark(): Value[] {
    const mark = this.#marks.pop();
    if (mark === undefined) throw new Unreadable('is not a pickle');
    return this.#values.splice(mark);
  }

  /** POP: a value, or the mark if it is on top. */
  drop(): void {
    if (this.#marks.at(-1) === this.#values.length) this.#marks.pop();
    else this.pop();
  }
}
