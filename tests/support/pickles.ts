/** Pickles written opcode by opcode (CPython Lib/pickletools.py, protocol 4), as pickle and joblib would write them. */

const sign = (text: string): Buffer => Buffer.from(text, 'latin1');

/** A text: SHORT_BINUNICODE. */
export function str(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from([0x8c, bytes.length]), bytes]);
}

/** An integer: BININT. */
export function int(value: number): Buffer {
  const bytes = Buffer.alloc(5, 'J');
  bytes.writeInt32LE(value, 1);
  return bytes;
}

export const none = sign('N');

export function list(...items: Buffer[]): Buffer {
  return Buffer.concat([sign(']('), ...items, sign('e')]);
}

export function tuple(...items: Buffer[]): Buffer {
  return Buffer.concat([sign('('), ...items, sign('t')]);
}

export function dict(entries: Record<string, Buffer>): Buffer {
  const items = Object.entries(entries).flatMap(([key, value]) => [str(key), value]);
  return Buffer.concat([sign('}('), ...items, sign('u')]);
}

/** A class or function: STACK_GLOBAL. */
export function named(module: string, name: string): Buffer {
  return Buffer.concat([str(module), str(name), Buffer.from([0x93])]);
}

/** A call: REDUCE. */
export function call(module: string, name: string, ...args: Buffer[]): Buffer {
  return Buffer.concat([named(module, name), tuple(...args), sign('R')]);
}

/** An object with its `__dict__`: NEWOBJ and BUILD. */
export function object(module: string, name: string, state: Record<string, Buffer>): Buffer {
  return Buffer.concat([named(module, name), sign(')'), Buffer.from([0x81]), dict(state), sign('b')]);
}

/** `numpy.dtype` of a code such as `f8`. */
export function dtype(code: string): Buffer {
  const isObject = code.startsWith('O');
  const state = tuple(
    int(3),
    str(isObject ? '|' : '<'),
    none,
    none,
    none,
    int(-1),
    int(-1),
    int(isObject ? 63 : 0),
  );
  return Buffer.concat([
    call('numpy', 'dtype', str(code), Buffer.from([0x89]), Buffer.from([0x88])),
    state,
    sign('b'),
  ]);
}

/** An array as joblib writes it: a wrapper, padding, and the elements outside the pickle. */
export function joblibArray(code: string, shape: number[], elements: Buffer): Buffer {
  const wrapper = object('joblib.numpy_pickle', 'NumpyArrayWrapper', {
    subclass: named('numpy', 'ndarray'),
    shape: tuple(...shape.map(int)),
    order: str('C'),
    dtype: dtype(code),
    allow_mmap: Buffer.from([0x88]),
    ...(!code.startsWith('O') && { numpy_array_alignment_bytes: int(16) }),
  });
  const padding = code.startsWith('O') ? Buffer.alloc(0) : Buffer.from([3, 0xff, 0xff, 0xff]);
  return Buffer.concat([wrapper, padding, elements]);
}

/** An array of texts as joblib writes it: the elements are a pickle of their own. */
export function joblibTexts(...texts: string[]): Buffer {
  return joblibArray('O8', [texts.length], file(plainTexts(...texts)));
}

/** An array of texts as pickle writes it. */
export function plainTexts(...texts: string[]): Buffer {
  const made = call('numpy.core.multiarray', '_reconstruct', named('numpy', 'ndarray'), tuple(int(0)), none);
  const state = tuple(int(1), tuple(int(texts.length)), dtype('O8'), none, list(...texts.map(str)));
  return Buffer.concat([made, state, sign('b')]);
}

/** Numbers as the bytes of an array of `f8`. */
export function doubles(...values: number[]): Buffer {
  return Buffer.from(Float64Array.from(values).buffer);
}

/** A whole file: PROTO, the value, STOP. */
export function file(value: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0x80, 4]), value, sign('.')]);
}
