import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ModelcarsError } from '../errors.ts';
import { encodeHeader } from '../image/tar.ts';
import { listMembers } from './archive-members.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'members-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** The members of an archive with these bytes, or the error's message. */
async function list(
  bytes: Uint8Array,
  most?: number,
): Promise<Record<string, { start: number; size: number }> | string> {
  const file = join(folder, 'a.tar');
  await writeFile(file, bytes);
  const handle = await open(file);
  try {
    return Object.fromEntries(await listMembers(file, handle, most));
  } catch (error) {
    if (error instanceof ModelcarsError && error.code === 'layout')
      return error.message.replace(file, 'a.tar');
    throw error;
  } finally {
    await handle.close();
  }
}

/** A member with one header field replaced and a matching checksum. */
function member(path: string, content: string, field?: { at: number; bytes: Buffer }): Buffer {
  const size = Buffer.byteLength(content);
  const header = Buffer.from(
    encodeHeader({ path, type: 'file', mode: 0o644, uid: 0, gid: 0, mtime: 0, size }),
  );
  field?.bytes.copy(header, field.at);
  header.write(' '.repeat(8), 148, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return Buffer.concat([header, Buffer.from(content), Buffer.alloc((512 - (size % 512)) % 512)]);
}
const size = (text: string) => ({ at: 124, bytes: Buffer.from(text, 'latin1') });
const base256 = (...bytes: number[]) => ({ at: 124, bytes: Buffer.from(bytes) });

const whole = Buffer.concat([member('a', 'x'.repeat(700)), member('./b', ''), Buffer.alloc(1024)]);

describe('listMembers', () => {
  it('finds every file', async () => {
    expect(await list(whole)).toEqual({ a: { start: 512, size: 700 }, b: { start: 2048, size: 0 } });
  });

  it('reads sizes in octal with blanks and in base-256', async () => {
    for (const field of [size('         3 \0'), base256(0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3)])
      expect(await list(member('a', 'xyz', field))).toEqual({ a: { start: 512, size: 3 } });
  });

  it.each([
    ['8 EiB', base256(0x80, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0), /no size/],
    ['-1', base256(...Array(12).fill(0xff)), /no size/],
    ['12 bytes of base-256', base256(...Array(12).fill(0xbf)), /no size/],
    ['octal junk', size('00000000009\0'), /no size/],
    ['a minus', size('-0000000001\0'), /no size/],
    ['an exponent', size('1e3\0\0\0\0\0\0\0\0\0'), /no size/],
    [
      '2^53 - 1',
      base256(0x80, 0, 0, 0, 0, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff),
      /9007199254740991 bytes, 512 are left/,
    ],
    ['8 GiB', size('77777777777\0'), /8589934591 bytes, 512 are left/],
  ])('refuses a member with a size of %s', async (_, field, message) => {
    expect(await list(member('a', 'xyz', field))).toMatch(message);
  });

  it('refuses a tar truncated in a header or in content', async () => {
    for (const length of [1, 511, 513, 1000, 1211, 1300]) {
      const found = await list(whole.subarray(0, length));
      // The last member's padding belongs to no content.
      if (length < 1212) expect(found, String(length)).toMatch(/^open a\.tar: it .*cut off/);
      else expect(found).toMatchObject({ a: { size: 700 } });
    }
  });

  it('refuses a tar with too many members', async () => {
    const many = Buffer.alloc(512 * 11, member('a', ''));
    expect(await list(many, 10)).toMatch('it has more than 10 members');
    expect(await list(many, 11)).toHaveProperty('a');
  });

  it('returns members or throws a ModelcarsError for any bytes', async () => {
    const changes = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(changes, fc.nat(whole.length), fc.boolean(), async (bytes, length, sums) => {
        const copy = Buffer.from(whole);
        for (const [at, byte] of bytes) copy[at] = byte;
        // Most changes fail at the checksum, so half of them get a correct one.
        const first = sums ? member('a', 'x'.repeat(700), { at: 0, bytes: copy.subarray(0, 148) }) : copy;
        const found = await list(Buffer.concat([first, copy.subarray(first.length)]).subarray(0, length));
        if (typeof found === 'string') {
          expect(found).toMatch(/^open a\.tar: it /);
          return;
        }
        for (const span of Object.values(found)) expect(span.start + span.size).toBeLessThanOrEqual(length);
      }),
      { numRuns: 300, seed: 12 },
    );
  });
});
