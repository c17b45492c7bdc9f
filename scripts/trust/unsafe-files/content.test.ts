import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { call, file, int, str } from '../../../tests/support/pickles.ts';
import { found } from '../../../tests/support/walked.ts';
import { zipOf } from '../../../tests/support/zips.ts';

const bytes = (text: string) => Buffer.from(text, 'latin1');
const hostile = file(call('os', 'system', str('true')));
const plain = file(int(1));
const npy = (descr: string, body: Buffer) => {
  const header = `{'descr': ${descr}, 'fortran_order': False, 'shape': (1,), }`.padEnd(117).concat('\n');
  return Buffer.concat([bytes('\x93NUMPY\x01\0'), Buffer.from([header.length, 0]), bytes(header), body]);
};

describe('compressed files', () => {
  test.each([
    ['zlib', deflateSync],
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
  ])('of %s are unpacked, in chunks of any size', async (_, pack) => {
    for (const chunk of [1, 7, 65_536]) {
      expect(await found(pack(hostile), 'model.joblib', chunk)).toEqual(['os.system']);
      expect(await found(pack(plain), 'model.joblib', chunk)).toEqual([]);
    }
    expect(await found(pack(pack(hostile)))).toEqual(['os.system']);
  });

  test('with something behind, cut short or too deep are refused', async () => {
    const tail = await found(Buffer.concat([deflateSync(plain), hostile]));
    expect(tail).toEqual(['unread: has more bytes after its compressed data, at offset 16']);
    expect(await found(deflateSync(hostile).subarray(0, 12))).toHaveLength(1);
    let deep: Buffer = plain;
    for (let depth = 0; depth < 6; depth++) deep = deflateSync(deep);
    expect(await found(deep)).toEqual(['unread: has archives in archives']);
  });

  test('that Node cannot unpack are refused', async () => {
    expect(await found(bytes('BZh91AY'), 'model.joblib')).toEqual([
      'unread: is compressed by bzip2, which cannot be unpacked here',
    ]);
  });

  test('that unpack to far more than any model are refused', async () => {
    const bomb = deflateSync(Buffer.alloc(300 * 1024 ** 2), { level: 1 });
    expect(await found(bomb, 'notes.txt')).toEqual(['unread: unpacks to too much']);
  });
});

describe('ZIP archives', () => {
  const pickle = { name: 'archive/data.pkl', bytes: hostile };
  const version = { name: 'archive/version', bytes: bytes('3\n') };

  test.each([
    ['stored', {}],
    ['deflated', { deflated: true }],
    ['stored, sizes behind', { described: true }],
    ['deflated, sizes behind', { deflated: true, described: true }],
  ])('have their members walked: %s', async (_, how) => {
    for (const chunk of [1, 50, 65_536]) {
      expect(await found(zipOf({ ...pickle, ...how }, { ...version, ...how }), 'model.pt', chunk)).toEqual([
        'os.system',
      ]);
      expect(await found(zipOf({ ...pickle, ...how, bytes: plain }), 'model.pt', chunk)).toEqual([]);
    }
  });

  test('with other archives in them', async () => {
    expect(
      await found(
        zipOf({ name: 'a.npz', bytes: zipOf({ name: 'a.npy', bytes: npy("'|O'", hostile) }) }),
        'b.npz',
      ),
    ).toEqual(['os.system']);
  });

  const twoWays = 'unread: describes a member in two ways';
  test.each<[string, Buffer, string]>([
    ['a name', zipOf({ ...pickle, listed: { name: 'archive/data.txt' } }), twoWays],
    ['a size', zipOf({ ...pickle, listed: { size: 4 } }), twoWays],
    ['an offset', zipOf({ ...pickle, listed: { offset: 3 } }), twoWays],
    [
      'an unlisted member',
      zipOf(version, { ...pickle, hidden: true }),
      'unread: has a member that its directory does not list',
    ],
    ['a double', zipOf(version, version), 'unread: has two members "archive/version"'],
    [
      'a tail',
      Buffer.concat([zipOf(version), hostile]),
      'unread: has more bytes after the end of the archive, at offset 130',
    ],
    [
      'a gap',
      Buffer.concat([zipOf(version).subarray(0, 47), Buffer.alloc(9), zipOf(version).subarray(47)]),
      'unread: has unknown data at offset 47',
    ],
  ])('that readers see differently are refused: %s', async (_, archive, message) => {
    expect((await found(archive, 'model.pt')).at(-1)).toBe(message);
  });

  test('in which a stored member looks like the end of another are refused', async () => {
    const inner = zipOf({ ...version, described: true });
    const descriptor = inner.subarray(47, 63);
    const fake = {
      name: 'archive/x',
      bytes: Buffer.concat([bytes('3\n'), descriptor, hostile]),
      described: true,
    };
    expect(await found(zipOf(fake), 'model.pt')).toHaveLength(1);
  });
});

describe('numpy', () => {
  test.each<[string, string[]]>([
    ["'<f8'", []],
    ["'<U5'", []],
    ["[('Object', '<f8'), ('b', '<i4', (2,))]", []],
    ["'|O'", ['os.system']],
    ["'object'", ['os.system']],
    ["[('a', '<f8'), ('b', '|O')]", ['os.system']],
    ["[('a', [('b', '|O')])]", ['os.system']],
  ])('arrays of %s', async (descr, expected) => {
    expect(await found(npy(descr, hostile), 'a.npy')).toEqual(expected);
  });

  test('a file without its mark is unpickled', async () => {
    expect(await found(hostile, 'a.npy')).toEqual(['os.system']);
  });
});

describe('other files', () => {
  test.each([
    ['notes.txt', ['os.system', 'unread: is a pickle, not what its name says']],
    ['model.safetensors', ['os.system', 'unread: is a pickle, not what its name says']],
    ['weights', ['os.system']],
  ])('a pickle named %s is found by its content', async (name, expected) => {
    expect(await found(hostile, name)).toEqual(expected);
  });

  test('a pickle without a mark is found when it ends and imports something', async () => {
    expect(await found(bytes("cos\nsystem\n(S'true'\ntR.and more"), 'notes')).toEqual(['os.system']);
    expect(await found(bytes('cos and sin\nare functions.\n'), 'README.md')).toEqual([]);
  });

  test.each<[string, string, string]>([
    ['modeling.py', 'x = 1', 'code: is code, by its name'],
    ['a.txt', '\x7fELF\x02', 'code: is a program or a library, by its first bytes'],
    ['run', '#!/bin/sh', 'code: is a script, by its first bytes'],
    ['config.json', '{"auto_map": {}}', 'code: names code of its own (`auto_map`)'],
    ['config.json', '{"a": NaN, "auto_map": {}}', 'unread: is not JSON'],
    ['model.h5', '\x89HDF\r\n\x1a\n', 'unread: is an HDF5 file, in which Keras can hide code'],
    ['saved_model.pb', '..\x12\x09WriteFile..', 'code: has the operation WriteFile'],
    ['model.pkl', 'tree\nversion=v4', 'unread: is not a pickle, at offset 0'],
  ])('%s: %j', async (name, text, expected) => {
    expect(await found(bytes(text), name)).toEqual([expected]);
    expect(await found(bytes(text), name, 1)).toEqual([expected]);
  });

  test.each<[string, string]>([
    ['config.json', '{"model_type": "llama", "x": {"auto_map": 1}}'],
    ['README.md', 'x^2 and MZ and #!'],
    ['vocab.txt', 'os\nsystem\n'],
    ['empty.txt', ''],
  ])('harmless: %s: %j', async (name, text) => {
    expect(await found(bytes(text), name)).toEqual([]);
  });
});

describe('Keras archives', () => {
  const archive = (config: object) =>
    zipOf(
      { name: 'metadata.json', bytes: bytes('{}') },
      { name: 'config.json', bytes: Buffer.from(JSON.stringify(config)) },
      { name: 'model.weights.h5', bytes: bytes('\x89HDF\r\n\x1a\n') },
    );

  test('have layers that are code named', async () => {
    expect(
      await found(archive({ layers: [{ module: 'keras.layers', class_name: 'Dense' }] }), 'model.keras'),
    ).toEqual([]);
    expect(await found(archive({ layers: [{ class_name: 'Lambda' }] }), 'model.keras')).toEqual([
      'code: has a member `config.json` that has a layer `Lambda`',
    ]);
    expect(await found(archive({ module: 'subprocess', class_name: 'run' }), 'model.keras')).toEqual([
      'code: has a member `config.json` that takes a class from the module `subprocess`',
    ]);
  });
});
