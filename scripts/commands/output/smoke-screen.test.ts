import { expect, it } from 'vitest';
import type { SmokeResult } from '../../kserve/types.ts';
import { createColors } from '../../terminal/color.ts';
import { Masker } from '../../text/mask.ts';
import type { CommandIO } from '../command.ts';
import { countResults, printResults, provenModels } from './smoke-screen.ts';

const passed: SmokeResult = {
  model: 'iris',
  mode: 'oci',
  security: 'openshift',
  status: 'passed',
  seconds: 12.34,
};
const skipped: SmokeResult = { ...passed, mode: 'oci+native', status: 'skipped', reason: 'no image volumes' };
const failed: SmokeResult = {
  ...passed,
  model: 'bad',
  status: 'failed',
  diagnosis: {
    stage: 'answer',
    what: 'POST /v2/models/bad-oo/infer: row 1 is of class 0, not 1',
    cause: 'this is another model than the one that the request belongs to',
    fix: 'take the right one',
    expected: [2, 0, 1],
    got: [2, 1, 1],
    events: ['Warning Pod/bad Failed: the word is hf_aaaaaaaaaaaaaaaaaaaaaaaa'],
    container: 'kserve-container',
    logs: ['\u001b[2Jcleared', 'second'],
  },
};

/** The output on stdout and stderr, as at a terminal of `width` columns. */
function shown(results: SmokeResult[], width?: number): { out: string; err: string } {
  const out: string[] = [];
  const err: string[] = [];
  const colors = createColors({ isTTY: false }, {});
  const io: Pick<CommandIO, 'print' | 'note' | 'colors' | 'errorColors' | 'width' | 'masker'> = {
    print: (text) => void out.push(text),
    note: (text) => void err.push(text),
    colors,
    errorColors: colors,
    width,
    masker: new Masker(),
  };
  printResults(results, io as CommandIO);
  return { out: out.join('\n'), err: err.join('\n') };
}

it('prints one line per case', () => {
  expect(shown([passed, skipped, failed]).out.split('\n')).toEqual([
    'MODEL  MODE        AS         SECONDS  RESULT   WHY',
    'iris   oci         openshift     12.3  passed',
    'iris   oci+native  openshift        -  skipped  no image volumes',
    'bad    oci         openshift     12.3  failed   answer: row 1 is of class 0, not 1',
  ]);
});

it('prints a failure on one screen, escaped and masked', () => {
  expect(shown([passed, failed]).err.trim().split('\n')).toEqual([
    'failed: bad by oci as openshift, at stage answer',
    '  seen     POST /v2/models/bad-oo/infer: row 1 is of class 0, not 1',
    '  expected 2 0 1',
    '  got      2 1 1',
    '  likely   this is another model than the one that the request belongs to',
    '  fix      take the right one',
    '  events',
    '    Warning Pod/bad Failed: the word is hf_****',
    '  log of kserve-container',
    '    cleared',
    '    second',
  ]);
});

it('prints a cause shared by several cases once', () => {
  const { err } = shown([failed, { ...failed, security: 'modelcar' }]);
  expect(err.match(/failed:/g)).toHaveLength(1);
  expect(err).toContain('bad by oci as openshift, oci as modelcar, at stage answer');
});

it('wraps the cause at the width of the terminal', () => {
  const lines = shown([failed], 51).err.split('\n');
  const at = lines.findIndex((line) => line.startsWith('  likely'));
  expect(lines.slice(at, at + 2)).toEqual([
    '  likely   this is another model than the one that',
    '           the request belongs to',
  ]);
});

it('counts a model as proven when a case passed and none failed', () => {
  expect(provenModels([passed, skipped])).toEqual(new Set(['iris']));
  expect(provenModels([skipped])).toEqual(new Set());
  expect(provenModels([passed, { ...failed, model: 'iris' }])).toEqual(new Set());
  expect(countResults([passed, skipped, failed, passed])).toBe('2 passed, 1 skipped, 1 failed');
});
