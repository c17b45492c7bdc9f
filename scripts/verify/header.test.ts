import { expect, test } from 'vitest';
import { member, sign } from '../../tests/support/odd-tars.ts';
import { BrokenTar, parseHeader } from './header.ts';

/** The header block of an empty file, changed by `edit`. */
function block(edit: (block: Buffer) => void): Buffer {
  return member({ name: 'models/x', edit });
}

test('reads sizes over 8 GiB in base-256 (GNU tar manual: top bit of the first byte, then big-endian)', () => {
  // 12 GiB = 3 * 2^32
  const header = parseHeader(
    block((own) => void Buffer.from('800000000000000300000000', 'hex').copy(own, 124)),
  );
  expect(header?.size).toBe(12_884_901_888);
  expect(header?.odd).toBeUndefined();
});

test('reads the largest octal size, with all twelve digits', () => {
  expect(parseHeader(block((own) => void own.write('777777777777', 124)))?.size).toBe(8 ** 12 - 1);
});

test('reads negative times and refuses negative sizes', () => {
  expect(parseHeader(block((own) => void own.fill(0xff, 136, 148)))?.mtime).toBe(-1);
  expect(() => parseHeader(block((own) => void own.fill(0xff, 124, 136)))).toThrow(BrokenTar);
});

test('refuses numbers beyond 2^53 and invalid numbers', () => {
  const huge = (own: Buffer) => void Buffer.from('800000000020000000000000', 'hex').copy(own, 124);
  expect(() => parseHeader(block(huge))).toThrow('size beyond 2^53');
  expect(() => parseHeader(block((own) => void own.write('00000000009', 124)))).toThrow(
    'size that is no number',
  );
  expect(() => parseHeader(block((own) => void own.write('0 1', 100)))).toThrow('mode that is no number');
});

test('joins prefix and name in the ustar format only', () => {
  const prefixed = (magic: string, prefix: string) => (own: Buffer) => {
    own.write(magic, 257, 'latin1');
    own.write(prefix, 345);
  };
  const name = (magic: string, prefix: string) =>
    Buffer.from(parseHeader(block(prefixed(magic, prefix)))?.name ?? []).toString();
  expect(name('ustar\x0000', 'usr/share')).toBe('usr/share/models/x');
  // In the GNU format this field is the access time.
  expect(name('ustar  \0', '00000000001\0')).toBe('models/x');
});

test("refuses fields that only Go's archive/tar treats as a prefix", () => {
  const gnu = (own: Buffer) => void own.write('usr/share', 345);
  expect(() => parseHeader(block(gnu))).toThrow('access time that is no number');
  const later = (own: Buffer) => void own.write('usr/share', 357);
  expect(() => parseHeader(block(later))).toThrow('change time that is no number');
  const star = (own: Buffer) => {
    own.write('ustar\x0000', 257, 'latin1');
    own.write('tar\0', 508, 'latin1');
  };
  expect(() => parseHeader(block(star))).toThrow('format of star');
});

test('refuses a wrong checksum, and accepts a correct one in any of the usual formats', () => {
  const own = member({ name: 'models/x' });
  own[0] = 0x4d;
  expect(() => parseHeader(own)).toThrow('checksum');
  sign(own);
  expect(parseHeader(own)).toBeDefined();
  const digits = own.toString('latin1', 148, 154);
  own.write(` ${digits.slice(1)} \0`, 148);
  expect(parseHeader(own)).toBeDefined();
});

test('returns undefined for a block of zeros', () => {
  expect(parseHeader(new Uint8Array(512))).toBeUndefined();
});
