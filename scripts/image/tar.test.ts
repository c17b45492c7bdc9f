import * as fc from 'fast-check';
import { extract, type Header } from 'tar-stream';
import { describe, expect, it } from 'vitest';
import { encodeHeader, endOfArchive, headerLength, type Member, paddingOf } from './tar.ts';

/** Reads one header back with an independent reader. */
function readBack(bytes: Uint8Array): Promise<Header> {
  return new Promise((resolve, reject) => {
    const reader = extract();
    reader.on('entry', (header) => resolve(header));
    reader.on('error', reject);
    reader.write(bytes);
  });
}

const member = (over: Partial<Member>): Member => ({
  path: 'models/model.joblib',
  type: 'file',
  mode: 0o444,
  uid: 1001,
  gid: 0,
  size: 0,
  mtime: 0,
  ...over,
});

/** Path components that a file system accepts: no `/`, no NUL, at most 255 bytes. */
const component = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
  .filter((text) => !/[/\0]/.test(text) && text !== '.' && text !== '..' && text.isWellFormed());

describe('tar headers', () => {
  it('encode any name, size, owner, mode and time', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(component, { minLength: 1, maxLength: 8 }),
        fc.boolean(),
        fc.oneof(fc.nat(), fc.maxSafeNat()),
        fc.integer({ min: 0, max: 2 ** 21 - 1 }),
        fc.integer({ min: 0, max: 0o7777 }),
        fc.integer({ min: 0, max: 2 ** 33 - 1 }),
        async (parts, directory, size, uid, mode, mtime) => {
          const path = `models/${parts.join('/')}`;
          const type = directory ? 'directory' : 'file';
          const header = await readBack(
            encodeHeader(member({ path, type, size: directory ? 0 : size, uid, mode, mtime })),
          );
          expect(header).toMatchObject({
            name: directory ? `${path}/` : path,
            type,
            size: directory ? 0 : size,
            uid,
            gid: 0,
            mode,
            uname: '',
            gname: '',
          });
          expect(header.mtime?.getTime()).toBe(mtime * 1000);
        },
      ),
    );
  });

  it('use one block for names up to 100 bytes and GNU long names beyond, never PAX', () => {
    expect(encodeHeader(member({ path: 'm'.repeat(100) }))).toHaveLength(512);
    const long = Buffer.from(encodeHeader(member({ path: 'm'.repeat(101) })));
    expect(long).toHaveLength(3 * 512);
    expect(long.toString('latin1', 0, 13)).toBe('././@LongLink');
    expect(long.toString('latin1', 156, 157)).toBe('L');
    expect(long.toString('latin1', 1024 + 257, 1024 + 265)).toBe('ustar  \0');
  });

  it('encode sizes in octal up to 8 GiB - 1 and in base-256 from there', () => {
    const size = (bytes: number) => Buffer.from(encodeHeader(member({ size: bytes }))).subarray(124, 136);
    expect(size(8 * 1024 ** 3 - 1).toString('latin1')).toBe('77777777777\0');
    expect(size(8 * 1024 ** 3).toString('hex')).toBe('800000000000000200000000');
  });

  it('refuse values that tar cannot represent', () => {
    expect(() => encodeHeader(member({ size: -1 }))).toThrow(RangeError);
    expect(() => encodeHeader(member({ size: 1.5 }))).toThrow(RangeError);
    expect(() => encodeHeader(member({ uid: Number.NaN }))).toThrow(RangeError);
  });
});

it('pads members to whole blocks and ends with two zero blocks', () => {
  fc.assert(fc.property(fc.nat(), (size) => (size + paddingOf(size)) % 512 === 0 && paddingOf(size) < 512));
  expect(endOfArchive).toEqual(new Uint8Array(1024));
});

it('states the length of a header without its bytes', () => {
  const path = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1200 });
  fc.assert(
    fc.property(path, fc.constantFrom('file' as const, 'directory' as const), (path, type) => {
      expect(headerLength({ path, type })).toBe(encodeHeader(member({ path, type })).length);
    }),
  );
  for (const length of [99, 100, 101, 510, 511, 512, 513])
    for (const type of ['file', 'directory'] as const) {
      const path = 'm'.repeat(length);
      expect(headerLength({ path, type })).toBe(encodeHeader(member({ path, type })).length);
    }
});
