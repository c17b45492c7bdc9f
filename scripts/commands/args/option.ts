import { ModelcarsError } from '../../errors.ts';

/** What yargs hands over: a record of whatever the words on the command line gave. */
export type Parsed = Record<string, unknown>;

/** A wrong command line. */
export function usage(message: string, next?: string): ModelcarsError {
  return new ModelcarsError('usage', message, next === undefined ? {} : { next });
}

/** Whether a flag is set; the last word wins. */
export function flag(parsed: Parsed, name: string): boolean {
  const value = parsed[name];
  return Array.isArray(value) ? value.at(-1) === true : value === true;
}

/** One text; fails when there are several or it is empty. */
export function text(parsed: Parsed, name: string): string | undefined {
  const value = parsed[name];
  if (value === undefined) return undefined;
  if (Array.isArray(value)) throw usage(`--${name} is given ${value.length} times: one is enough`);
  if (String(value).trim() === '') throw usage(`--${name} needs a value`);
  return String(value);
}

/** Texts of an option that may be repeated, each once; `commas`: also several in one word. */
export function list(parsed: Parsed, name: string, commas = false): string[] {
  const value = parsed[name];
  const items = value === undefined ? [] : (Array.isArray(value) ? value : [value]).map(String);
  const parts = commas ? items.flatMap((item) => item.split(',')) : items;
  if (parts.some((part) => part.trim() === '')) throw usage(`--${name} needs a value`);
  return [...new Set(parts.map((part) => part.trim()))];
}

/** A number of things worked on at a time. */
export function count(parsed: Parsed, name: string): number | undefined {
  const value = parsed[name];
  if (value === undefined) return undefined;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > 64) {
    throw usage(`--${name} must be a whole number from 1 to 64`);
  }
  return value;
}
