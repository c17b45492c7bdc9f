import type { Options } from 'yargs';
import { ModelcarsError } from '../../errors.ts';

/** Headings of the help. */
export const groups = {
  select: 'Selection:',
  override: 'Overrides:',
  transport: 'Build and transfer:',
  trust: 'Signing and trust:',
  show: 'Output:',
  cluster: 'Which cluster:',
  serve: 'How it is served:',
  nodes: 'Which nodes:',
} as const;

/** The record that yargs returns: all values from the command line. */
export type Parsed = Record<string, unknown>;

/** One option, as yargs and the help use it. */
export interface OptionDefinition extends Pick<Options, 'alias' | 'array' | 'choices' | 'default' | 'type'> {
  describe: string;
  /** Whether `--name` alone is allowed. */
  bare?: true;
  group: (typeof groups)[keyof typeof groups];
}

/** The arguments after a command's name. */
export interface Positional {
  /** In yargs' notation: `[model..]`. */
  spec: string;
  key: 'model' | 'image' | 'what' | 'shell';
  describe: string;
}

/** One argument of a command: all that the program knows about it. */
export interface Arg<T> {
  /** By name, without dashes; empty for a positional. Two options that exclude each other are one argument. */
  readonly options: Readonly<Record<string, OptionDefinition>>;
  readonly positional?: Positional;
  /** The checked value. Fails with code `usage`. */
  read(parsed: Parsed): T;
}

/** The arguments of a command, by the names under which its `run` reads them. */
export type Args = Readonly<Record<string, Arg<unknown>>>;

/** The types of the parsed arguments. */
export type ArgValues<A extends Args> = { [K in keyof A]: A[K] extends Arg<infer T> ? T : never };

type Form = Omit<OptionDefinition, 'type' | 'array'>;

/** `--name VALUE`. `check` turns the text (undefined when not given) into a value. */
export function text(name: string, form: Form): Arg<string | undefined>;
export function text<T>(name: string, form: Form, check: (text: string | undefined) => T): Arg<T>;
export function text<T>(
  name: string,
  form: Form,
  check?: (text: string | undefined) => T,
): Arg<T | string | undefined> {
  return {
    options: { [name]: { ...form, type: 'string' } },
    read(parsed) {
      const value = readText(parsed, name);
      return check ? check(value) : value;
    },
  };
}

/** `--name VALUE`, with a value from `choices`: yargs checks it, the shell completes it. */
export function choice<T extends string>(
  name: string,
  choices: readonly T[],
  form: Form,
): Arg<T | undefined> {
  return text(name, { ...form, choices }, (given) => choices.find((one) => one === given));
}

/** `--name`. */
export function flag(name: string, form: Form): Arg<boolean>;
export function flag<T>(name: string, form: Form, check: (given: boolean) => T): Arg<T>;
export function flag<T>(name: string, form: Form, check?: (given: boolean) => T): Arg<T | boolean> {
  return {
    options: { [name]: { ...form, type: 'boolean' } },
    read: (parsed) => (check ? check(readFlag(parsed, name)) : readFlag(parsed, name)),
  };
}

/** `--name A --name B`, each value once; `commas`: also `--name A,B`. `check` turns the texts into a value. */
export function list(name: string, form: Form & { commas?: boolean }): Arg<string[]>;
export function list<T>(
  name: string,
  form: Form & { commas?: boolean },
  check: (texts: string[]) => T,
): Arg<T>;
export function list<T>(
  name: string,
  { commas = false, ...form }: Form & { commas?: boolean },
  check?: (texts: string[]) => T,
): Arg<T | string[]> {
  return {
    options: { [name]: { array: true, ...form, type: 'string' } },
    read(parsed) {
      const values = readList(parsed, name, commas);
      return check ? check(values) : values;
    },
  };
}

/** `--name N`: how many things to work on at once, from 1 to 64. */
export function count(name: string, form: Form): Arg<number | undefined> {
  return {
    options: { [name]: { ...form, type: 'number' } },
    read(parsed) {
      const value = parsed[name];
      if (value === undefined) return undefined;
      if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 64) return value;
      throw usage(`--${name} must be a whole number from 1 to 64`);
    },
  };
}

/** Whether a flag is set; the last occurrence wins. */
export function readFlag(parsed: Parsed, name: string): boolean {
  const value = parsed[name];
  return Array.isArray(value) ? value.at(-1) === true : value === true;
}

/** One text. Fails with code `usage` when several are given or it is empty. */
export function readText(parsed: Parsed, name: string): string | undefined {
  const value = parsed[name];
  if (value === undefined) return undefined;
  if (Array.isArray(value)) throw usage(`--${name} is given ${value.length} times: one is enough`);
  if (String(value).trim() === '') throw usage(`--${name} needs a value`);
  return String(value);
}

/** Texts of a repeatable option, each once; `commas`: also several in one argument. */
export function readList(parsed: Parsed, name: string, commas = false): string[] {
  const value = parsed[name];
  const items = value === undefined ? [] : (Array.isArray(value) ? value : [value]).map(String);
  const parts = commas ? items.flatMap((item) => item.split(',')) : items;
  if (parts.some((part) => part.trim() === '')) throw usage(`--${name} needs a value`);
  return [...new Set(parts.map((part) => part.trim()))];
}

/** A wrong command line. */
export function usage(message: string, next?: string): ModelcarsError {
  return new ModelcarsError('usage', message, next === undefined ? {} : { next });
}
