/** What a pickle's opcodes would build, as far as it is needed: nothing of it is ever made or called. */

/** A value of a pickle. `undefined` is one that is not kept: unknown, too long or one too many. */
export type Value =
  | undefined
  | null
  | boolean
  | number
  | string
  | Global
  | Sequence
  | Dict
  | Bytes
  | Instance;

/** A class or function by its name. */
export class Global {
  readonly module: string;
  readonly name: string;

  constructor(module: string, name: string) {
    this.module = module;
    this.name = name;
  }
}

/** A list, tuple or set. Only the first items are kept. */
export class Sequence {
  readonly items: Value[];
  /** Number of items, kept or not. */
  length: number;

  constructor(items: Value[] = [], length = items.length) {
    this.items = items;
    this.length = length;
  }
}

/** A dict. Only entries whose keys are strings are kept. */
export class Dict {
  readonly entries = new Map<string, Value>();
}

/** Bytes, of which only the beginning is kept. */
export class Bytes {
  readonly head: Buffer;
  readonly length: number;

  constructor(head: Buffer, length: number) {
    this.head = head;
    this.length = length;
  }
}

/** An object: what would be called with which arguments, and then which state it gets. */
export class Instance {
  readonly type: Value;
  readonly args: Value;
  state: Value;
  /** Items of a subclass of list or dict. */
  content: Sequence | Dict | undefined;

  constructor(type: Value, args: Value) {
    this.type = type;
    this.args = args;
  }
}

/** The items of a list or tuple that are kept; empty for anything else. */
export function itemsOf(value: Value): readonly Value[] {
  if (value instanceof Instance) return itemsOf(value.content);
  return value instanceof Sequence ? value.items : [];
}

/** An attribute of an object, as its `__dict__` has it. */
export function attribute(value: Value, name: string): Value {
  if (!(value instanceof Instance)) return undefined;
  // An object with __slots__ has a tuple: its __dict__ and its slots.
  const states = value.state instanceof Sequence ? value.state.items : [value.state];
  for (const state of states)
    if (state instanceof Dict && state.entries.has(name)) return state.entries.get(name);
  return undefined;
}

/** Whether an object has an attribute with a value other than None. */
export function hasAttribute(value: Value, name: string): boolean {
  const found = attribute(value, name);
  return found !== undefined && found !== null;
}

/** The class of an object, or the function that would make it. */
export function typeOf(value: Value): Global | undefined {
  if (!(value instanceof Instance)) return undefined;
  if (value.type instanceof Global) {
    // copyreg._reconstructor(cls, object, None): how protocols 0 and 1 make every object.
    const [cls] = value.type.name === '_reconstructor' ? itemsOf(value.args) : [];
    return cls instanceof Global ? cls : value.type;
  }
  return undefined;
}
