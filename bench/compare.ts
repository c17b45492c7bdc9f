/** Whether a run is worse than an earlier one: by ratios to other tools, which do not depend on the machine as times do. */
import { formatRatio } from './report.ts';
import { type Result, type Row, ratio } from './results.ts';

/** The part of a ratio that may be lost. */
export const tolerance = 0.15;

/** A tool's time divided by that of modelcars, then and now. */
export interface RatioChange {
  work: string;
  peer: string;
  old: number;
  now: number;
  /** `now / old`: below 1, modelcars has become slower than the tool. */
  change: number;
  worse: boolean;
}

/**
 * The ratios that both have, in the order of the new results. Rows without a run, and those of modelcars itself, such as
 * with another flag, have none: no other tool stays the same in them.
 */
export function compareRatios(old: readonly Result[], now: readonly Result[]): RatioChange[] {
  return now.flatMap((result) => {
    const before = old.find(({ work }) => work === result.work);
    if (before === undefined) return [];
    return result.rows.slice(1).flatMap((row): RatioChange[] => {
      const earlier = before.rows.find(({ peer }) => peer === row.peer);
      const [then, since] = [earlier && ratioOf(before, earlier), ratioOf(result, row)];
      if (isOwn(row) || then === undefined || since === undefined) return [];
      const change = since / then;
      const worse = change < 1 - tolerance;
      return [{ work: result.work, peer: row.peer, old: then, now: since, change, worse }];
    });
  });
}

/** Old and new ratios as a table; a sentence when there is nothing to compare. */
export function compareTable(changes: readonly RatioChange[]): string {
  if (changes.length === 0) return 'No work and tool is in both results.';
  const rows = changes.map(
    ({ work, peer, old, now, change, worse }) =>
      `| ${work} | ${peer} | ${formatRatio(old)} | ${formatRatio(now)} | ${percent(change)} | ${worse ? '**no**' : 'yes'} |`,
  );
  const limit = `at most ${Math.round(100 * tolerance)} % worse`;
  return [`| work | tool | old | new | change | ${limit} |`, '|---|---|---:|---:|---:|---|', ...rows].join(
    '\n',
  );
}

/** Undefined also for a run that failed, which has no finite ratio. */
function ratioOf(result: Result, row: Row): number | undefined {
  const value = ratio(result, row);
  return value !== undefined && Number.isFinite(value) && value > 0 ? value : undefined;
}

function isOwn({ peer }: Row): boolean {
  return peer.startsWith('modelcars') || peer === 'start-up';
}

function percent(change: number): string {
  const value = Math.round(100 * (change - 1));
  return `${value > 0 ? '+' : ''}${value} %`;
}
