/** Go's archive/tar, which container engines unpack layers with, checks verify's reading of a tar. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { $ } from 'zx';
import { requireGo } from '../../base/compile.ts';
import { BrokenTar } from '../../scripts/verify/header.ts';
import { cleanPath } from '../../scripts/verify/paths.ts';
import { TarParser } from '../../scripts/verify/tar.ts';
import { member, pax, type Spec, sign } from '../support/odd-tars.ts';

const missing = await requireGo(join(import.meta.dirname, '../../base')).then(
  () => undefined,
  (error: Error) => error.message,
);
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelcars-tar-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Fixed, so that every run tries the same tars; $MODELCARS_FUZZ_SEED overrides it. */
const count = 30_000;
const seed = Number(process.env.MODELCARS_FUZZ_SEED ?? 20_251_128) | 0;

function globalPax(key: string, value: string): Buffer {
  const bytes = pax(key, value);
  bytes.write('g', 156);
  sign(bytes.subarray(0, 512));
  return bytes;
}

const long = (content: string, type = 'L') =>
  member({ name: '././@LongLink', type, content: `${content}\0` });
/** Members that precede another and change it, in one reader or in all. */
const before = fc.constantFrom(
  ...[pax('path', 'models/p'), pax('path', ''), pax('size', '1'), pax('size', '513'), pax('size', '')],
  ...[
    pax('linkpath', '/etc/x'),
    pax('linkpath', ''),
    pax('uid', '5'),
    pax('mtime', '1.5'),
    pax('mtime', 'x'),
  ],
  ...[pax('GNU.sparse.major', '1'), pax('GNU.sparse.name', 'models/s'), pax('SCHILY.xattr.user.a', 'b')],
  ...[
    globalPax('comment', 'x'),
    globalPax('path', 'models/g'),
    long('models/evil'),
    long(''),
    long('../../etc', 'K'),
  ],
  ...[long(`${'d/'.repeat(80)}f`), member({ name: 'p', type: 'x', content: '9 path=x\n10 path=yy\n' })],
  ...Array.from({ length: 20 }, () => Buffer.alloc(0)),
);
const name = fc.constantFrom(
  'a',
  'a/b',
  'a/',
  './a',
  '/a',
  '../a',
  'models',
  'models/m',
  '',
  '.',
  '.wh.a',
  'l/x',
  'n'.repeat(100),
  'é',
  'a\\b',
);
const spec: fc.Arbitrary<Spec> = fc.record({
  name,
  type: fc.constantFrom(...'000000125567VDMAS'),
  link: name,
  content: fc.constantFrom('', 'x', 'x'.repeat(512), 'x'.repeat(513)),
  before: fc.array(before, { maxLength: 2 }).map((parts) => Buffer.concat(parts)),
});
/** A header with bytes replaced: at a field's start, or anywhere. */
const spoil = fc.record({
  at: fc.oneof(
    fc.nat({ max: 500 }),
    fc.constantFrom(100, 124, 136, 148, 156, 157, 257, 263, 265, 329, 345, 357, 482),
  ),
  bytes: fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 12 }),
    fc
      .constantFrom(
        'models/q',
        'tar\0',
        '\0\0\0',
        'ustar\0',
        '00',
        '  ',
        '00000000001',
        '0',
        '5',
        '1',
        '7',
        ' 12 \0',
        '12 3',
      )
      .map((text) => Uint8Array.from(Buffer.from(text, 'latin1'))),
  ),
});
const one = fc
  .tuple(spec, fc.option(spoil, { freq: 1, nil: undefined }), fc.constantFrom('gnu', 'gnu', 'ustar', 'old'))
  .map(([own, wrong, format]) => {
    const bytes = member(own);
    const start = own.before?.length ?? 0;
    const header = bytes.subarray(start, start + 512);
    if (format === 'ustar') header.write('ustar\x0000', 257, 'latin1');
    if (format === 'old') header.fill(0, 257, 265);
    if (wrong !== undefined) header.set(wrong.bytes, wrong.at);
    sign(header);
    return bytes;
  });
const tars = fc
  .array(one, { minLength: 1, maxLength: 3 })
  .map((members) => Buffer.concat([...members, Buffer.alloc(1024)]));

interface Listed {
  members: { Name: string; Link: string; Type: string }[];
  error: string;
}

/** Path and, for a link, target of each member as verify sees them; undefined where it rejects the tar. */
function ours(bytes: Buffer): string[] | undefined {
  const reader = new TarParser({ members: 1000, names: 1_000_000 }, false);
  try {
    reader.push(bytes);
    reader.end();
  } catch (error) {
    if (error instanceof BrokenTar) return undefined;
    throw error;
  }
  return reader.members.map(({ path, type, link = '' }) =>
    type.endsWith('link') ? `${path} → ${link}` : path,
  );
}

function theirs({ members }: Listed): string[] {
  const text = (base64: string) => Buffer.from(base64, 'base64').toString('utf8');
  return members.map(({ Name, Link, Type }) => {
    const path = cleanPath(text(Name));
    return Type === '1' || Type === '2' ? `${path} → ${text(Link)}` : path;
  });
}

it('Go lists the same members as verify, in every tar that verify accepts', async (context) => {
  if (missing !== undefined) context.skip(missing);
  const program = join(folder, 'list');
  await $({
    cwd: join(import.meta.dirname, 'tar'),
    quiet: true,
    env: { ...process.env, GO111MODULE: 'off' },
  })`go build -o ${program} main.go`;
  const samples = fc.sample(tars, { numRuns: count, seed });
  const input = samples.map((bytes) => `${bytes.toString('base64')}\n`).join('');
  const { stdout } = await $({ quiet: true, input })`${program}`;
  const listed = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Listed);
  expect(listed).toHaveLength(count);
  let same = 0;
  for (const [at, bytes] of samples.entries()) {
    const own = ours(bytes);
    if (own === undefined) continue;
    const go = theirs(listed[at] ?? { members: [], error: '' });
    expect(own, bytes.toString('base64')).toEqual(expect.arrayContaining(go));
    if (own.join('\n') === go.join('\n')) same++;
  }
  // Most tars that both read are the same to both; if all were rejected, this would show nothing.
  expect(same).toBeGreaterThan(count / 10);
});
