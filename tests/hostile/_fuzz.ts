/**
 * Fuzzing of what reads a peer, for every suite that needs it: valid documents with something wrong in them, from a seed. What a parser
 * does with one must be a result, or a ModelcarsError in plain words, within a time and in memory that do not depend on it.
 */
import fc from 'fast-check';
import { expect } from 'vitest';
import { ModelcarsError } from '../../scripts/errors.ts';

/** The same documents in every run, unless $MODELCARS_FUZZ_SEED says others; fast-check prints it when one fails. */
const seed = Number(process.env.MODELCARS_FUZZ_SEED ?? 20_251_128) | 0;
/** How many times as many documents as usual. */
const factor = Number(process.env.MODELCARS_FUZZ_RUNS ?? 1);
/** Seconds of CPU for one document: a busy machine makes it no longer. Waiting for nothing ends with the test's time-out. */
const longest = 10;
/** Bytes that the process may have grown by after all documents. */
const mostGrowth = 700 * 1024 ** 2;

/** Words of V8, zod or Node that tell a user nothing: somebody forgot to check. */
const theirs =
  /Cannot (?:read|convert|destructure|access)|is not (?:a function|iterable|defined)|Maximum call stack|Invalid (?:input|array length|string length|URL)|Expected .* received|ERR_[A-Z_]+|\[object |\bat .*\.ts:\d+/;

/** A failure's text without what a peer said, which is quoted, and may be anything. */
function own(message: string): string {
  return message.replaceAll(/"(?:[^"\\]|\\.)*"|`[^`]*`/g, '');
}

/** Fails unless an error is one of ours, short, on clean lines, and not called a bug. */
export function checkFailure(error: unknown): void {
  if (!(error instanceof ModelcarsError)) throw error;
  const { code, message, next = '' } = error;
  expect(code, message).not.toBe('bug');
  expect(message.length, message.slice(0, 300)).toBeLessThan(2500);
  expect(own(message)).not.toMatch(theirs);
  expect(`${message}${next}`).not.toMatch(/[^\P{Cc}\n]|\p{Bidi_Control}/u);
}

export interface FuzzOptions {
  /** Documents, before $MODELCARS_FUZZ_RUNS. */
  runs: number;
  /** The class of failure that the room declares, in place of ModelcarsError; undefined: the latter. */
  failure?: (error: unknown) => boolean;
  /** Documents that are always tried as well: the large ones. */
  always?: readonly (() => unknown)[];
  /** Seconds of CPU for one document; 10 by default. */
  seconds?: number;
}

/**
 * Gives `parse` many documents. Returns how many it took and how many it refused: were it always the same, the documents would
 * show nothing.
 */
export async function fuzz<T>(
  documents: fc.Arbitrary<T>,
  parse: (document: T) => unknown,
  { runs, failure, always = [], seconds = longest }: FuzzOptions,
): Promise<{ taken: number; refused: number }> {
  const counts = { taken: 0, refused: 0 };
  const before = process.memoryUsage.rss();
  const attempt = async (document: T) => {
    const start = process.cpuUsage();
    try {
      await parse(document);
      counts.taken++;
    } catch (error) {
      counts.refused++;
      if (failure === undefined || !failure(error)) checkFailure(error);
    }
    const { user, system } = process.cpuUsage(start);
    expect((user + system) / 1e6, 'seconds of CPU for one document').toBeLessThan(seconds);
  };
  for (const make of always) await attempt(make() as T);
  const numRuns = Math.ceil(runs * factor);
  await fc.assert(fc.asyncProperty(documents, attempt), { seed, numRuns, endOnFailure: false });
  expect(process.memoryUsage.rss() - before, 'bytes of growth').toBeLessThan(mostGrowth);
  return counts;
}

/** Values that a careless reader stumbles over. */
export const hostile: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(
    ...[
      '',
      ' ',
      '\0',
      'a\0b',
      '\u202e',
      '\ud800',
      '\u001b[2J',
      '__proto__',
      'constructor',
      '../../x',
      '/etc/passwd',
    ],
    ...[
      'sha256:',
      `sha256:${'a'.repeat(64)}`,
      `sha256:${'A'.repeat(64)}`,
      `sha512:${'a'.repeat(128)}`,
      '%',
      '%00',
      '%ff',
    ],
    ...[
      'https://',
      'file:///etc/passwd',
      'http://[::1',
      'https://me:pw@h/',
      '//h',
      'data:,x',
      '9'.repeat(400),
      '-1',
      '1e999',
    ],
    ...[
      'x'.repeat(100_000),
      'é'.repeat(5000),
      '$(id)',
      '*',
      '&a [*a]',
      '!!js/function x',
      '2024-99-99',
      'Infinity',
      'null',
    ],
    ...[0, -0, -1, 1.5, 2 ** 31, 2 ** 32, 2 ** 53, 2 ** 53 - 1, 2 ** 63, 1e308, -1e308, 5e-324],
    ...[null, true, false, [], {}, [[]], [null], { '': '' }, { length: 1e9 }, { toString: 1 }, { toJSON: 1 }],
  ),
  fc.jsonValue({ maxDepth: 3 }),
  fc.string({ unit: 'binary' }),
);

const keys = fc.oneof(
  fc.constantFrom(
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    'then',
    'length',
    '',
    '<<',
    '0',
    'a\0',
  ),
  fc.string({ unit: 'binary' }),
);

interface Change {
  at: number;
  kind: 'value' | 'key' | 'drop' | 'double' | 'swap';
  key: string;
  value: unknown;
}

const change: fc.Arbitrary<Change> = fc.record({
  at: fc.nat(),
  kind: fc.constantFrom('value', 'value', 'key', 'drop', 'double', 'swap'),
  key: keys,
  value: hostile,
});

/** Valid values with up to `most` places changed: another value, one more key, one less, an entry twice, two entries swapped. */
export function mutated(valid: unknown, most = 3): fc.Arbitrary<unknown> {
  return fc.array(change, { maxLength: most }).map((changes) => {
    const root = { root: structuredClone(valid) };
    for (const one of changes) mutate(root, one);
    return root.root;
  });
}

function mutate(root: object, { at, kind, key, value }: Change): void {
  const places: [Record<string, unknown>, string][] = [];
  const visit = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    for (const [child, one] of Object.entries(node)) {
      places.push([node as Record<string, unknown>, child]);
      visit(one);
    }
  };
  visit(root);
  const [parent, child] = places[at % places.length] ?? [];
  if (parent === undefined || child === undefined) return;
  const put = (name: string, to: unknown) =>
    Object.defineProperty(parent, name, { value: to, enumerable: true, configurable: true, writable: true });
  if (kind === 'value') put(child, value);
  else if (kind === 'swap') {
    const [other, name] = places[(at + 7) % places.length] ?? [parent, child];
    put(child, structuredClone(other[name]));
  } else if (kind === 'double' && Array.isArray(parent)) parent.push(structuredClone(parent[Number(child)]));
  else if (kind === 'key' && !Array.isArray(parent)) put(key, value);
  else if (Array.isArray(parent)) parent.splice(Number(child), 1);
  else delete parent[child];
}

/** JSON of a valid value with something wrong in it, in its values, or in the text itself: cut, doubled, a key twice, no JSON. */
export function jsonOf(valid: unknown, most = 3): fc.Arbitrary<Buffer> {
  const values = mutated(valid, most).map((value) => Buffer.from(JSON.stringify(value) ?? ''));
  return fc.oneof(
    { weight: 4, arbitrary: values },
    { weight: 1, arbitrary: values.chain((bytes) => bytesOf(bytes)) },
  );
}

/** Bytes of a valid document with some of them changed, taken out, doubled or put in. */
export function bytesOf(valid: Uint8Array, most = 4): fc.Arbitrary<Buffer> {
  const insert = fc.oneof(
    fc.uint8Array({ maxLength: 8 }),
    fc
      .constantFrom(
        '\0',
        '"',
        '\\',
        '{',
        '[',
        ',"a":1',
        'NaN',
        '\ufeff',
        '\\ud800',
        '1e999',
        '\r\n',
        '\xff',
        ' ',
        '<',
        '>',
      )
      .map((text) => Buffer.from(text, 'latin1')),
  );
  const edit = fc.record({
    at: fc.nat(),
    kind: fc.constantFrom('flip', 'cut', 'insert', 'repeat', 'end'),
    length: fc.nat({ max: 64 }),
    bytes: insert,
  });
  return fc.array(edit, { maxLength: most }).map((edits) => {
    let bytes = Buffer.from(valid);
    for (const { at, kind, length, bytes: put } of edits) {
      const place = bytes.length === 0 ? 0 : at % bytes.length;
      const [head, tail] = [bytes.subarray(0, place), bytes.subarray(place)];
      if (kind === 'flip')
        bytes = Buffer.concat([
          head,
          tail.map((byte, nth) => (nth === 0 ? byte ^ (1 << (length % 8)) : byte)),
        ]);
      else if (kind === 'cut') bytes = Buffer.concat([head, tail.subarray(length)]);
      else if (kind === 'insert') bytes = Buffer.concat([head, put, tail]);
      else if (kind === 'repeat') bytes = Buffer.concat([head, tail.subarray(0, length), tail]);
      else bytes = Buffer.from(head);
    }
    return bytes;
  });
}

/** Large and deep JSON that any reader must get through: 100,000 levels, a million items, a megabyte for a key. */
export const monsters: readonly (() => Buffer)[] = [
  () => Buffer.from('['.repeat(100_000) + ']'.repeat(100_000)),
  () => Buffer.from(`${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`),
  () => Buffer.from('['.repeat(1_000_000)),
  () => Buffer.from(`[${'0,'.repeat(1_000_000)}0]`),
  () => Buffer.from(`{${Array.from({ length: 200_000 }, (_, at) => `"${at}":{}`).join()}}`),
  () => Buffer.from(`{"${'k'.repeat(1024 ** 2)}":1}`),
  () => Buffer.from('9'.repeat(1_000_000)),
  () => Buffer.from(`"${'\\ud800'.repeat(100_000)}"`),
  () => Buffer.from('{"__proto__":{"__proto__":null},"constructor":{"prototype":1}}'),
];

/** A valid document with the first monsters, and a long list, in place of each of its values, one at a time. */
export function monstrous(valid: Record<string, unknown>): (() => Buffer)[] {
  return Object.keys(valid).flatMap((key) =>
    [0, 1, 3, 5]
      .flatMap((nth) => monsters[nth] ?? [])
      .map((monster) => () => {
        const text = JSON.stringify({ ...valid, [key]: '@monster@' });
        return Buffer.from(text.replace('"@monster@"', () => monster().toString()));
      }),
  );
}
