import { oneLine, safeLines } from '../../text/width.ts';
import type { SmokeResult } from '../types.ts';

/** The display name of a case: `iris oci openshift`. */
export function caseName({ model, mode, security }: SmokeResult): string {
  return `${model} ${mode} ${security}`;
}

/**
 * Results as JUnit XML, in the form that Jenkins, GitLab and GitHub's reporters agree on (testmoapp/junitxml): one
 * suite, one test per case, failures with their diagnosis. `mask` removes secrets.
 */
export function junit(results: readonly SmokeResult[], mask: (text: string) => string): string {
  const count = (status: SmokeResult['status']) => results.filter((one) => one.status === status).length;
  const seconds = (sum: number) => sum.toFixed(3);
  const total = results.reduce((sum, one) => sum + one.seconds, 0);
  const cases = results.map((result) => {
    const { diagnosis, reason, request } = result;
    const sent =
      request === undefined
        ? ''
        : `      <properties>\n        <property name="request" value="${attribute(mask(request))}"/>\n      </properties>\n`;
    const name = attribute(mask(caseName(result)));
    const head = `    <testcase classname="modelcars.smoke" name="${name}" time="${seconds(result.seconds)}"`;
    if (result.status === 'passed') return sent === '' ? `${head}/>` : `${head}>\n${sent}    </testcase>`;
    if (result.status === 'skipped')
      return `${head}>\n${sent}      <skipped message="${attribute(mask(reason ?? ''))}"/>\n    </testcase>`;
    const message = diagnosis ? `${diagnosis.stage}: ${diagnosis.what}` : (reason ?? 'failed');
    const text = escapeXml(safeLines(mask(diagnosisLines(result).join('\n'))));
    return `${head}>\n${sent}      <failure type="${diagnosis?.stage ?? 'smoke'}" message="${attribute(mask(message))}">${text}</failure>\n    </testcase>`;
  });
  const counts = `tests="${results.length}" failures="${count('failed')}" skipped="${count('skipped')}" time="${seconds(total)}"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${counts}>`,
    `  <testsuite name="modelcars smoke" ${counts}>`,
    ...cases,
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

/** A diagnosis as plain lines: observation, cause and fix, expected and actual classes, events, log. */
export function diagnosisLines({ diagnosis, reason }: SmokeResult): string[] {
  if (diagnosis === undefined) return reason === undefined ? [] : [reason];
  const { what, cause, fix, expected, got, events, container, logs } = diagnosis;
  return [
    what,
    ...(cause === undefined ? [] : [`likely: ${cause}`]),
    ...(fix === undefined ? [] : [`fix: ${fix}`]),
    ...(expected === undefined ? [] : [`expected: ${expected.join(' ')}`]),
    ...(got === undefined ? [] : [`got:      ${got.join(' ')}`]),
    ...(events.length === 0 ? [] : ['events:', ...events.map((line) => `  ${line}`)]),
    ...(logs.length === 0
      ? []
      : [`log of ${container ?? 'the server'}:`, ...logs.map((line) => `  ${line}`)]),
  ];
}

function attribute(text: string): string {
  return escapeXml(oneLine(text)).replaceAll('"', '&quot;');
}

/** XML 1.0 allows no control characters but tab and line ends, and no lone surrogates. */
function escapeXml(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');
}
