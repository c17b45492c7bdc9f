/** The project's performance targets, and whether they are met. */
import { formatBytes } from '../scripts/text/bytes.ts';
import { formatRatio, formatSeconds } from './report.ts';
import { medians, type Result, ratio } from './results.ts';
import type { Sample } from './types.ts';

interface Target {
  work: string;
  what: string;
  /** Undefined if a number it needs is missing. */
  judge(work: Judged): { value: string; held: boolean } | undefined;
}

interface Judged {
  ours: Sample;
  /** Bytes of all files. */
  bytes: number;
  /** Undefined if the peer has no run. */
  of(peer: string): { sample: Sample; ratio: number } | undefined;
}

const memory = 300e6;
/** Bytes that a push may leave behind: its records of layers. No model of these works is that small. */
const traces = 1e6;

export const targets: Target[] = [
  ...['files', 'files-3'].flatMap((work) => [
    slower(work, 'podman', 9),
    slower(work, 'modctl', 1),
    slower(work, 'crane', 1),
    slower(work, 'kit', 1),
  ]),
  ...['hub', 'hub-3'].flatMap((work) => [slower(work, 'oci-modelcar', 2), slower(work, 'podman', 9)]),
  ...['files', 'hub', 'huge-hub'].map((work): Target => atMost(work, 'written', 'bytes on disk', traces)),
  ...['files', 'hub', 'huge', 'huge-hub'].map((work): Target => atMost(work, 'peak', 'memory', memory)),
  slower('throttled', 'curl', 6),
  {
    work: 'layout',
    what: 'at most 1.3 times the time of cp + sha256',
    judge: ({ of }) => {
      const cp = of('cp');
      return cp && { value: formatRatio(1 / cp.ratio), held: cp.ratio >= 1 / 1.3 };
    },
  },
  {
    work: 'layout',
    what: 'every byte written once',
    judge: ({ ours, bytes }) => ({
      value: formatRatio(ours.written / bytes),
      held: ours.written <= 1.05 * bytes,
    }),
  },
  {
    work: 'unchanged',
    what: 'under 1 s after start-up',
    judge: ({ ours, of }) => {
      const idle = of('start-up')?.sample;
      const seconds = ours.wall - (idle?.wall ?? 0);
      return idle && { value: formatSeconds(seconds), held: seconds < 1 };
    },
  },
  {
    work: 'unchanged',
    what: 'under 40 requests',
    judge: ({ ours: { requests } }) =>
      requests === undefined ? undefined : { value: `${requests}`, held: requests < 40 },
  },
  atMost('readme', 'sent', 'bytes sent', 100e3),
  // The base has one layer of 8 MB; the rest is configs and manifests.
  atMost('base', 'sent', 'bytes sent', 8.2e6),
];

/** A table of all targets whose works are among the results; empty if there are none. */
export function targetTable(results: readonly Result[]): string {
  const lines = targets.flatMap(({ work, what, judge }) => {
    const result = results.find((one) => one.work === work);
    if (result === undefined) return [];
    const judged = judgedOf(result);
    const verdict = judged && judge(judged);
    return [
      `| ${work} | ${what} | ${verdict?.value ?? '–'} | ${verdict ? (verdict.held ? 'yes' : '**no**') : '–'} |`,
    ];
  });
  if (lines.length === 0) return '';
  return ['| work | target | measured | met |', '|---|---|---:|---|', ...lines].join('\n');
}

/** The peer takes at least `times` as long as modelcars. */
function slower(work: string, peer: string, times: number): Target {
  const what = times === 1 ? `not slower than ${peer}` : `at least ${times} times as fast as ${peer}`;
  return {
    work,
    what,
    judge: ({ of }) => {
      const found = of(peer);
      return found && { value: formatRatio(found.ratio), held: found.ratio >= times };
    },
  };
}

function atMost(work: string, key: 'written' | 'peak' | 'sent', what: string, limit: number): Target {
  return {
    work,
    what: `${what}: at most ${formatBytes(limit)}`,
    judge: ({ ours }) => {
      const value = ours[key];
      return value === undefined ? undefined : { value: formatBytes(value), held: value <= limit };
    },
  };
}

function judgedOf(result: Result): Judged | undefined {
  const [first] = result.rows;
  const ours = first && medians(first);
  if (ours === undefined) return undefined;
  return {
    ours,
    bytes: result.bytes,
    of: (peer) => {
      const row = result.rows.find((one) => one.peer === peer);
      const sample = row && medians(row);
      const times = row && ratio(result, row);
      return sample && times !== undefined ? { sample, ratio: times } : undefined;
    },
  };
}
