import type { Colors } from '../terminal/color.ts';
import type { Progress } from '../terminal/types.ts';
import type { Masker } from '../text/mask.ts';
import type { Args, ArgValues, OptionDefinition, Parsed, Positional } from './args/option.ts';
import type { DocumentName, Fields } from './output/documents/index.ts';

/** Where a command writes, and what stops it. */
export interface CommandIO {
  /** Writes a result: text and a newline to stdout. */
  print(text: string): void;
  /** Writes information for people that is not part of the result: text and a newline to stderr. */
  note(text: string): void;
  /** Writes the JSON document of `--json`, with its heading: one call per run. */
  printJson<N extends DocumentName>(command: N, fields: Fields<N>): void;
  /** Styles of stdout. */
  colors: Colors;
  /** Styles of stderr. */
  errorColors: Colors;
  /** Columns of stdout; undefined when it is not a terminal. */
  width: number | undefined;
  masker: Masker;
  debug: boolean;
  progress: Progress;
  /** Aborts on Ctrl-C and SIGTERM. */
  signal: AbortSignal;
}

/** 0 done, 1 failed, 3 changed or outdated (`lock` and `outdated` with --exit-code). */
export type ExitCode = 0 | 1 | 3;

/** A command line with checked arguments. */
export interface Invocation {
  command: Command;
  /** The arguments by name, for tests and messages; `run` already has them. */
  args: Readonly<Record<string, unknown>>;
  /** Throws a ModelcarsError when nothing could be done. */
  run(io: CommandIO): Promise<ExitCode>;
}

interface Description {
  name: string;
  describe: string;
  /** A command line (without `modelcars`) and what it does. */
  examples: [line: string, does: string][];
}

/** One command of the program; parse.ts turns these into yargs commands. */
export interface Command extends Description {
  positional?: Positional;
  /** By name, in the order in which the help lists them. */
  options: Readonly<Record<string, OptionDefinition>>;
  /** Reads the arguments that yargs parsed. Fails with code `usage`. */
  read(parsed: Parsed): Invocation;
}

/** A command whose `run` receives the arguments that it declares in `args`, and no others. */
export function defineCommand<A extends Args>(
  definition: Description & {
    args: A;
    run(given: { args: ArgValues<A>; io: CommandIO }): Promise<ExitCode>;
  },
): Command {
  const { args: declared, run, ...description } = definition;
  const all = Object.values(declared);
  const positional = all.find((arg) => arg.positional)?.positional;
  const command: Command = {
    ...description,
    ...(positional && { positional }),
    options: Object.assign({}, ...all.map(({ options }) => options)),
    read(parsed) {
      const entries = Object.entries(declared).map(([key, arg]) => [key, arg.read(parsed)]);
      const args = Object.fromEntries(entries) as ArgValues<A>;
      return { command, args, run: (io) => run({ args, io }) };
    },
  };
  return command;
}
