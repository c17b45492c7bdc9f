import { expect, it } from 'vitest';
import type { SmokeResult } from '../types.ts';
import { junit } from './junit.ts';

const results: SmokeResult[] = [
  { model: 'iris', mode: 'oci', security: 'openshift', status: 'passed', seconds: 12.3456 },
  {
    model: 'iris',
    mode: 'oci+fetch',
    security: 'runtime',
    status: 'skipped',
    seconds: 0,
    reason: 'no "fetch" <here>',
  },
  {
    model: 'bad',
    mode: 'oci',
    security: 'modelcar',
    status: 'failed',
    seconds: 3,
    diagnosis: {
      stage: 'answer',
      what: 'row 1 is of class 0 & not 1',
      cause: 'another model',
      fix: 'take the right one',
      expected: [2, 0],
      got: [2, 1],
      events: ['Warning Pod/a Failed: secret-word'],
      container: 'kserve-container',
      logs: ['\u001b[31mred\u001b[0m', 'null \u0000 and ]]> and \ud800'],
    },
  },
];

it('writes the JUnit form that CI systems read', () => {
  const xml = junit(results, (text) => text.replaceAll('secret-word', '****'));
  expect(xml.split('\n').slice(0, 3)).toEqual([
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<testsuites tests="3" failures="1" skipped="1" time="15.346">',
    '  <testsuite name="modelcars smoke" tests="3" failures="1" skipped="1" time="15.346">',
  ]);
  expect(xml).toContain('<testcase classname="modelcars.smoke" name="iris oci openshift" time="12.346"/>');
  expect(xml).toContain('<skipped message="no &quot;fetch&quot; &lt;here&gt;"/>');
  expect(xml).toContain('<failure type="answer" message="answer: row 1 is of class 0 &amp; not 1">');
  expect(xml).toContain('expected: 2 0\ngot:      2 1\n');
  expect(xml).toContain('log of kserve-container:\n  red\n');
  expect(xml).not.toContain('secret-word');
});

it('says which request was sent, whatever came of it', () => {
  const asked = results.map((result) => ({ ...result, request: 'a <request> of secret-word' }));
  const xml = junit(asked, (text) => text.replaceAll('secret-word', '****'));
  const property = '<property name="request" value="a &lt;request&gt; of ****"/>';
  expect(xml.split(property)).toHaveLength(results.length + 1);
  expect(xml.match(/<testcase [^>]*[^/]>/g)).toHaveLength(results.length);
});

it('replaces characters that XML forbids', () => {
  const xml = junit(results, (text) => text);
  expect(xml).not.toContain(']]>');
  expect(/[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u.test(xml)).toBe(false);
});
