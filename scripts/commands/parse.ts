import yargs, { type Argv, type Options } from 'yargs';
import { groups, type OptionDefinition, type Parsed } from './args/option.ts';
import type { Command, Invocation } from './command.ts';
import { commands } from './commands.ts';
import { completionFlag, completions } from './output/completion.ts';
import { commandEpilog, programEpilog } from './output/help.ts';
import { usageError } from './usage-error.ts';

/** A method of yargs 18 that its types (for 17) lack. */
type Yargs = Argv & { usageConfiguration(configuration: { 'hide-types': boolean }): Argv };

/**
 * Parses a command line (without node and script). Returns undefined for help, completions and the completion script,
 * which it prints itself. Fails with code `usage`. `columns`: the terminal's width, for the help.
 */
export async function parseCommandLine(words: string[], columns: number): Promise<Invocation | undefined> {
  if (words[0] === completionFlag) {
    for (const word of await completions(words.slice(1), commands)) process.stdout.write(`${word}\n`);
    return undefined;
  }
  const args = rewrite(words);
  const first = commands.find(({ name }) => name === args[0]);
  const named = first ?? commands.find(({ name }) => args.includes(name));
  // Declaring two dozen commands and all their options takes longer than most of what they do: a command line that
  // starts with a command needs only that one.
  const declared = first === undefined ? commands : [first];
  const parser = (yargs(args) as Yargs)
    .usageConfiguration({ 'hide-types': true })
    .scriptName('modelcars')
    .locale('en')
    .parserConfiguration({
      'boolean-negation': false,
      'camel-case-expansion': false,
      'dot-notation': false,
      'greedy-arrays': false,
    })
    .exitProcess(false)
    .usage('$0 <command> [options]\n\nTurns models.yaml into OCI model images (modelcars) for KServe.')
    .version(false)
    .help('help', 'show this')
    .alias('help', 'h')
    .wrap(Math.min(100, columns))
    .strict()
    .demandCommand(1, 'name a command')
    .fail((message, error) => {
      throw message ? usageError(message, args, named, commands) : error;
    });
  // Also declared on the program, so that `modelcars --json list` does not take `list` as the value of --json.
  // Once per name: yargs checks the arguments of every call.
  const options = new Map(declared.flatMap(({ options }) => Object.entries(options)));
  for (const [name, { default: _, group: __, bare: ___, ...bare }] of options)
    parser.option(name, { ...bare, hidden: true, global: false });
  for (const command of declared) {
    parser.command(
      [command.name, command.positional?.spec].filter((part) => part).join(' '),
      command.describe,
      (sub) => describe(sub, command),
      (parsed) => {
        throw new Chosen(command, parsed);
      },
    );
  }
  parser
    .command('help [command]', 'show this, or the options of one command')
    .example('$0 list', 'show the models of models.yaml')
    .example('$0 build', 'build every model into out/')
    .example('$0 push iris --version v1.0.0', 'push one of them')
    .epilog(programEpilog);
  try {
    await parser.parseAsync();
  } catch (error) {
    if (error instanceof Chosen) return error.command.read(error.parsed);
    throw error;
  }
  return undefined;
}

/**
 * Thrown by a command's handler, because after a handler that returns yargs renders the command's whole help: a tenth
 * of a short run.
 */
class Chosen extends Error {
  readonly command: Command;
  readonly parsed: Parsed;

  constructor(command: Command, parsed: Parsed) {
    super('a command was chosen');
    this.command = command;
    this.parsed = parsed;
  }
}

/**
 * The command that a command line names, also a wrong one: the first word that is a command, falling back to the very
 * first word. Null when that is an option: a word after it may be its value, and a secret.
 */
export function namedCommand(words: string[]): string | null {
  const rewritten = rewrite(words);
  const known = rewritten.find((word) => commands.some(({ name }) => name === word));
  const [first = '-'] = rewritten;
  return known ?? (first.startsWith('-') ? null : first);
}

/** Rewrites `help`, `help build`, `-V` and a lone `--version` to arguments that yargs understands. */
function rewrite(words: string[]): string[] {
  const [first, ...rest] = words;
  if (first === '-V' || (first === '--version' && rest.length === 0)) return ['version', ...rest];
  if (first === 'help') return [...rest, '--help'];
  return words;
}

/** A command's own options, examples and usage line. */
function describe(parser: Argv, command: Command): Argv {
  const { positional } = command;
  const line = ['$0', command.name, positional?.spec, '[options]'].filter((part) => part).join(' ');
  parser.usage(`${line}\n\n${sentence(command.describe)}`);
  if (positional) parser.positional(positional.key, { type: 'string', describe: positional.describe });
  for (const [name, option] of Object.entries(command.options)) parser.option(name, yargsOption(option));
  for (const [example, does] of command.examples) parser.example(`$0 ${example}`, does);
  return parser.group('help', groups.show).epilog(commandEpilog);
}

function yargsOption({ bare, ...option }: OptionDefinition): Options {
  return option.type === 'boolean' || bare ? option : { ...option, requiresArg: true };
}

function sentence(text: string): string {
  return `${text[0]?.toUpperCase()}${text.slice(1)}.`;
}
