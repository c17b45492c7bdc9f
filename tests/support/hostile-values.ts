/** Generators of hostile input: valid documents with parts changed, and values that careless readers fail on. */
import fc from 'fast-check';

/** Values that careless readers fail on. */
export const hostileValues: fc.Arbitrary<unknown> = fc.oneof(
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
      'a\\b',
      '.wh.x',
      '$HOME',
      '!x',
      '-',
      'file:../x',
      'file:%00',
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
    ...[
      0,
      -0,
      -1,
      1.5,
      2 ** 31,
      2 ** 32,
      2 ** 53,
      2 ** 53 - 1,
      2 ** 63,
      1e308,
      -1e308,
      5e-324,
      Number.NaN,
      Number.POSITIVE_INFINITY,
    ],
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
    'name',
    'source',
    'defaults',
    '../x',
    'A',
    'a',
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
  value: hostileValues,
});

/** Valid values with `least` to `most` changes: a value replaced, a key added or removed, an entry repeated, two values swapped. */
export function mutated(valid: unknown, most = 3, least = 0): fc.Arbitrary<unknown> {
  return fc.array(change, { minLength: least, maxLength: most }).map((changes) => {
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

/** JSON of a valid value with changes in its values or in the text itself (cut, repeated, a duplicate key, not JSON). */
export function jsonOf(valid: unknown, most = 3): fc.Arbitrary<Buffer> {
  const values = mutated(valid, most).map((value) => Buffer.from(JSON.stringify(value) ?? ''));
  return fc.oneof(
    { weight: 4, arbitrary: values },
    { weight: 1, arbitrary: values.chain((bytes) => bytesOf(bytes)) },
  );
}

/** Bytes of a valid document with some changed, removed, repeated or inserted. */
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

/** Large and deep JSON that any reader must survive: 100,000 levels, a million items, a key of a megabyte. */
export const hugeDocuments: readonly (() => Buffer)[] = [
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

/** A valid document with each of its values in turn replaced by each of four huge documents. */
export function withHugeValues(valid: Record<string, unknown>): (() => Buffer)[] {
  return Object.keys(valid).flatMap((key) =>
    [0, 1, 3, 5]
      .flatMap((nth) => hugeDocuments[nth] ?? [])
      .map((huge) => () => {
        const text = JSON.stringify({ ...valid, [key]: '@huge@' });
        return Buffer.from(text.replace('"@huge@"', () => huge().toString()));
      }),
  );
}
