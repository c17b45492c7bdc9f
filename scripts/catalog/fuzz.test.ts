import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { Folder } from '../../tests/support/catalog-folder.ts';
import { ModelcarsError } from '../errors.ts';
import { loadCatalog } from './load.ts';
import { readLock } from './lockfile.ts';

let folder: Folder;
beforeAll(async () => {
  folder = await Folder.make();
});
afterAll(() => folder[Symbol.asyncDispose]());

const runs = { numRuns: 300 };
/** `models.yaml:3:5: text`, one or many with a head, and no word of zod's, yaml's or V8's. */
const ours =
  /^(?:read \S*models\.(?:lock\.)?yaml: \d+ mistakes\n)?(?:\S*models\.(?:lock\.)?yaml:\d+:\d+: [^\n]+(?:\n|$))+(?:… and \d+ more)?$/;
const theirs =
  /Invalid (?:input|string|key|element)|Too (?:small|big)|Unrecognized|undefined|\[object |TypeError|RangeError/;

function check(error: unknown, code: string): void {
  expect(error).toBeInstanceOf(ModelcarsError);
  const { message, next } = error as ModelcarsError;
  expect((error as ModelcarsError).code).toBe(code);
  expect(message).toMatch(ours);
  // What the file itself says is quoted and may be anything.
  expect(message.replaceAll(/`[^`]*`/g, '')).not.toMatch(theirs);
  expect(next).toBeTruthy();
}

async function loads(text: string): Promise<'catalog' | 'refused'> {
  try {
    const { models } = await loadCatalog(await folder.catalog(text));
    expect(models.length).toBeGreaterThan(0);
    return 'catalog';
  } catch (error) {
    check(error, 'catalog');
    expect((error as ModelcarsError).exitCode).toBe(2);
    return 'refused';
  }
}

const valid = {
  registry: 'quay.io/me',
  version: 'v1.0.0',
  mirrors: { 'quay.io': 'localhost:5000' },
  defaults: {
    base: 'embedded',
    platforms: ['linux/amd64'],
    compression: 'gzip',
    annotations: { 'a.b': 'c' },
  },
  models: [
    {
      name: 'one',
      framework: 'testing',
      source: 'file:m',
      files: { 'a/b': 'file:x' },
      include: ['*.bin'],
      tags: ['t'],
    },
    {
      name: 'two',
      framework: 'testing',
      source: 'hf://org/repo',
      maxLayerSize: '10GB',
      licenses: 'MIT',
      title: 'T',
    },
  ],
};
const hostile = fc.constantFrom<unknown>(
  '../../etc/passwd',
  '/etc/passwd',
  'a\0b',
  'a\\b',
  '.wh.x',
  '__proto__',
  'constructor',
  '\u202e',
  '\ud800',
  'é'.repeat(300),
  'file:///etc/passwd',
  'file:../x',
  'file:%00',
  'https://me:pw@h/x',
  '$HOME',
  '$(id)',
  '*',
  '!x',
  '-',
  '',
  ' ',
  0,
  -1,
  1e308,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  null,
  true,
  [],
  {},
  [[]],
  { '': '' },
  'x'.repeat(10_000),
  '\u001b[2J',
);
const anything = fc.oneof(hostile, fc.jsonValue({ maxDepth: 3 }), fc.string({ unit: 'binary' }));
const name = fc.oneof(
  fc.string(),
  fc.constantFrom('name', 'source', 'defaults', '__proto__', 'toString', '<<', '../x', 'A', 'a'),
);

type Change = { at: number; kind: 'value' | 'key' | 'drop' | 'double'; name: string; value: unknown };
const change: fc.Arbitrary<Change> = fc.record({
  at: fc.nat(),
  kind: fc.constantFrom('value', 'key', 'drop', 'double'),
  name,
  value: anything,
});

/** Changes one place of a value: another value, one more key, one less, one entry of a list twice. */
function mutate(root: unknown, { at, kind, name: key, value }: Change): void {
  const places: [Record<string, unknown>, string][] = [];
  const visit = (node: unknown) => {
    if (typeof node !== 'object' || node === null) return;
    for (const [child, one] of Object.entries(node)) {
      places.push([node as Record<string, unknown>, child]);
      visit(one);
    }
  };
  visit(root);
  const [parent, child] = places[at % places.length] ?? [];
  if (parent === undefined || child === undefined) return;
  if (kind === 'value') parent[child] = value;
  else if (kind === 'key' && !Array.isArray(parent))
    Object.defineProperty(parent, key, { value, enumerable: true, configurable: true, writable: true });
  else if (kind === 'double' && Array.isArray(parent)) parent.push(structuredClone(parent[Number(child)]));
  else if (Array.isArray(parent)) parent.splice(Number(child), 1);
  else delete parent[child];
}

it('takes the catalog that the others are made of', async () => {
  expect(await loads(stringify(valid))).toBe('catalog');
});

it('answers any value with a catalog or our words', async () => {
  await fc.assert(
    fc.asyncProperty(anything, async (value) => void (await loads(stringify(value) ?? ''))),
    runs,
  );
});

it('answers any text with a catalog or our words', async () => {
  const pieces = fc.constantFrom(
    'models:',
    '\n',
    '  ',
    '- ',
    'name: ',
    'a',
    '&x ',
    '*x',
    '<<: ',
    '{',
    '}',
    '[',
    ']',
    '"',
    "'",
    '|\n',
    '!!set ',
    '? ',
    ': ',
    '#',
    '---\n',
    '%YAML 1.1\n',
    '\t',
    '\0',
    '\ufeff',
    '\r',
  );
  const text = fc.oneof(
    fc.array(pieces, { maxLength: 40 }).map((parts) => parts.join('')),
    fc.string({ unit: 'binary' }),
  );
  await fc.assert(
    fc.asyncProperty(text, async (value) => void (await loads(value))),
    runs,
  );
});

it('answers a catalog with anything wrong in it with our words', async () => {
  const outcomes = new Set<string>();
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
      const catalog = structuredClone(valid);
      for (const one of changes) mutate(catalog, one);
      outcomes.add(await loads(stringify(catalog)));
    }),
    { numRuns: 1000 },
  );
  // Were it always one of the two, this test would try nothing.
  expect([...outcomes].sort()).toEqual(['catalog', 'refused']);
});

it('answers a lock with anything wrong in it with a lock or our words', async () => {
  const hex = 'ab'.repeat(32);
  const lock = {
    lockVersion: 1,
    bases: { embedded: { 'linux/amd64': `sha256:${hex}` } },
    models: {
      one: {
        framework: 'f',
        source: 'file:m',
        revision: 'r',
        include: ['*'],
        exclude: [],
        files: [
          { path: 'a', size: 1, sha256: hex },
          { path: 'b', size: 1, sha256: hex, source: 'file:b' },
        ],
      },
    },
  };
  const file = join(folder.path, 'models.lock.yaml');
  await fc.assert(
    fc.asyncProperty(fc.array(change, { maxLength: 3 }), async (changes) => {
      const changed = structuredClone(lock);
      for (const one of changes) mutate(changed, one);
      await folder.write({ 'models.lock.yaml': stringify(changed) });
      await readLock(file).catch((error) => check(error, 'lock'));
    }),
    runs,
  );
});
