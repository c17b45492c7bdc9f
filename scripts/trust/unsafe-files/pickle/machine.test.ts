import { describe, expect, test } from 'vitest';
import {
  call,
  dict,
  doubles,
  dtype,
  file,
  int,
  joblibArray,
  joblibTexts,
  list,
  named,
  object,
  str,
  tuple,
} from '../../../../tests/support/pickles.ts';
import { found, walked } from '../../../../tests/support/walked.ts';

const bytes = (text: string) => Buffer.from(text, 'latin1');
const code = call('os', 'system', str('true'));
const unfollowed = /^unread: makes the name of an import in a way that cannot be followed, at offset \d+$/;

describe('imports', () => {
  test.each<[string, Buffer]>([
    ['GLOBAL', bytes("cos\nsystem\n(S'true'\ntR.")],
    ['INST', bytes("(S'true'\nios\nsystem\n.")],
    ['OBJ', file(Buffer.concat([bytes('('), named('os', 'system'), str('true'), bytes('o')]))],
    ['STACK_GLOBAL', file(code)],
    ['STACK_GLOBAL of protocol 0 texts', bytes('Vos\nVsystem\n\x93.')],
    ['the memo', file(bytes('\x8c\x02os\x94\x8c\x06system\x9400h\x00h\x01\x93'))],
    [
      'a memo entry that was replaced',
      file(bytes('\x8c\x04codeq\x05\x8c\x02osq\x0500h\x05\x8c\x06system\x93')),
    ],
  ])('by %s are seen', async (_, pickle) => {
    expect(await found(pickle)).toEqual(['os.system']);
  });

  test('are seen with the offset of their opcode, whatever the chunks', async () => {
    const pickle = file(list(int(1), code));
    for (const chunk of [1, 2, 3, 7, 1000]) {
      const { imports } = await walked(pickle, 'model.pkl', chunk);
      expect(imports).toEqual([{ module: 'os', name: 'system', offset: pickle.indexOf(0x93) }]);
    }
  });

  test('by a name with dots are told from those of a module', async () => {
    expect(await found(file(named('collections', 'OrderedDict.fromkeys')))).toEqual([
      'collections:OrderedDict.fromkeys',
    ]);
  });

  test('of a name that cannot be followed are refused', async () => {
    expect((await found(file(bytes("S'\\x6fs'\n\x8c\x06system\x93"))))[0]).toMatch(unfollowed);
    const computed = Buffer.concat([call('builtins', 'str', str('os')), str('system'), bytes('\x93')]);
    expect((await found(file(computed)))[1]).toMatch(unfollowed);
    expect((await found(file(bytes('h\x09h\x09\x93'))))[0]).toMatch(unfollowed);
  });

  test('by numpy’s own function count as those of its arguments', async () => {
    expect(await found(file(call('numpy.core', '_ufunc_reconstruct', str('numpy'), str('log1p'))))).toEqual([
      'numpy.core._ufunc_reconstruct',
      'numpy.log1p',
    ]);
    const other = await found(file(call('numpy.core', '_ufunc_reconstruct', str('os'), str('system'))));
    expect(other[1]).toMatch(unfollowed);
  });

  test('by an extension registry, and what is outside the pickle, are refused', async () => {
    expect(await found(bytes('\x80\x02\x82\x01.'))).toEqual([
      'unread: imports by a number of the copyreg registry, at offset 2',
    ]);
    expect(await found(bytes('P1\n.'))).toEqual([
      'unread: refers to an object outside the pickle, at offset 0',
    ]);
  });
});

describe('calls and states', () => {
  test('of what is no import are refused', async () => {
    expect((await found(file(Buffer.concat([call('collections', 'OrderedDict'), bytes(')R')]))))[1]).toMatch(
      /^unread: calls something other than an import/,
    );
  });

  test('of an import itself are refused: they would change it for every later use', async () => {
    const patched = Buffer.concat([named('collections', 'OrderedDict'), dict({ a: int(1) }), bytes('b')]);
    expect((await found(file(patched)))[1]).toMatch(/^unread: changes what it imports/);
  });

  test('bytes after the end are refused, such as a second pickle', async () => {
    expect(await found(Buffer.concat([file(int(1)), file(code)]))).toEqual([
      'unread: has more bytes after the end of its pickle, at offset 8',
    ]);
  });

  test('a memo used in two ways is refused: the keys of MEMOIZE depend on it', async () => {
    expect(await found(file(bytes('Nq\x00N\x94')))).toEqual([
      'unread: uses its memo in two ways, at offset 6',
    ]);
  });
});

describe('arrays of joblib', () => {
  const listed = ['joblib.numpy_pickle.NumpyArrayWrapper', 'numpy.ndarray', 'numpy.dtype'];

  test('are passed as numbers, also when they look like opcodes', async () => {
    const values = Buffer.concat([file(code), Buffer.alloc(64)]).subarray(0, 64);
    const pickle = file(
      list(joblibArray('f8', [8], values), joblibArray('i4', [2, 2], Buffer.alloc(16)), int(1)),
    );
    for (const chunk of [1, 5, 4096]) expect(await found(pickle, 'model.joblib', chunk)).toEqual(listed);
  });

  test('of objects are pickles of their own', async () => {
    expect(await found(file(list(joblibTexts('a', 'b'), int(1))))).toEqual([
      ...listed,
      'numpy.core.multiarray._reconstruct',
    ]);
    const hostile = joblibArray('O8', [1], file(code));
    expect(await found(file(list(hostile, int(1))))).toEqual([...listed, 'os.system']);
  });

  test('whose length is not plain are refused, since joblib would read on elsewhere', async () => {
    const length =
      /^unread: (has an array of a type or shape that cannot be read|makes an array in an unusual way)/;
    const wrapped = (shape: Buffer, type: Buffer) =>
      file(object('joblib.numpy_pickle', 'NumpyArrayWrapper', { shape, dtype: type }));
    for (const pickle of [
      wrapped(tuple(str('8')), dtype('f8')),
      wrapped(tuple(int(1)), dtype('f7')),
      wrapped(tuple(int(1)), named('numpy', 'float64')),
      wrapped(tuple(int(65536), int(65536), int(65536), int(65536)), dtype('f8')),
      wrapped(call('builtins', 'tuple', list(int(1))), dtype('f8')),
      file(call('joblib.numpy_pickle', 'NumpyArrayWrapper', named('numpy', 'ndarray'), tuple(int(1)))),
    ])
      expect((await found(pickle)).at(-1)).toMatch(length);
  });

  test('behind an object that cannot be followed are refused: it may be the wrapper', async () => {
    const wrapper = named('joblib.numpy_pickle', 'NumpyArrayWrapper');
    const same = call('numpy', 'sum', Buffer.concat([wrapper, bytes(')\x81')]));
    const built = file(Buffer.concat([same, dict({ shape: tuple(int(1)), dtype: dtype('f8') }), bytes('b')]));
    expect((await found(built)).at(-1)).toMatch(
      /^unread: sets the state of an object that cannot be followed/,
    );
    const scalar = call(
      'numpy.core.multiarray',
      'scalar',
      dtype('O8'),
      Buffer.concat([wrapper, bytes(')\x81')]),
    );
    expect((await found(file(scalar))).at(-1)).toMatch(
      /^unread: makes a scalar of a type that cannot be read/,
    );
  });

  test('in a frame are refused: Python would look for them behind it', async () => {
    const frame = bytes(`\x95${'\xff\x0f'}${'\0'.repeat(6)}`);
    const pickle = file(Buffer.concat([frame, joblibArray('f8', [1], doubles(1))]));
    expect((await found(pickle)).at(-1)).toMatch(/^unread: has an array in a frame/);
  });
});

test('a pickle with more texts in its memo than are kept is followed', async () => {
  const words = Array.from({ length: 60_000 }, (_, n) => bytes(`\x8c\x08${String(n).padStart(8, 'w')}\x940`));
  // The module is in the memo from the start; the name of another import comes after what is kept, and is on a list.
  const start = Buffer.concat([str('sklearn.tree._tree'), bytes('\x940')]);
  const later = Buffer.concat([str('numpy'), bytes('\x940'), str('dtype'), bytes('\x940')]);
  const end = bytes('h\x00\x8c\x04Tree\x93j\x61\xea\0\0j\x62\xea\0\0\x93');
  const pickle = file(Buffer.concat([start, ...words, later, end]));
  expect(await found(pickle)).toEqual(['sklearn.tree._tree.Tree', 'numpy.dtype']);
});
