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

/** As `--max-memory` by default. */
const memory = 200e6;
/** Bytes that a push may leave behind: its records of layers. No model of these works is that small. */
const traces = 1e6;

/** Titles of peers whose names say too little. */
const titles: Record<string, string> = {
  hf: "KServe's hf://",
  s3: "KServe's s3://",
  'oci-fetch': "KServe's oci+fetch://",
};

/** A share of the model, for files that a node writes besides it. */
const hardly = 0.05;

export const targets: Target[] = [
  slower('coldstart', 'hf', 1),
  slower('coldstart', 's3', 1),
  slower('coldstart', 'oci-fetch', 1),
  {
    work: 'coldstart',
    what: 'at most half the time on a node that has the image',
    judge: ({ of }) => {
      const warm = of('modelcars-warm');
      return warm && { value: formatRatio(warm.ratio), held: warm.ratio <= 0.5 };
    },
  },
  {
    work: 'coldstart',
    what: 'after `prefetch`, at most 1.2 times the time on a node that has the image',
    judge: ({ of }) => {
      const [warm, prefetched] = [of('modelcars-warm')?.sample, of('modelcars-prefetch')?.sample];
      if (warm === undefined || prefetched === undefined) return undefined;
      const times = prefetched.wall / warm.wall;
      return { value: formatRatio(times), held: times <= 1.2 };
    },
  },
  slower('coldstart-second', 'hf', 2),
  slower('coldstart-second', 's3', 2),
  slower('coldstart-scale', 'hf', 3),
  slower('coldstart-scale', 's3', 3),
  ...['coldstart-second', 'coldstart-scale'].map(
    (work): Target => ({
      work,
      what: 'the model is not written again',
      judge: ({ ours: { kept }, bytes }) => ({ value: formatBytes(kept), held: kept <= hardly * bytes }),
    }),
  ),
  ...['pull', 'pull-small', 'pull-throttled'].flatMap((work) => [
    slower(work, 'podman', 1),
    slower(work, 'crane', 1),
    slower(work, 'olot', 1),
    slower(work, 'hf', 1),
    slower(work, 's3', 1),
  ]),
  slower('pull-one-throttled', 'hf', 1),
  slower('pull-one-throttled', 's3', 1),
  slower('pull-again', 'hf', 10),
  slower('pull-again', 's3', 10),
  slower('pull-readme', 'podman', 10),
  {
    work: 'pull',
    what: 'at most 1.5 times the model on disk',
    judge: ({ ours: { peakDisk }, bytes }) =>
      peakDisk === undefined
        ? undefined
        : { value: formatRatio(peakDisk / bytes), held: peakDisk <= 1.5 * bytes },
  },
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
  slower('small', 'modctl', 1),
  {
    work: 'classic',
    what: 'at most 2 times the time of kit',
    judge: ({ of }) => {
      const kit = of('kit');
      return kit && { value: formatRatio(1 / kit.ratio), held: kit.ratio >= 1 / 2 };
    },
  },
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
    judge: ({ ours: { written }, bytes }) =>
      written === undefined
        ? undefined
        : { value: formatRatio(written / bytes), held: written <= 1.05 * bytes },
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
  const name = titles[peer] ?? peer;
  const what = times === 1 ? `not slower than ${name}` : `at least ${times} times as fast as ${name}`;
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
