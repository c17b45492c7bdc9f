import { opcodes } from '../../../artifacts/pickle/opcodes.ts';
import { Scalars } from '../../../artifacts/pickle/scalars.ts';
import { Dict, Global, Instance, Sequence, typeOf, type Value } from '../../../artifacts/pickle/values.ts';
import { Unreadable } from '../../../artifacts/source.ts';
import type { ByteStream } from '../byte-stream.ts';
import type { FactsSoFar } from '../facts.ts';
import { isArrayWrapper, isDtype, isKnownObject, passArray } from './array.ts';
import { checkCall } from './calls.ts';
import { counted } from './counted.ts';
import { Holdings, Memo } from './memo.ts';
import { Stack } from './stack.ts';

/** Bytes of a text that is kept; modules and names are shorter. */
const longestText = 255;
/** Bytes of a line: a number of protocol 0 can have millions of digits, a name cannot. */
const longestLine = 1024 ** 2;
const stop = 0x2e;
const build = 0x62;

/** What a pickle is part of. */
export interface PickleContext {
  facts: FactsSoFar;
  /** Whether a text can be a module or name of an allowed import. */
  isKnown(text: string): boolean;
  /** Takes a persistent ID; without it, one is refused, as `pickle.load` does. */
  persistent?(id: Value): void;
  /** Items kept of each list; 64 by default. */
  mostItems?: number;
}

/**
 * Walks one pickle (protocols 0 to 5) up to its STOP, and the arrays that joblib writes between opcodes. Reports every
 * import, also through the memo. Nothing is looked up or called. Returns what the pickle would build, as far as it was
 * kept. Throws Unreadable where Python might see other opcodes than this walk.
 */
export async function walkPickle(stream: ByteStream, context: PickleContext): Promise<Value> {
  return await new Machine(stream, context).run();
}

class Machine {
  readonly #stream: ByteStream;
  readonly #context: PickleContext;
  /** The pickle is the content of an object array. */
  readonly #isNested: boolean;
  readonly #stack = new Stack();
  readonly #memo: Memo;
  readonly #held = new Holdings();
  /** Whether the pickle imports joblib's wrapper of arrays: from then on, whatever is built must be known. */
  #hasWrappers = false;
  #opcodeAt = 0;
  /** Where the last frame ends. Python's own unpickler reads a frame at once, and an array only behind it. */
  #frameEnd = 0;

  constructor(stream: ByteStream, context: PickleContext, isNested = false) {
    this.#stream = stream;
    this.#context = context;
    this.#isNested = isNested;
    this.#memo = new Memo((text) => context.isKnown(text));
  }

  async run(): Promise<Value> {
    try {
      return await this.#run();
    } catch (error) {
      if (!(error instanceof Unreadable) || error.message.includes('at offset')) throw error;
      throw new Unreadable(`${error.message}, at offset ${this.#opcodeAt}`);
    }
  }

  async #run(): Promise<Value> {
    const stream = this.#stream;
    const { facts } = this.#context;
    for (;;) {
      if (!stream.has(1)) await stream.fill(1);
      this.#opcodeAt = stream.offset;
      facts.opcode();
      const opcode = stream.byte();
      if (opcode === stop) return this.#stack.pop();
      const argument = opcodes.get(opcode);
      if (argument === undefined) throw new Unreadable('has an unknown opcode');
      if ('counted' in argument) {
        if (!stream.has(argument.counted)) await stream.fill(argument.counted);
        const length = Scalars.count(stream.take(argument.counted));
        if (length <= longestText) {
          if (!stream.has(length)) await stream.fill(length);
          this.#stack.push(counted(opcode, stream.take(length)));
        } else {
          await stream.skip(length);
          this.#stack.push(undefined);
        }
      } else if ('lines' in argument) {
        const first = await stream.line(longestLine);
        this.#withText(opcode, first, argument.lines === 2 ? await stream.line(longestLine) : '');
      } else {
        const { bytes } = argument;
        if (!stream.has(bytes)) await stream.fill(bytes);
        this.#apply(opcode, stream.take(bytes));
        if (opcode === build) await this.#passArray();
      }
    }
  }

  /** After BUILD, joblib's wrapper of an array is followed by the array itself. */
  async #passArray(): Promise<void> {
    const { top } = this.#stack;
    if (!(top instanceof Instance) || !isArrayWrapper(typeOf(top))) return;
    // joblib reads an object array by `pickle.load`, which knows no wrappers.
    if (this.#isNested) throw new Unreadable('has an array in an object array');
    if (this.#stream.offset < this.#frameEnd) throw new Unreadable('has an array in a frame');
    await passArray(top, this.#stream, async () => {
      await new Machine(this.#stream, this.#context, true).run();
    });
    this.#held.forget(top.state);
    this.#stack.replaceTop(new Instance(arrayType, undefined));
  }

  #withText(opcode: number, first: string, second: string): void {
    const sign = String.fromCharCode(opcode);
    if (sign === 'c') this.#stack.push(this.#global(first, second));
    else if (sign === 'i') this.#call(this.#global(first, second), this.#sequence(this.#stack.popMark()));
    else if (sign === 'g') this.#stack.push(this.#memo.get(numberOf(first)));
    else if (sign === 'p') this.#memo.put(numberOf(first), this.#stack.top);
    else if (sign === 'P') this.#persistent(first);
    // Escapes mean different letters in `S` and `V`: no import needs one.
    else if ((sign === 'S' || sign === 'V') && (first.length > longestText || first.includes('\\')))
      this.#stack.push(undefined);
    else this.#stack.push(Scalars.line(sign, first));
  }

  #apply(opcode: number, bytes: Buffer): void {
    const operation = this.#operations[opcode];
    if (operation === undefined) this.#stack.push(Scalars.fixed(opcode, bytes));
    else operation(bytes);
  }

  /** The opcodes that do more than push a plain value. */
  readonly #operations: Readonly<Record<number, (bytes: Buffer) => void>> = {
    40: () => this.#stack.mark(), // MARK
    48: () => this.#stack.drop(), // POP
    49: () => this.#stack.popMark(), // POP_MARK
    50: () => this.#stack.push(this.#stack.top), // DUP
    81: () => this.#persistent(this.#stack.pop()), // BINPERSID
    // REDUCE
    82: () => {
      const args = this.#stack.pop();
      this.#call(this.#stack.pop(), args);
    },
    // NEWOBJ
    129: () => {
      const args = this.#stack.pop();
      this.#make(this.#stack.pop(), args);
    },
    // NEWOBJ_EX
    146: () => {
      this.#held.forget(this.#stack.pop());
      const args = this.#stack.pop();
      this.#make(this.#stack.pop(), args);
    },
    // OBJ
    111: () => {
      const [type, ...args] = this.#stack.popMark();
      this.#call(type, this.#sequence(args));
    },
    97: () => this.#append(this.#stack.popLast(1)), // APPEND
    101: () => this.#append(this.#stack.popMark()), // APPENDS
    144: () => this.#append(this.#stack.popMark()), // ADDITEMS
    115: () => this.#set(this.#stack.popLast(2)), // SETITEM
    117: () => this.#set(this.#stack.popMark()), // SETITEMS
    98: () => this.#build(this.#stack.pop()), // BUILD
    // DICT
    100: () => {
      const items = this.#stack.popMark();
      this.#stack.push(new Dict());
      this.#set(items);
    },
    108: () => this.#stack.push(this.#sequence(this.#stack.popMark())), // LIST
    116: () => this.#stack.push(this.#sequence(this.#stack.popMark())), // TUPLE
    145: () => this.#stack.push(this.#sequence(this.#stack.popMark())), // FROZENSET
    133: () => this.#stack.push(this.#sequence(this.#stack.popLast(1))), // TUPLE1
    134: () => this.#stack.push(this.#sequence(this.#stack.popLast(2))), // TUPLE2
    135: () => this.#stack.push(this.#sequence(this.#stack.popLast(3))), // TUPLE3
    41: () => this.#stack.push(new Sequence()), // EMPTY_TUPLE
    93: () => this.#stack.push(new Sequence()), // EMPTY_LIST
    143: () => this.#stack.push(new Sequence()), // EMPTY_SET
    125: () => this.#stack.push(new Dict()), // EMPTY_DICT
    // STACK_GLOBAL
    147: () => {
      const [module, name] = this.#stack.popLast(2);
      if (typeof module !== 'string' || typeof name !== 'string')
        throw new Unreadable('makes the name of an import in a way that cannot be followed');
      this.#stack.push(this.#global(module, name));
    },
    130: unknownExtension, // EXT1
    131: unknownExtension, // EXT2
    132: unknownExtension, // EXT4
    104: (bytes) => this.#stack.push(this.#memo.get(Scalars.count(bytes))), // BINGET
    106: (bytes) => this.#stack.push(this.#memo.get(Scalars.count(bytes))), // LONG_BINGET
    113: (bytes) => this.#memo.put(Scalars.count(bytes), this.#stack.top), // BINPUT
    114: (bytes) => this.#memo.put(Scalars.count(bytes), this.#stack.top), // LONG_BINPUT
    148: () => this.#memo.memoize(this.#stack.top), // MEMOIZE
    // PROTO
    128: ([version = 0]) => {
      if (version > 5) throw new Unreadable(`is a pickle of the unknown protocol ${version}`);
    },
    // FRAME
    149: (bytes) => {
      if (this.#opcodeAt < this.#frameEnd) throw new Unreadable('has a frame in a frame');
      this.#frameEnd = this.#stream.offset + Scalars.count(bytes);
    },
    152: () => {}, // READONLY_BUFFER
  };

  #global(module: string, name: string): Global {
    this.#context.facts.import(module, name, this.#opcodeAt);
    const made = new Global(module, name);
    if (isArrayWrapper(made)) this.#hasWrappers = true;
    return made;
  }

  #persistent(id: Value): void {
    if (this.#context.persistent === undefined)
      throw new Unreadable('refers to an object outside the pickle');
    this.#context.persistent(id);
    this.#held.forget(id);
    this.#stack.push(new Instance(storageType, undefined));
  }

  #call(type: Value, args: Value): void {
    checkCall(type, args, this.#context.facts, this.#opcodeAt);
    this.#make(type, args);
  }

  /** An object of an import, whose `__init__` is not called. */
  #make(type: Value, args: Value): void {
    if (!(type instanceof Global)) throw new Unreadable('calls something other than an import');
    const isNeeded = isDtype(type) || type.name === '_reconstructor' || isArrayWrapper(type);
    if (!isNeeded) this.#held.forget(args);
    this.#stack.push(new Instance(type, isNeeded ? args : undefined));
  }

  #build(state: Value): void {
    const { top } = this.#stack;
    if (top instanceof Global) throw new Unreadable('changes what it imports');
    if (this.#hasWrappers && !isKnownObject(top))
      throw new Unreadable('sets the state of an object that cannot be followed');
    if (!(top instanceof Instance)) return;
    if (isDtype(top.type)) top.state = state;
    else if (isArrayWrapper(typeOf(top))) {
      if (top.state !== undefined) throw new Unreadable('has an array with two states');
      top.state = state;
    } else this.#held.forget(state);
  }

  #append(items: readonly Value[]): void {
    const { top } = this.#stack;
    if (top instanceof Sequence) this.#held.append(top, items, this.#context.mostItems);
    else for (const item of items) this.#held.forget(item);
  }

  #set(items: readonly Value[]): void {
    const { top } = this.#stack;
    for (let at = 0; at + 1 < items.length; at += 2) {
      if (top instanceof Dict) this.#held.set(top, items[at], items[at + 1]);
      else this.#held.forget(items[at + 1]);
    }
  }

  #sequence(items: readonly Value[]): Sequence {
    const made = new Sequence();
    this.#held.append(made, items, this.#context.mostItems);
    return made;
  }
}

/** What the arrays of joblib and the storages of PyTorch are made of, in place of an import. */
const arrayType = new Global('numpy', 'ndarray');
const storageType = new Global('torch', 'Storage');

function unknownExtension(): never {
  throw new Unreadable('imports by a number of the copyreg registry');
}

/** The key of GET and PUT in protocol 0, as Python's `int` reads it. */
function numberOf(text: string): number {
  return /^\s*\d{1,15}\s*$/.test(text) ? Number(text) : Number.NaN;
}
