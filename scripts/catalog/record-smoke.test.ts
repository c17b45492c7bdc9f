import { expect, it } from 'vitest';
import { parse } from 'yaml';
import type { ModelSmoke } from '../model/types.ts';
import { recordSmoke } from './record-smoke.ts';

const smoke: ModelSmoke = { rows: [[1, 2]], expect: { classes: [1] } };
const head = '# ours\nmodels:\n  - name: other # first\n    smoke: {rows: [[9]]}\n';
const tail = '\n  # behind\n  - name: last\n    framework: onnx\n';

it.each([
  [
    'writes the whole request of an entry without one, behind its last field and its comment',
    '  - name: a\n    framework: sklearn # plain\n',
    '  - name: a\n    framework: sklearn # plain\n    smoke: {rows: [[1, 2]], expect: {classes: [1]}}\n',
  ],
  [
    'adds only `expect` in the style of the map: block',
    '  - name: a\n    smoke:\n      rows: # two\n        - [1, 2] # here\n    framework: onnx\n',
    '  - name: a\n    smoke:\n      rows: # two\n        - [1, 2] # here\n      expect: {classes: [1]}\n    framework: onnx\n',
  ],
  [
    'adds only `expect` in the style of the map: flow',
    '  - {name: a, smoke: {rows: [[1, 2] ] }} # why\n',
    '  - {name: a, smoke: {rows: [[1, 2] ], expect: {classes: [1]} }} # why\n',
  ],
  [
    'replaces an old `expect`, whatever it is written as, and keeps the comments around it',
    '  - name: a\n    smoke:\n      # before\n      expect:\n        outputs:\n          - name: y\n            data: [1]\n      # after\n      rows: [[1, 2]] # row\n',
    '  - name: a\n    smoke:\n      # before\n      expect: {classes: [1]}\n      # after\n      rows: [[1, 2]] # row\n',
  ],
  [
    'keeps the comments behind the old values',
    '  - name: a\n    smoke:\n      rows: [[1, 2]]\n      expect:\n        classes: [0] # old\n        # deep\n    # of a\n',
    '  - name: a\n    smoke:\n      rows: [[1, 2]]\n      expect: {classes: [1]} # old\n        # deep\n    # of a\n',
  ],
  [
    'replaces `expect: any`',
    '  - name: a\n    smoke: {expect: any, rows: [[1, 2]]}\n',
    '  - name: a\n    smoke: {expect: {classes: [1]}, rows: [[1, 2]]}\n',
  ],
])('%s', (_, before, after) => {
  expect(recordSmoke(head + before + tail, 'a', smoke)).toBe(head + after + tail);
  const crlf = (text: string) => text.replaceAll('\n', '\r\n');
  expect(recordSmoke(crlf(head + before + tail), 'a', smoke)).toBe(crlf(head + after + tail));
});

it('breaks what does not fit on a line, one item a line', () => {
  const outputs = ['first', 'second'].map((name) => ({
    name,
    datatype: 'FP32',
    shape: [9],
    data: Array(9).fill(0.125),
  }));
  const wide: ModelSmoke = { rows: [[1]], expect: { outputs } };
  const text = recordSmoke('models:\n- name: a\n  smoke:\n    rows: [[1]]', 'a', wide);
  expect(text?.split('\n').slice(3)).toEqual([
    '    rows: [[1]]',
    '    expect:',
    '      outputs:',
    `        - {name: first, datatype: FP32, shape: [9], data: [${Array(9).fill('0.125').join(', ')}]}`,
    `        - {name: second, datatype: FP32, shape: [9], data: [${Array(9).fill('0.125').join(', ')}]}`,
    '',
  ]);
});

it('keeps texts that look like other values, and patterns', () => {
  const odd: ModelSmoke = { prompt: 'yes: #1', expect: { matches: '^a\\.b "c"\n: {}$' } };
  const text = recordSmoke('models:\n  - name: a\n', 'a', odd) ?? '';
  expect(parse(text).models[0].smoke).toEqual(odd);
});

it.each([
  ['another smoke than the text has', 'models:\n  - name: a\n    smoke: {rows: [[7]]}\n'],
  [
    'an anchor that is used elsewhere',
    'models:\n  - name: a\n    smoke: {rows: [[1, 2]], expect: &e {classes: [0]}}\n  - {name: b, smoke: {rows: [[1]], expect: *e}}\n',
  ],
  ['no such model', 'models: []\n'],
  ['no map', '- a\n'],
])('returns nothing for %s', (_, text) => {
  expect(recordSmoke(text, 'a', smoke)).toBeUndefined();
});
