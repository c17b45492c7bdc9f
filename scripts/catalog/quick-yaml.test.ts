import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { bytesOf, hostileValues, mutated } from '../../tests/support/hostile-values.ts';
import { quickYaml } from './quick-yaml.ts';
import { readYaml } from './yaml-document.ts';

const hex = 'ab'.repeat(32);
const file = { path: '0x1f', size: 10_000_000_000, sha256: '12'.repeat(32), source: 'file:b' };
const lock = {
  lockVersion: 1,
  bases: { 'quay.io/a/b:1': { 'linux/amd64': `sha256:${hex}` } },
  models: {
    no: {
      framework: 'null',
      source: 'hf://org/a:1.0',
      revision: '1e10',
      metadata: { license: '2024-01-01', note: 'two\nlines: yes' },
      include: ['*.joblib', '!a', '- b', '# c'],
      exclude: [],
      files: [{ ...file, path: 'LICENSE*' }, file],
    },
  },
};
const text = stringify(lock);

/** What both parsers agree on; undefined where the quick one leaves the text to the other. */
function agreed(source: string): unknown {
  const quick = quickYaml(source);
  if (quick === undefined) return undefined;
  const { value, mistakes } = readYaml(source, 1_000_000);
  expect(mistakes).toEqual([]);
  expect(JSON.stringify(quick)).toBe(JSON.stringify(value));
  return quick;
}

describe('quickYaml', () => {
  it('reads a lock as it was written', () => {
    expect(text).toMatch(/"\*\.joblib"/);
    expect(agreed(text)).toEqual(lock);
  });

  it.each([
    ['an anchor and an alias', 'a: &x [1]\nb: *x\n'],
    ['a merge key', 'a: {b: 1}\nc:\n  <<: {b: 2}\n'],
    ['a tag', 'a: !!str 1\n'],
    ['a key twice', 'a: 1\na: 2\n'],
    ['a key of prototypes', '__proto__: {a: 1}\n'],
    ['a number as key', 'a:\n  12: b\n'],
    ['an empty key', 'a:\n  : b\n'],
    ['broken syntax', 'a: [1\n'],
    ['two documents', 'a: 1\n---\nb: 2\n'],
  ])('leaves %s to readYaml', (_, source) => {
    expect(quickYaml(source)).toBeUndefined();
  });

  it.each([
    ['spaces', ' '],
    ['line breaks', '\n'],
    ['dashes', '- '],
    ['digits', '1'],
    ['question marks', '? '],
  ])('takes linear time for millions of %s', (_, piece) => {
    const huge = `${piece.repeat(4_000_000)}\n`;
    // The last line is the only odd one, so that every pattern reads all the others.
    expect(quickYaml(`a: ${huge}~: x`)).toBeUndefined();
  });

  it('reads the lists and maps in brackets that people write', () => {
    const models = '  - {name: a-1, source: "hf://org/a", tags: [stable, v1.0], exclude: []}\n';
    expect(agreed(`defaults: {base: embedded, platforms: [linux/amd64]}\nmodels:\n${models}`)).toEqual({
      defaults: { base: 'embedded', platforms: ['linux/amd64'] },
      models: [{ name: 'a-1', source: 'hf://org/a', tags: ['stable', 'v1.0'], exclude: [] }],
    });
  });

  it('agrees with readYaml about everything else in brackets, or leaves it', () => {
    const words = ['a', 'a/b', 'a-', '1', '007', '1.', '1_0', '0x1f', '1e5', '1e400', '-1', '.inf', '12:30'];
    const word = fc.constantFrom(
      ...words,
      'null',
      'True',
      '~',
      '_',
      '',
      '"x: y"',
      '"a, [b]"',
      '"\\n"',
      "'q'",
      '*',
    );
    const { flow } = fc.letrec<{ flow: string }>((tie) => ({
      flow: fc.oneof(
        { maxDepth: 2, withCrossShrink: true },
        word,
        fc.array(tie('flow'), { maxLength: 3 }).map((items) => `[${items.join(', ')}]`),
        fc
          .array(fc.tuple(word, tie('flow')), { maxLength: 3 })
          .map((pairs) => `{${pairs.map((pair) => pair.join(': ')).join(',')}}`),
      ),
    }));
    let seen = 0;
    fc.assert(
      fc.property(flow, flow, fc.constantFrom('', ': b', ' b', 'b', ' # b'), (one, other, end) => {
        if (agreed(`a: ${one}\nb:\n  - ${other}${end}\n`) !== undefined) seen++;
      }),
      { numRuns: 2000 },
    );
    expect(seen).toBeGreaterThan(200);
  });

  it.each([
    ['brackets', '['],
    ['maps', '{a: '],
    ['quotes', '{a: "'],
    ['pairs', '{a: b, '],
  ])('takes linear time for many %s that stay open', (_, piece) => {
    expect(quickYaml(`a: ${piece.repeat(1_000_000)}\n`)).toBeUndefined();
    expect(quickYaml(`a: {b: "${piece.repeat(1_000_000)}\n`)).toBeUndefined();
  });

  it('otherwise agrees with readYaml', () => {
    const sources = fc.oneof(
      hostileValues.map((value) => stringify(value) ?? ''),
      mutated(lock).map((value) => stringify(value) ?? ''),
      bytesOf(Buffer.from(text)).map((bytes) => bytes.toString()),
    );
    let seen = 0;
    fc.assert(
      fc.property(sources, (source) => {
        if (agreed(source) !== undefined) seen++;
      }),
      { numRuns: 2000 },
    );
    expect(seen).toBeGreaterThan(500);
  });
});
