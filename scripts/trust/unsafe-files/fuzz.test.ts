import { deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { fuzz } from '../../../tests/support/fuzz.ts';
import {
  call,
  dict,
  dtype,
  file,
  int,
  joblibArray,
  joblibTexts,
  list,
  named,
  str,
  tuple,
} from '../../../tests/support/pickles.ts';
import { walked } from '../../../tests/support/walked.ts';
import { zipOf } from '../../../tests/support/zips.ts';

vi.setConfig({ testTimeout: 120_000 });

const pickle = file(
  list(
    joblibArray('f8', [2], Buffer.alloc(16)),
    joblibTexts('a', 'b'),
    call('numpy.core.multiarray', 'scalar', dtype('f8'), str('x')),
    dict({ a: tuple(int(1), named('os', 'system')) }),
  ),
);
const archive = zipOf(
  { name: 'archive/data.pkl', bytes: pickle },
  { name: 'archive/data/0', bytes: Buffer.alloc(40), described: true },
  { name: 'archive/version', bytes: Buffer.from('3\n'), deflated: true, described: true },
);
const npy = Buffer.from(
  `\x93NUMPY\x01\0\x76\0${"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }".padEnd(117)}\n`,
  'latin1',
);
const samples = [
  pickle,
  archive,
  deflateSync(pickle),
  gzipSync(archive),
  Buffer.concat([npy, pickle]),
  zipOf({ name: 'config.json', bytes: Buffer.from('{"class_name": "Lambda"}'), deflated: true }),
  Buffer.from("(lp0\nS'a'\np1\naI01\naF1.5\na(dp2\ng1\ncos\nsystem\nsa."),
];
const names = [
  'model.pkl',
  'model.pt',
  'a.npz',
  'a.keras',
  'config.json',
  'model.safetensors',
  'model.onnx',
  'notes',
];

interface Draft {
  sample: number;
  name: string;
  chunk: number;
  cut: number;
  changes: readonly (readonly [at: number, byte: number])[];
  added: Uint8Array;
}

const drafts: fc.Arbitrary<Draft> = fc.record({
  sample: fc.nat(samples.length - 1),
  name: fc.constantFrom(...names),
  chunk: fc.constantFrom(1, 3, 100, 65_536),
  cut: fc.nat(2000),
  changes: fc.array(fc.tuple(fc.nat(2000), fc.nat(255)), { maxLength: 5 }),
  added: fc.uint8Array({ maxLength: 20 }),
});

/** A file that is changed in some bytes, cut short or prolonged. */
function made({ sample, cut, changes, added }: Draft): Buffer {
  const bytes = Buffer.from(samples[sample] ?? pickle);
  for (const [at, byte] of changes) if (at < bytes.length) bytes[at] = byte;
  return Buffer.concat([cut < bytes.length ? bytes.subarray(0, cut) : bytes, added]);
}

test('changed files end in facts, whatever the chunks, and never in an error', async () => {
  const seen = new Set<string>();
  await fuzz(
    drafts,
    async (draft) => {
      const facts = await walked(made(draft), draft.name, draft.chunk);
      for (const { detail } of facts.findings) seen.add(detail.replace(/\d+/g, '').slice(0, 40));
      expect(facts.findings.length).toBeLessThan(25);
    },
    { runs: 1500, seconds: 5 },
  );
  expect(seen.size).toBeGreaterThan(15);
});

test('random bytes end in facts', async () => {
  const bytes = fc.tuple(
    fc.uint8Array({ maxLength: 300 }),
    fc.constantFrom('', '\x80\x04', 'PK\x03\x04', '\x78\x9c', '\x93NUMPY\x01\0'),
    fc.constantFrom(...names),
  );
  await fuzz(
    bytes,
    ([body, head, name]) => walked(Buffer.concat([Buffer.from(head, 'latin1'), body]), name, 7),
    {
      runs: 1500,
      seconds: 5,
    },
  );
});

test('opcodes in any order end in facts, and no chunk size changes them', async () => {
  const opcodes = fc.array(
    fc.oneof(
      fc
        .constantFrom(
          '(',
          'N',
          '0',
          '1',
          '2',
          't',
          'l',
          'd',
          '}',
          ']',
          ')',
          'R',
          'b',
          's',
          'u',
          'a',
          'e',
          'o',
          'Q',
          '\x81',
          '\x92',
          '\x93',
          '\x94',
          '\x85',
          '\x86',
          'h\0',
          'q\0',
          '.',
        )
        .map((text) => Buffer.from(text, 'latin1')),
      fc
        .constantFrom('os', 'numpy', 'dtype', 'NumpyArrayWrapper', 'joblib.numpy_pickle', 'shape', 'f8')
        .map(str),
      fc.nat(100).map(int),
    ),
    { maxLength: 40 },
  );
  await fuzz(
    opcodes,
    async (parts) => {
      const bytes = file(Buffer.concat(parts));
      expect(await walked(bytes, 'model.pkl', 1)).toEqual(await walked(bytes, 'model.pkl', 1000));
    },
    { runs: 1500, seconds: 5 },
  );
});

test('stacks, memos and nesting are bounded', async () => {
  const many = (text: string, count: number) => Buffer.alloc(text.length * count, text, 'latin1');
  const nested = Buffer.concat([many('](', 400_000), many('e', 400_000)]);
  const big = [
    many('(', 1_100_000),
    many('N', 1_100_000),
    many('}', 1_100_000),
    many(']\x94', 600_000),
    many('\x8c\x05abcde\x94', 300_000),
    nested,
    Buffer.concat([Buffer.from('cnumpy\nndarray\n'), nested, Buffer.from('\x85R.', 'latin1')]),
  ];
  const before = process.memoryUsage.rss();
  for (const body of big) await walked(Buffer.concat([Buffer.from([0x80, 4]), body]), 'model.pkl');
  expect(process.memoryUsage.rss() - before).toBeLessThan(500 * 1024 ** 2);
});
