import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { Folder } from '../../tests/support/catalog-folder.ts';
import { hostileValues, mutated } from '../../tests/support/hostile-values.ts';
import { ModelcarsError } from '../errors.ts';
import { loadCatalog } from './load.ts';
import { readLock } from './lockfile.ts';

let folder: Folder;
beforeAll(async () => {
  folder = await Folder.make();
});
afterAll(() => folder[Symbol.asyncDispose]());

const runs = { numRuns: 300 };
/** `models.yaml:3:5: text`, one per line, with a heading above several; or a valid catalog without models. */
const diagnostics =
  /^\S*models\.yaml lists no models yet$|^(?:read \S*models\.(?:lock\.)?yaml: \d+ mistakes\n)?(?:\S*models\.(?:lock\.)?yaml:\d+:\d+: [^\n]+(?:\n|$))+(?:… and \d+ more)?$/;
/** Messages of zod, yaml or V8. */
const leakedMessages =
  /Invalid (?:input|string|key|element)|Too (?:small|big)|Unrecognized|undefined|\[object |TypeError|RangeError/;

function check(error: unknown, code: string): void {
  expect(error).toBeInstanceOf(ModelcarsError);
  const { message, next } = error as ModelcarsError;
  expect((error as ModelcarsError).code).toBe(code);
  expect(message).toMatch(diagnostics);
  // Quoted input can be anything.
  expect(message.replaceAll(/`[^`]*`/g, '')).not.toMatch(leakedMessages);
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
it('loads the valid catalog that the other tests mutate', async () => {
  expect(await loads(stringify(valid))).toBe('catalog');
});

it('loads any value, or refuses it with a plain message', async () => {
  await fc.assert(
    fc.asyncProperty(hostileValues, async (value) => void (await loads(stringify(value) ?? ''))),
    runs,
  );
});

it('loads any text, or refuses it with a plain message', async () => {
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

it('loads a mutated catalog, or refuses it with a plain message', { timeout: 120_000 }, async () => {
  const outcomes = new Set<string>();
  await fc.assert(
    fc.asyncProperty(mutated(valid, 4, 1), async (catalog) => {
      outcomes.add(await loads(stringify(catalog) ?? ''));
    }),
    { numRuns: 1000 },
  );
  // If only one outcome occurred, the mutations would prove nothing.
  expect([...outcomes].sort()).toEqual(['catalog', 'refused']);
});

it('reads a mutated lock, or refuses it with a plain message', async () => {
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
    fc.asyncProperty(mutated(lock), async (changed) => {
      await folder.write({ 'models.lock.yaml': stringify(changed) ?? '' });
      await readLock(file).catch((error) => check(error, 'lock'));
    }),
    runs,
  );
});
