import type { Cursor } from '../cursor.ts';
import { Unreadable } from '../source.ts';
import { takeArray } from './joblib.ts';
import { opcodes } from './opcodes.ts';
import { Scalars } from './scalars.ts';
import { Dict, Global, Instance, Sequence, typeOf, type Value } from './values.ts';

/** Limits of one file. A model with a vocabulary of a million words takes some five million opcodes. */
const mostOpcodes = 20_000_000;
const mostStack = 1_000_000;
const mostMemo = 1_500_000;
/** Items kept of all lists and dicts, and of one. */
const mostItems = 500_000;
const mostItemsEach = 20_000;
/** Bytes kept of one text, and of bytes; and of all. */
const longestKept = 4096;
const mostKept = 64 * 1024 ** 2;
/** Object arrays in object arrays. */
const mostDepth = 8;

/** What is shared with the pickles inside a pickle. */
export interface Budget {
  opcodes: number;
  items: number;
  memo: number;
  /** Bytes of texts and bytes. */
  kept: number;
  depth: number;
}

/** What a pickle holds. */
export interface Unpickled {
  value: Value;
  /** Modules of the classes and functions that loading it imports, in order of appearance. */
  modules: ReadonlySet<string>;
}

/**
 * Reads a pickle (protocols 0 to 5), also one of joblib with its arrays between the opcodes, as a picture of what it
 * would build: no name is looked up, nothing is called. Arrays and long texts are skipped. Throws Unreadable when the
 * bytes are no pickle or exceed a limit.
 */
export async function readPickle(cursor: Cursor): Promise<Unpickled> {
  const modules = new Set<string>();
  const budget = {
    opcodes: mostOpcodes,
    items: mostItems,
    memo: mostMemo,
    kept: mostKept,
    depth: mostDepth,
  };
  return { value: await new Machine(cursor, budget, modules).run(), modules };
}

class Machine {
  readonly #cursor: Cursor;
  readonly #budget: Budget;
  readonly #modules: Set<string>;
  readonly #stack: Value[] = [];
  readonly #marks: number[] = [];
  readonly #memo = new Map<number, Value>();

  constructor(cursor: Cursor, budget: Budget, modules: Set<string>) {
    this.#cursor = cursor;
    this.#budget = budget;
    this.#modules = modules;
  }

  async run(): Promise<Value> {
    if (this.#budget.depth-- === 0) throw new Unreadable('it has pickles in pickles');
    const cursor = this.#cursor;
    for (;;) {
      if (this.#budget.opcodes-- === 0) throw new Unreadable('it has too many opcodes');
      if (!cursor.has(1)) await cursor.fill(1);
      const opcode = cursor.byte();
      if (opcode === 0x2e) break;
      const argument = opcodes.get(opcode);
      if (argument === undefined) throw new Unreadable('it is no pickle');
      if ('counted' in argument) {
        const length = Scalars.count(await cursor.read(argument.counted));
        const head = Buffer.from(await cursor.read(Math.min(length, longestKept)));
        await cursor.skip(length - head.length);
        this.#budget.kept -= head.length;
        this.#push(this.#budget.kept < 0 ? undefined : Scalars.counted(opcode, head, length));
      } else if ('lines' in argument) {
        const first = (await cursor.line(longestKept)).toString('utf8');
        this.#withText(opcode, first, argument.lines === 2 ? await this.#line() : '');
      } else {
        const { bytes } = argument;
        if (!cursor.has(bytes)) await cursor.fill(bytes);
        this.#apply(opcode, cursor.take(bytes));
        if (opcode === 0x62) await this.#buildArray();
      }
      if (this.#stack.length > mostStack) throw new Unreadable('it has too many values');
    }
    this.#budget.depth++;
    return this.#pop();
  }

  async #line(): Promise<string> {
    return (await this.#cursor.line(longestKept)).toString('utf8');
  }

  /** After BUILD, joblib's wrapper of an array is followed by the array itself (numpy_pickle.py, load_build). */
  async #buildArray(): Promise<void> {
    const top = this.#stack.at(-1);
    const type = typeOf(top);
    if (!(top instanceof Instance) || type?.name !== 'NumpyArrayWrapper') return;
    if (!/^(sklearn\.externals\.)?joblib\b/.test(type.module)) return;
    const nested = () => new Machine(this.#cursor, this.#budget, this.#modules).run();
    this.#stack[this.#stack.length - 1] = await takeArray(top, this.#cursor, nested);
  }

  #withText(opcode: number, first: string, second: string): void {
    const sign = String.fromCharCode(opcode);
    if (sign === 'c') this.#push(this.#global(first, second));
    else if (sign === 'i') this.#push(new Instance(this.#global(first, second), this.#tuple()));
    else if (sign === 'g') this.#push(this.#memo.get(Number(first)));
    else if (sign === 'p') this.#remember(Number(first));
    else {
      this.#budget.kept -= first.length;
      this.#push(sign === 'P' || this.#budget.kept < 0 ? undefined : Scalars.line(sign, first));
    }
  }

  #apply(opcode: number, bytes: Buffer): void {
    const operation = this.#operations[opcode];
    if (operation === undefined) this.#push(Scalars.fixed(opcode, bytes));
    else operation(bytes);
  }

  /** What the opcodes do that change more than they push. */
  readonly #operations: Readonly<Record<number, (bytes: Buffer) => void>> = {
    // MARK
    40: () => {
      this.#marks.push(this.#stack.length);
      if (this.#marks.length > mostStack) throw new Unreadable('it has too many marks');
    },
    // POP
    48: () => {
      if (this.#marks.at(-1) === this.#stack.length) this.#marks.pop();
      else this.#pop();
    },
    49: () => this.#popMark(), // POP_MARK
    50: () => this.#push(this.#top()), // DUP
    // BINPERSID
    81: () => {
      this.#pop();
      this.#push(undefined);
    },
    82: () => this.#make(this.#pop(), this.#pop()), // REDUCE
    129: () => this.#make(this.#pop(), this.#pop()), // NEWOBJ
    // NEWOBJ_EX
    146: () => {
      this.#pop();
      this.#make(this.#pop(), this.#pop());
    },
    // OBJ
    111: () => {
      const [type, ...args] = this.#popMark();
      this.#push(new Instance(type, this.#sequence(args)));
    },
    97: () => this.#append([this.#pop()]), // APPEND
    101: () => this.#append(this.#popMark()), // APPENDS
    144: () => this.#append(this.#popMark()), // ADDITEMS
    // SETITEM
    115: () => {
      const value = this.#pop();
      this.#set([this.#pop(), value]);
    },
    117: () => this.#set(this.#popMark()), // SETITEMS
    98: () => this.#build(this.#pop()), // BUILD
    // DICT
    100: () => {
      const items = this.#popMark();
      this.#push(new Dict());
      this.#set(items);
    },
    108: () => this.#push(this.#tuple()), // LIST
    116: () => this.#push(this.#tuple()), // TUPLE
    145: () => this.#push(this.#tuple()), // FROZENSET
    133: () => this.#push(this.#lastly(1)), // TUPLE1
    134: () => this.#push(this.#lastly(2)), // TUPLE2
    135: () => this.#push(this.#lastly(3)), // TUPLE3
    41: () => this.#push(new Sequence()), // EMPTY_TUPLE
    93: () => this.#push(new Sequence()), // EMPTY_LIST
    143: () => this.#push(new Sequence()), // EMPTY_SET
    125: () => this.#push(new Dict()), // EMPTY_DICT
    // STACK_GLOBAL
    147: () => {
      const [name, module] = [this.#pop(), this.#pop()];
      this.#push(this.#global(String(module ?? ''), String(name ?? '')));
    },
    104: (bytes) => this.#push(this.#memo.get(Scalars.count(bytes))), // BINGET
    106: (bytes) => this.#push(this.#memo.get(Scalars.count(bytes))), // LONG_BINGET
    113: (bytes) => this.#remember(Scalars.count(bytes)), // BINPUT
    114: (bytes) => this.#remember(Scalars.count(bytes)), // LONG_BINPUT
    148: () => this.#remember(this.#memo.size), // MEMOIZE
    128: () => {}, // PROTO
    149: () => {}, // FRAME
    152: () => {}, // READONLY_BUFFER
  };

  #lastly(count: number): Sequence {
    if (this.#stack.length - (this.#marks.at(-1) ?? 0) < count) throw new Unreadable('it is no pickle');
    return this.#sequence(this.#stack.splice(-count));
  }

  #make(args: Value, type: Value): void {
    this.#push(Scalars.made(type, args) ?? new Instance(type, args));
  }

  #build(state: Value): void {
    const top = this.#top();
    if (top instanceof Instance) top.state = state;
  }

  #append(items: Value[]): void {
    const top = this.#top();
    if (top instanceof Instance) top.content ??= new Sequence();
    const list = top instanceof Instance ? top.content : top;
    if (!(list instanceof Sequence)) return;
    list.length += items.length;
    for (const item of items) if (this.#keeps(list.items.length)) list.items.push(item);
  }

  #set(items: Value[]): void {
    const top = this.#top();
    if (top instanceof Instance) top.content ??= new Dict();
    const dict = top instanceof Instance ? top.content : top;
    if (!(dict instanceof Dict)) return;
    for (let at = 0; at + 1 < items.length; at += 2) {
      const key = items[at];
      if (typeof key === 'string' && this.#keeps(dict.entries.size)) dict.entries.set(key, items[at + 1]);
    }
  }

  #keeps(already: number): boolean {
    return already < mostItemsEach && this.#budget.items-- > 0;
  }

  #tuple(): Sequence {
    return this.#sequence(this.#popMark());
  }

  #sequence(items: Value[]): Sequence {
    return new Sequence(items.slice(0, mostItemsEach), items.length);
  }

  #global(module: string, name: string): Global {
    if (this.#modules.size < 1000) this.#modules.add(module);
    return new Global(module, name);
  }

  #remember(key: number): void {
    // Afterwards the key's value is unknown, as that of any long text.
    const full = this.#budget.memo-- <= 0;
    this.#memo.set(key, full ? undefined : this.#top());
    if (this.#budget.memo < -mostMemo) throw new Unreadable('it has too many values');
  }

  #push(value: Value): void {
    this.#stack.push(value);
  }

  #top(): Value {
    if (this.#stack.length === 0) throw new Unreadable('it is no pickle');
    return this.#stack.at(-1);
  }

  #pop(): Value {
    if (this.#stack.length <= (this.#marks.at(-1) ?? 0)) throw new Unreadable('it is no pickle');
    return this.#stack.pop();
  }

  #popMark(): Value[] {
    const mark = this.#marks.pop();
    if (mark === undefined) throw new Unreadable('it is no pickle');
    return this.#stack.splice(mark);
  }
}
