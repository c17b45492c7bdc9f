import type { ModelcarsError } from '../errors.ts';
import { meant } from '../text/suggest.ts';
import { usage } from './args/option.ts';
import type { Command } from './command.ts';

/**
 * Options that people try for secrets. None of them exists, because argv shows in process lists and shell histories.
 */
const secretFlag =
  /^(u|p|user(name)?|pass(word|wd)?|token|creds?|credentials?|secret|auth|api-?key|(\w+-)token)$/i;

/**
 * Turns a command-line error from yargs into an error with a next step. `words` are the arguments as typed. Values of
 * unknown options are never repeated: they may be secrets.
 */
export function usageError(
  found: string,
  words: string[],
  command: Command | undefined,
  all: Command[],
): ModelcarsError {
  const help = command ? `run \`modelcars ${command.name} --help\`` : 'run `modelcars help`';
  const unknown = /^Unknown (?:argument|command)s?: ([\s\S]*)$/.exec(found)?.[1];
  if (unknown !== undefined) return unknownError(unknown.split(', ')[0] ?? '', words, command, all, help);
  const missing = /^Not enough arguments following: (.*)$/.exec(found)?.[1];
  if (missing !== undefined) return usage(`${dashes(missing)} needs a value`, help);
  const choice = /Argument: (.*?), Given: (.*?), Choices: (.*)$/m.exec(found);
  if (choice) return usage(`--${choice[1]} ${choice[2]}: must be one of ${choice[3]}`, help);
  if (/^Not enough non-option arguments/.test(found)) {
    return usage(`${command?.name ?? 'modelcars'} needs ${command?.positional?.spec ?? 'a command'}`, help);
  }
  return usage(found, help);
}

function unknownError(
  word: string,
  words: string[],
  command: Command | undefined,
  all: Command[],
  help: string,
): ModelcarsError {
  const isOption = words.some((typed) => typed === dashes(word) || typed.startsWith(`${dashes(word)}=`));
  if (isOption && secretFlag.test(word)) {
    return usage(
      `unknown option ${dashes(word)}: secrets are never flags`,
      'log in with `docker login` or `podman login`, or set the variables in `modelcars help`',
    );
  }
  if (isOption) {
    const known = all.flatMap(({ options }) => Object.keys(options));
    const names = command ? [...Object.keys(command.options), 'help'] : known;
    const guess = meant(word, names);
    const elsewhere = command && known.includes(word) ? ` for \`${command.name}\`` : '';
    return usage(
      `unknown option ${dashes(word)}${elsewhere}${guess ? `; did you mean --${guess}?` : ''}`,
      help,
    );
  }
  if (command) {
    return usage(
      `${command.name} takes no ${command.positional ? 'more words' : 'words'}, but got \`${word}\``,
      help,
    );
  }
  const guess = meant(
    word,
    all.map(({ name }) => name),
  );
  return usage(`unknown command \`${word}\`${guess ? `; did you mean \`${guess}\`?` : ''}`, help);
}

function dashes(name: string): string {
  return name.length === 1 ? `-${name}` : `--${name}`;
}
