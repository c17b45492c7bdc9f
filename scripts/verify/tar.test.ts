import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { pack } from 'tar-stream';
import { expect, test } from 'vitest';
import { hex, tarOf, trueDraft } from '../../tests/support/draft-image.ts';
import { member, pax, sign } from '../../tests/support/odd-tars.ts';
import { BrokenTar } from './header.ts';
import { type Member, TarParser } from './tar.ts';

const plenty = () => ({ members: 1000, names: 100_000 });

function read(bytes: Uint8Array, chunkSize = bytes.length, budget = plenty()): Member[] {
  const reader = new TarParser(budget);
  for (let at = 0; at < bytes.length; at += chunkSize) reader.push(bytes.subarray(at, at + chunkSize));
  reader.end();
  return reader.members;
}

const end = Buffer.alloc(1024);

test('lists archives of tar-stream: ustar, prefixes, PAX for long and non-ASCII names', async () => {
  const names = ['a', `${'d/'.repeat(60)}b`, 'ä', `models/${'x'.repeat(200)}`, 'models/m'];
  const archive = pack();
  for (const name of names) archive.entry({ name, mode: 0o640, uid: 5, mtime: new Date(7000) }, name);
  archive.entry({ name: 'l', type: 'symlink', linkname: 'ä'.repeat(99) });
  archive.finalize();
  const members = read(await buffer(archive));
  expect(members.map(({ name, size }) => [name, size])).toEqual([
    ...names.map((name) => [name, Buffer.byteLength(name)]),
    ['l', 0],
  ]);
  expect(members[0]).toMatchObject({ type: 'file', mode: 0o640, uid: 5, gid: 0, mtime: 7, path: 'a' });
  expect(members[5]).toMatchObject({ type: 'symbolic link', link: 'ä'.repeat(99) });
  // contents are hashed below models/ only
  expect(members.map(({ sha256 }) => sha256)).toEqual([
    ...[undefined, undefined, undefined],
    ...names.slice(3).map((name) => hex(Buffer.from(name))),
    undefined,
  ]);
});

test('reads the same for any chunks', () => {
  const bytes = Buffer.concat(
    [...trueDraft().model, ...trueDraft().base].map((layer) => tarOf({ ...layer, end: Buffer.alloc(0) })),
  );
  const whole = read(bytes);
  expect(whole.length).toBeGreaterThan(15);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2000 }), (size) => {
      expect(read(bytes, size)).toEqual(whole);
    }),
    { numRuns: 40 },
  );
});

test('uses the size of a PAX header, as engines do', () => {
  const hidden = member({ name: 'models/hidden' });
  const outer = member({ name: 'models/x', before: pax('size', '512') });
  expect(read(Buffer.concat([outer, hidden, end])).map(({ name }) => name)).toEqual(['models/x']);
});

test('reads a GNU long link', () => {
  const link = member({ name: '././@LongLink', type: 'K', content: `${'t'.repeat(150)}\0` });
  const [first] = read(
    Buffer.concat([member({ name: 'l', type: '2', link: 't'.repeat(100), before: link }), end]),
  );
  expect(first).toMatchObject({ name: 'l', link: 't'.repeat(150) });
});

test('reads no content after links and directories, whatever their size field', () => {
  const claim = (type: string) =>
    member({ name: `d${type}`, type, edit: (block) => void block.write('00000001000\0', 124) });
  const all = Buffer.concat([...['1', '2', '5', '6'].map(claim), end]);
  expect(read(all).map(({ name }) => name)).toEqual(['d1', 'd2', 'd5', 'd6']);
});

test.each([
  ['a lone block of zeros', Buffer.concat([Buffer.alloc(512), member({ name: 'x' }), end]), 'lone block'],
  [
    'a long name without its member',
    Buffer.concat([member({ name: 'x', type: 'L', content: 'y\0' }), end]),
    'without its member',
  ],
  ['a truncated header', member({ name: 'x' }).subarray(0, 300), 'middle of a member'],
  ['a name of 5000 bytes', member({ name: 'x'.repeat(5000) }), 'over 4096 bytes'],
  [
    'a PAX header with a wrong length',
    member({ name: 'x', before: member({ name: 'p', type: 'x', content: '99 path=y\n' }) }),
    'malformed',
  ],
  [
    'a PAX record without a key',
    member({ name: 'x', before: member({ name: 'p', type: 'x', content: '7 path\n' }) }),
    'malformed',
  ],
  [
    'a PAX header larger than allowed',
    member({ name: 'p', type: 'x', edit: (block) => void block.write('77777777777\0', 124) }),
    'PAX header has',
  ],
  ['a negative PAX size', member({ name: 'x', before: pax('size', '-1') }), 'size that is none'],
  ['a PAX size in hexadecimal', member({ name: 'x', before: pax('size', '0x200') }), 'size that is none'],
  ['a PAX size with an exponent', member({ name: 'x', before: pax('size', '1e3') }), 'size that is none'],
])('refuses %s', (_, bytes, message) => {
  expect(() => read(bytes)).toThrow(BrokenTar);
  expect(() => read(bytes)).toThrow(message);
});

test('stops at its budget of members and of names', () => {
  const three = Buffer.concat([member({ name: 'a' }), member({ name: 'b' }), member({ name: 'c' }), end]);
  expect(() => read(three, 512, { members: 2, names: 100 })).toThrow('too many tar members');
  expect(() => read(three, 512, { members: 9, names: 2 })).toThrow('too long to check');
});

test('throws only BrokenTar, for any bytes', () => {
  const bytes = tarOf(trueDraft().base[0] ?? { members: [], compression: 'none' });
  const flips = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { maxLength: 8 });
  fc.assert(
    fc.property(flips, (changes) => {
      const changed = Buffer.from(bytes);
      for (const [at, value] of changes) changed[at] = value;
      try {
        read(changed);
      } catch (error) {
        expect(error).toBeInstanceOf(BrokenTar);
      }
    }),
  );
});

test.each([
  ['an empty path in a PAX header', member({ name: 'models/evil', before: pax('path', '') })],
  ['an empty size in a PAX header', member({ name: 'models/evil', content: 'x', before: pax('size', '') })],
])('%s leaves the value of the member header in place, as in engines', (_, bytes) => {
  const [first] = read(Buffer.concat([bytes, end]));
  expect(first).toMatchObject({ path: 'models/evil', size: bytes.length > 1600 ? 1 : 0 });
});

const longName = (name: string) => member({ name: '././@LongLink', type: 'L', content: `${name}\0` });
const globalPax = (key: string, value: string) => {
  const bytes = pax(key, value);
  bytes.write('g', 156);
  sign(bytes.subarray(0, 512));
  return bytes;
};
/** Each is under /models for Go's archive/tar but elsewhere for another reader, or the reverse. */
test.each([
  ['an empty long name', member({ name: 'models/evil', before: longName('') }), 'empty'],
  [
    'a long name before a PAX name',
    member({ name: 'x', before: Buffer.concat([longName('models/evil'), pax('path', 'etc/fine')]) }),
    'readers differ on which one wins',
  ],
  [
    'a long name before a global header',
    member({ name: 'models/evil', before: Buffer.concat([longName('etc/fine'), globalPax('comment', 'x')]) }),
    'readers differ on which member',
  ],
  [
    'a global name',
    member({ name: 'x', before: globalPax('path', 'models/evil') }),
    'readers differ on which member',
  ],
  ['a sparse name', member({ name: 'x', before: pax('GNU.sparse.name', 'models/evil') }), 'sparse'],
  ['a sparse member', member({ name: 'x', type: 'S' }), 'sparse'],
  ['a name with a NUL', member({ name: 'x', before: pax('path', 'a\0b') }), 'NUL'],
  ['a size in hexadecimal digits', member({ name: 'x', before: pax('size', '0x200') }), 'size that is none'],
  ['a size with an exponent', member({ name: 'x', before: pax('size', '1e3') }), 'size that is none'],
])('refuses %s', (_, bytes, message) => {
  expect(() => read(Buffer.concat([bytes, end]))).toThrow(message);
  expect(() => read(Buffer.concat([bytes, end]))).toThrow(BrokenTar);
});

test('continues after a global header without path or size', () => {
  expect(read(Buffer.concat([globalPax('comment', 'x'), member({ name: 'a' }), end]))).toHaveLength(1);
});
