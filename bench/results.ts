/** Results as kept in docs/internals/performance.json, and the numbers computed from them. */
import { readFile, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import type { Sample } from './types.ts';

const number = z.number();

const sampleSchema = z.object({
  wall: number,
  cpu: number,
  registryCpu: number,
  peak: number.exactOptional(),
  treePeak: number.exactOptional(),
  written: number.exactOptional(),
  kept: number,
  requests: number.exactOptional(),
  sent: number.exactOptional(),
  peakDisk: number.exactOptional(),
  created: number.exactOptional(),
  started: number.exactOptional(),
  ready: number.exactOptional(),
});

const rowSchema = z.object({
  peer: z.string(),
  title: z.string(),
  /** Program → version. */
  versions: z.record(z.string(), z.string()),
  samples: z.array(sampleSchema),
  /** The first line of the error, if it failed to do the work. */
  error: z.string().exactOptional(),
  /** Why it was not run. */
  leftOut: z.string().exactOptional(),
});

const resultSchema = z.object({
  work: z.string(),
  title: z.string(),
  /** Bytes of all models' files. */
  bytes: number,
  command: z.string(),
  /** YYYY-MM-DD */
  date: z.string(),
  machine: z.record(z.string(), z.string()),
  /** modelcars first. */
  rows: z.array(rowSchema),
});

/** A peer in a work. */
export type Row = z.infer<typeof rowSchema>;
/** The result of measuring a work. */
export type Result = z.infer<typeof resultSchema>;

/** Reads results; none if the file does not exist. */
export async function readResults(file: string): Promise<Result[]> {
  const text = await readFile(file, 'utf8').catch(() => '[]');
  return z.array(resultSchema).parse(JSON.parse(text));
}

/** The same, of a file that has to exist. */
export async function readEarlier(file: string): Promise<Result[]> {
  try {
    return z.array(resultSchema).parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (error) {
    throw new Error(`read ${file}: these are no results of the benchmark`, { cause: error });
  }
}

/** Writes results in place of earlier ones of the same works; `order` is the works' order. Returns all of them. */
export async function mergeResults(
  file: string,
  news: readonly Result[],
  order: string[],
): Promise<Result[]> {
  const all = new Map([...(await readResults(file)), ...news].map((result) => [result.work, result]));
  const sorted = [...all.values()].sort((a, b) => order.indexOf(a.work) - order.indexOf(b.work));
  await writeFile(file, `${JSON.stringify(sorted, undefined, 2)}\n`);
  return sorted;
}

/** The middle value; of an even number of values, the mean of the middle two. Of none: NaN. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

/** The median of each number over a row's runs; undefined for a row without runs. */
export function medians({ samples }: Row): Sample | undefined {
  const [first] = samples;
  if (first === undefined) return undefined;
  const keys = Object.keys(first) as (keyof Sample)[];
  const middle = (key: keyof Sample): number => median(samples.map((sample) => sample[key] ?? Number.NaN));
  return Object.fromEntries(keys.map((key) => [key, middle(key)])) as unknown as Sample;
}

/** How many times as long as modelcars (the first row) this row takes; undefined if either has no run. */
export function ratio({ rows }: Result, row: Row): number | undefined {
  const ours = rows[0] && medians(rows[0]);
  const theirs = medians(row);
  return ours && theirs ? theirs.wall / ours.wall : undefined;
}
