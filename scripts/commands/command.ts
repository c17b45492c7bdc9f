import type { Colors } from '../terminal/color.ts';
import type { Progress } from '../terminal/types.ts';
import type { Masker } from '../text/mask.ts';
import type { Flags, OptionName } from './args/build.ts';

/** What a command gets besides its flags. */
export interface Context {
  /** Writes a result: text and a newline to stdout. */
  print(text: string): void;
  /** Writes what people should see beside the result: text and a newline to stderr. */
  tell(text: string): void;
  /** The JSON document of `--json`: one call a run. */
  printJson(document: unknown): void;
  /** Styles of stdout. */
  colors: Colors;
  /** Styles of stderr. */
  errorColors: Colors;
  /** Columns of stdout; undefined when it is no terminal. */
  width: number | undefined;
  masker: Masker;
  debug: boolean;
  progress: Progress;
  /** Aborts on Ctrl-C and SIGTERM. */
  signal: AbortSignal;
}

/** One command of the program; `scripts/modelcars.ts` turns these into yargs commands. */
export interface Command {
  name: string;
  /** What it takes after its name, in yargs' notation. */
  positional?: { spec: string; key: 'model' | 'image'; describe: string };
  describe: string;
  options: OptionName[];
  /** Command line (without `modelcars`) and what it does. */
  examples: [line: string, does: string][];
  /** Does it; 0 done, 1 failed, 3 changed (`lock --exit-code` only). Throws a ModelcarsError when nothing could be done at all. */
  run(flags: Flags, context: Context): Promise<0 | 1 | 3>;
}
