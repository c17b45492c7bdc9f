import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { entryText, insertModel, type NewModel } from './insert-model.ts';

const iris: NewModel = { name: 'iris', framework: 'sklearn', source: 'file:iris.joblib' };
const lines = '- name: iris\n  framework: sklearn\n  source: file:iris.joblib\n';
const entry = (indent: string, eol = '\n') => lines.replaceAll(/^(?=.)/gm, indent).replaceAll('\n', eol);

/** Asserts that the result is the text before and the text after, with the entry between them. */
function expectBetween(before: string, after: string, indent = '  ', blank = ''): void {
  expect(insertModel(before + after, iris)).toBe(before + blank + entry(indent) + after);
}

describe('inserts after the last entry and leaves every other byte', () => {
  it.each([
    ['one entry', '# top\nmodels:\n  - name: a # the first\n    source: "file:a"   # odd   spaces\n', ''],
    [
      'keys after the list',
      'models:\n  - {name: a,   source: file:a}\n',
      '\nregistry:   quay.io/me # last\n',
    ],
    [
      'comments of the last entry',
      'models:\n  - name: a\n    source: file:a\n\n    # version: v1\n    # more\n',
      '',
    ],
    [
      'commented-out entries',
      'models:\n  - name: a\n    source: file:a\n',
      '\n  # - name: b\n  #   source: file:b\n',
    ],
    [
      'a long text',
      'models:\n  - name: a\n    description: |\n      one\n\n      two\n',
      '\nversion: v1.0.0\n',
    ],
    [
      'a text that keeps blank lines',
      'models:\n  - name: a\n    description: |+\n      one\n\n\n',
      '# end\n',
    ],
    [
      'a list at the end of an entry',
      'models:\n  - name: a\n    tags:\n      - b\n      # - c\n',
      'registry: q.io/a\n',
    ],
    ['anchors and merge keys', 'x: &x\n  framework: a\nmodels: &all\n  - <<: *x\n    name: a\n', 'y: 1\n'],
    ['a document start', '---\nmodels:\n  - name: a\n', ''],
  ])('%s', (_, before, after) => {
    expectBetween(before, after);
  });

  it('with dashes below the key, or far to the right', () => {
    expectBetween('models:\n- name: a\n  source: file:a\n', '# about the registry\nregistry: q.io/me\n', '');
    expectBetween('models:\n      - name: a\n        source: file:a\n', '', '      ');
  });

  it('with a blank line where the entries have one', () => {
    expectBetween('models:\n  - name: a\n\n  # b\n  - name: b\n', '\n  # - name: c\n', '  ', '\n');
    expectBetween('models:\n  - name: a\n  - name: b\n', '\nversion: v1.0.0\n');
  });

  it('with the line breaks of the file, and without one at its end', () => {
    const text = 'models:\r\n  - name: a\r\n';
    expect(insertModel(text, iris)).toBe(text + entry('  ', '\r\n'));
    expect(insertModel('models:\n  - name: a', iris)).toBe(`models:\n  - name: a\n${entry('  ')}`);
  });

  it('in a list on one line', () => {
    expect(insertModel('models: [{name: a}, {name: b} ] # all\n', { ...iris, include: ['*.x'] })).toBe(
      'models: [{name: a}, {name: b}, {name: "iris",framework: "sklearn",source: "file:iris.joblib",include: ["*.x"]} ] # all\n',
    );
  });
});

describe('starts the list', () => {
  it.each([
    ['# a\nmodels: []\n# b\nversion: v1.0.0\n', `# a\nmodels:\n${entry('  ')}# b\nversion: v1.0.0\n`],
    ['models: [ ] # none\n', `models: # none\n${entry('  ')}`],
    ['models: []', `models:\n${entry('  ')}`],
    ['models: # none\n\nversion: v1.0.0\n', `models: # none\n${entry('  ')}\nversion: v1.0.0\n`],
    ['registry: q.io/me', `registry: q.io/me\nmodels:\n${entry('  ')}`],
    ['# only a comment\n', `# only a comment\nmodels:\n${entry('  ')}`],
    ['', `models:\n${entry('  ')}`],
  ])('in %j', (text, result) => {
    expect(insertModel(text, iris)).toBe(result);
  });
});

it.each([
  ['a map in braces', '{registry: q.io/me}\n'],
  ['an alias', 'x: &x\n  - name: a\nmodels: *x\n'],
  ['a comment within the brackets', 'models: [\n  # soon\n]\n'],
  ['an end marker', 'registry: q.io/me\n...\n'],
  ['a list instead of a map', '- name: a\n'],
  ['broken YAML', 'models: [\n'],
])('gives up on %s', (_, text) => {
  expect(insertModel(text, iris)).toBeUndefined();
});

it('quotes what YAML would read as something else', () => {
  const odd: NewModel = {
    name: '007',
    framework: 'no',
    source: 'file:a b # c: d',
    include: ['*.x'],
    files: { 'model.joblib': 'file:- x' },
    version: '1.10',
  };
  expect(parse(entryText(odd))).toEqual([odd]);
  expect(parse(insertModel('models:\n  - name: a\n', odd) ?? '').models[1]).toEqual(odd);
});

it('keeps the values of any catalog', () => {
  const word = fc.stringMatching(/^[ -~]{1,12}$/);
  const model = fc.record({ name: word, source: word, description: fc.string({ maxLength: 30 }) });
  const catalog = fc.record({ registry: word, models: fc.array(model, { maxLength: 3 }), version: word });
  fc.assert(
    fc.property(catalog, fc.boolean(), (value, indentSeq) => {
      const text = stringify(value, { indentSeq });
      const result = insertModel(text, iris);
      expect(parse(result ?? '')).toEqual({ ...value, models: [...value.models, iris] });
    }),
    { numRuns: 200 },
  );
});
