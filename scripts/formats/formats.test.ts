import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  externalTensor,
  field,
  onnxOf,
  onnxWith,
  pointer,
  safetensors,
  safetensorsOf,
} from '../../tests/support/model-files.ts';
import { inspectorFor } from './inspect.ts';
import type { Finding } from './reader.ts';

/** The finding for a file's bytes, passed in chunks of `chunk` bytes. */
function look(path: string, bytes: Uint8Array | string, chunk = 7): Finding {
  const all = Buffer.from(bytes as Uint8Array);
  const inspector = inspectorFor(path, all.length);
  for (let at = 0; at < all.length; at += chunk) inspector?.take(at, all.subarray(at, at + chunk));
  return inspector?.end() ?? {};
}

const tensor = (begin: number, end: number, more: object = {}) => ({
  dtype: 'U8',
  shape: [end - begin],
  data_offsets: [begin, end],
  ...more,
});

describe('a Git LFS pointer', () => {
  it.each([
    ['model.safetensors', pointer],
    ['tokenizer.json', pointer],
    ['picture.png', pointer],
    ['model.bin', pointer.replaceAll('\n', '\r\n')],
    ['model.bin', pointer.replace('https://git-lfs.github.com/spec/v1', 'https://hawser.github.com/spec/v1')],
    ['model.bin', pointer.replace('\noid', `\next-0-foo sha256:${'5e'.repeat(32)}\noid`)],
  ])('is recognized under any name: %s', (path, text) => {
    expect(look(path, text)).toEqual({ problem: 'is a Git LFS pointer, not the file', isPointer: true });
  });

  it.each([
    ['a text about pointers', `# Pointers\n\n${pointer}`],
    ['a text that begins like one', `${pointer}\nIs what such a file looks like.\n`],
    ['a version alone', 'version https://git-lfs.github.com/spec/v1\n'],
  ])('is not %s', (_, text) => expect(look('notes.md', text)).toEqual({}));
});

describe('a web page', () => {
  it.each([
    '<!DOCTYPE html><html><body>Sign in</body></html>',
    '\ufeff\n\n <html lang="en">',
    '<!-- cached -->\n<HTML>',
    '<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code></Error>',
    '<?xml version="1.0" encoding="UTF-8"?><!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0">',
  ])('is recognized in place of weights or JSON: %s', (text) => {
    for (const path of ['model.bin', 'a/model.gguf', 'config.json', 'model.txt', 'model.onnx'])
      expect(look(path, text.padEnd(3000))).toEqual({ problem: 'is a web page, not the file' });
  });

  it('is accepted under the name of a text file, and not mistaken for similar content', () => {
    for (const path of ['index.html', 'README.md', 'chat_template.jinja', 'notes.txt'])
      expect(look(path, '<!DOCTYPE html><html></html>')).toEqual({});
    expect(look('model.bin', '<htmlish> bytes')).toEqual({});
    expect(look('model.bin', '<?xml version="1.0"?><net name="x"/>')).toEqual({});
    expect(look('config.json', '{"a": "<html>"}')).toEqual({});
  });
});

describe('a safetensors header', () => {
  it.each([
    ['one tensor', safetensors(Buffer.alloc(100))],
    ['no tensor', safetensorsOf({})],
    ['metadata only', safetensorsOf({ __metadata__: { format: 'pt', notes: 'x'.repeat(20_000) } })],
    ['surrounding spaces', safetensorsOf(`  {"a":${JSON.stringify(tensor(0, 3))}}   `, 3)],
    ['tensors in another order', safetensorsOf({ b: tensor(3, 7), c: tensor(7, 8), a: tensor(0, 3) }, 8)],
    ['a tensor without elements', safetensorsOf({ a: tensor(0, 3), b: tensor(3, 3), c: tensor(0, 0) }, 3)],
    ['a scalar', safetensorsOf({ a: { dtype: 'F64', shape: [], data_offsets: [0, 8] } }, 8)],
    ['half bytes', safetensorsOf({ a: { dtype: 'F4', shape: [4], data_offsets: [0, 2] } }, 2)],
    ['an unknown type', safetensorsOf({ a: { dtype: 'F3', shape: [4], data_offsets: [0, 2] } }, 2)],
    ['more fields', safetensorsOf({ a: tensor(0, 2, { more: [1, { x: [[]] }], data: null }) }, 2)],
    ['escapes', safetensorsOf({ 'a"\\\n\u00e9}': tensor(0, 2) }, 2)],
  ])('is accepted: %s', (_, bytes) => {
    for (const chunk of [1, 9, 100_000]) expect(look('x.safetensors', bytes, chunk)).toEqual({});
  });

  it.each([
    ['fewer than eight bytes', Buffer.from('abc'), /^has 3 bytes, fewer than/],
    ['noise', Buffer.alloc(64, 0xff), /would have 18446744073709551615 bytes, at most 100000000/],
    [
      'a truncated header',
      safetensorsOf({}, 0, 50),
      /^is truncated: its header has 50 bytes, the whole file has 10$/,
    ],
    ['an empty header', Buffer.alloc(64), /its header is empty/],
    [
      'truncated data',
      safetensors(Buffer.alloc(100)).subarray(0, -1),
      /^is truncated: its tensors need 100 bytes, its data has 99$/,
    ],
    [
      'trailing bytes',
      Buffer.concat([safetensors(Buffer.alloc(9)), Buffer.alloc(2)]),
      /bytes 9 to 10 of its data belong to no tensor/,
    ],
    ['a hole', safetensorsOf({ a: tensor(0, 2), b: tensor(4, 6) }, 6), /bytes 2 to 3 of its data/],
    [
      'an overlap',
      safetensorsOf({ a: tensor(0, 4), b: tensor(2, 6) }, 6),
      /two of its tensors overlap at byte 2/,
    ],
    [
      'a size that contradicts shape and type',
      safetensorsOf({ 'a\x1b[2J': tensor(0, 4, { dtype: 'F32' }) }, 4),
      /its tensor `a.\[2J` has 4 bytes, its shape and type make 16/,
    ],
    [
      'offsets in reverse',
      safetensorsOf({ a: { dtype: 'U8', shape: [0], data_offsets: [3, 1] } }, 3),
      /ends before it begins/,
    ],
    ['no offsets', safetensorsOf({ a: { dtype: 'U8', shape: [0] } }), /describes the tensor `a` wrongly/],
    ['three offsets', safetensorsOf({ a: { dtype: 'U8', shape: [0], data_offsets: [0, 0, 0] } }), /wrongly/],
    [
      'a negative shape',
      safetensorsOf({ a: { dtype: 'U8', shape: [-1], data_offsets: [0, 1] } }, 1),
      /wrongly/,
    ],
    ['a tensor that is a number', safetensorsOf({ a: 1 }), /wrongly/],
    ['a list', safetensorsOf('[]'), /not a JSON object/],
    ['invalid JSON', safetensorsOf('{"a":}'), /not JSON, unexpected `}`/],
    ['JSON that ends early', safetensorsOf('{"a":{"dtype":"U8"'), /not JSON, it ends too early/],
    ['two values', safetensorsOf('{}{}'), /not JSON/],
    ['deep nesting', safetensorsOf('{"a":'.repeat(1) + '['.repeat(5000)), /not JSON|wrongly/],
  ])('is refused: %s', (_, bytes, problem) => {
    for (const chunk of [1, 100_000]) expect(look('x.safetensors', bytes, chunk).problem).toMatch(problem);
  });

  it('is the only part of the file that is read', () => {
    const bytes = safetensors(Buffer.alloc(1_000_000));
    const inspector = inspectorFor('x.safetensors', bytes.length);
    inspector?.take(0, bytes.subarray(0, 1024));
    expect(inspector?.wants).toBe(Number.POSITIVE_INFINITY);
    expect(inspector?.end()).toEqual({});
  });
});

describe('a weight index', () => {
  const index = (map: unknown) => JSON.stringify({ metadata: { total_size: 5, x: ['a'] }, weight_map: map });

  it('lists each shard once', () => {
    const text = index({
      'a.weight': 'm-00001-of-00002.safetensors',
      b: 'm-00002-of-00002.safetensors',
      c: 'm-00001-of-00002.safetensors',
    });
    expect(look('m.safetensors.index.json', text)).toEqual({
      needs: [{ name: 'm-00001-of-00002.safetensors' }, { name: 'm-00002-of-00002.safetensors' }],
      role: 'a shard',
    });
    expect(look('pytorch_model.bin.index.json', text).needs).toHaveLength(2);
    expect(look('other.json', text)).toEqual({});
  });

  it('is refused when truncated, and ignored when it has another structure', () => {
    const text = index({ a: 'b' });
    expect(look('m.bin.index.json', text.slice(0, -2)).problem).toBe('is not JSON: it ends too early');
    for (const other of ['[]', '{"weight_map": ["a"]}', '{"x": {"weight_map": {"a": "b"}}}', '"text"', '1'])
      expect(look('m.bin.index.json', other).needs).toEqual([]);
  });
});

describe('an ONNX model', () => {
  const role = 'external data';
  const inline = field(5, Buffer.concat([field(8, 'w'), field(9, Buffer.alloc(5000, 0x6a))]));

  it('lists the files with its external tensors, and the bytes it needs of each', () => {
    const model = onnxOf(
      inline,
      field(5, externalTensor({ location: 'a.data', offset: '4096', length: '100', checksum: 'x' })),
      field(5, externalTensor({ location: 'a.data', offset: '0', length: '100' })),
      field(5, externalTensor({ location: 'b.data' })),
      field(5, externalTensor({ location: 'stale.data' }, 0)),
    );
    for (const chunk of [1, 64, 1_000_000])
      expect(look('m.onnx', model, chunk)).toEqual({
        needs: [{ name: 'a.data', bytes: 4196 }, { name: 'b.data' }],
        role,
      });
  });

  it('is searched for tensors in attributes, branches, sparse tensors, functions and training', () => {
    const attribute = (number: number, value: Buffer) => field(1, field(5, field(number, value)));
    const at = (location: string) => externalTensor({ location });
    const model = Buffer.concat([
      onnxOf(
        attribute(5, at('constant')),
        attribute(10, at('tensors')),
        attribute(6, field(5, at('branch'))),
        attribute(11, attribute(6, field(5, at('nested')))),
        field(15, Buffer.concat([field(1, at('values')), field(2, at('indices'))])),
        attribute(22, field(1, at('sparse'))),
      ),
      field(20, field(1, field(5, at('training')))),
      field(25, field(7, field(5, field(5, at('function'))))),
    ]);
    expect(look('m.onnx', model).needs?.map(({ name }) => name)).toEqual([
      'constant',
      'tensors',
      'branch',
      'nested',
      'values',
      'indices',
      'sparse',
      'training',
      'function',
    ]);
  });

  it('is refused when truncated, and ignored when it is not protobuf', () => {
    expect(look('m.onnx', onnxOf(inline).subarray(0, 3000)).problem).toBe(
      'is truncated: its graph does not end within its 3000 bytes',
    );
    expect(look('m.onnx', Buffer.from('an encrypted model')).problem).toBeUndefined();
    expect(look('m.onnx', onnxWith('x').subarray(3)).problem).toBeUndefined();
  });

  it('is read without its inline weights', () => {
    const bytes = onnxOf(
      field(5, field(9, Buffer.alloc(1_000_000))),
      field(5, externalTensor({ location: 'x' })),
    );
    const inspector = inspectorFor('m.onnx', bytes.length);
    inspector?.take(0, bytes.subarray(0, 1024));
    expect(inspector?.wants).toBeGreaterThan(999_000);
    inspector?.take(inspector.wants, bytes.subarray(inspector.wants));
    expect(inspector?.end().needs).toEqual([{ name: 'x' }]);
  });
});

it('never throws or stalls, and finds the same in any chunks of random and damaged files', () => {
  const good = [
    ['x.safetensors', safetensorsOf({ a: tensor(0, 5), b: tensor(5, 9), __metadata__: { a: 'b' } }, 9)],
    [
      'x.onnx',
      onnxOf(
        field(5, externalTensor({ location: 'a', length: '3' })),
        field(1, field(5, field(6, Buffer.alloc(3)))),
      ),
    ],
    ['x.bin.index.json', Buffer.from('{"weight_map": {"a": "b", "c": "d\\u00e9"}}')],
  ] as const;
  const damaged = fc.record({
    file: fc.constantFrom(...good),
    at: fc.nat(200),
    bytes: fc.uint8Array({ maxLength: 12 }),
    cut: fc.nat(200),
    any: fc.boolean(),
  });
  fc.assert(
    fc.property(
      damaged,
      fc.integer({ min: 1, max: 50 }),
      ({ file: [path, whole], at, bytes, cut, any }, chunk) => {
        const spoilt = any ? Buffer.from(bytes) : Buffer.from(whole.subarray(0, Math.max(1, cut)));
        if (!any) spoilt.set(bytes.subarray(0, Math.max(0, spoilt.length - at)), Math.min(at, spoilt.length));
        expect(look(path, spoilt, chunk)).toEqual(look(path, spoilt, 1_000_000));
      },
    ),
    { numRuns: 3000, seed: 12 },
  );
});
