import { basename } from 'node:path';
import { frameworkName } from '../../model/catalog-entry.ts';
import type { OptionDefinition } from '../args/option.ts';
import type { Command } from '../command.ts';

/** The option with which the script printed by `modelcars completion` requests completions. */
export const completionFlag = '--get-yargs-completions';

/** The shells that completion scripts exist for. */
export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

/** A completion for the shell, and its description. */
interface Word {
  word: string;
  does: string;
}

/**
 * Completions of the last of `words` (the line up to the cursor, program name first in bash and zsh), one per line, in
 * the format of the shell in $SHELL. Completes options, commands, values, and model names of the catalog.
 */
export async function completions(
  words: string[],
  commands: Command[],
  shell = process.env.SHELL,
): Promise<string[]> {
  const typed = basename(words[0] ?? '').startsWith('modelcars') ? words.slice(1) : words;
  const current = typed.at(-1) ?? '';
  const found = (await candidates(typed.slice(0, -1), current, commands)).filter(({ word }) =>
    word.startsWith(current),
  );
  if (shell?.includes('zsh')) return found.map(({ word, does }) => `${word.replaceAll(':', '\\:')}:${does}`);
  if (shell?.includes('fish')) return found.map(({ word, does }) => `${word}\t${does}`);
  return found.map(({ word }) => word);
}

async function candidates(before: string[], current: string, commands: Command[]): Promise<Word[]> {
  const all = [
    ...commands.map(({ name, describe }) => ({ word: name, does: describe })),
    { word: 'help', does: 'show the options of a command' },
  ];
  const command = commands.find(({ name }) => before.includes(name));
  const expected = optionOf(before.at(-1) ?? '', commands);
  if (expected && expected[1].type !== 'boolean') return valuesOf(...expected, before);
  if (!command) {
    if (current.startsWith('-')) return [{ word: '--help', does: 'show help' }];
    return before.length === 0 || before[0] === 'help' ? all : [];
  }
  if (current.startsWith('-')) {
    const left = Object.entries(command.options)
      .filter(([name, { array }]) => array || !before.includes(`--${name}`))
      .map(([name, { describe }]) => ({ word: `--${name}`, does: describe }));
    return before.includes('--help') ? left : [...left, { word: '--help', does: 'show help' }];
  }
  if (command.positional?.key === 'shell') return shells.map((word) => ({ word, does: 'shell' }));
  if (command.positional?.key !== 'model') return [];
  const models = await catalogModels(before);
  return models
    .filter(({ name }) => !before.includes(name))
    .map(({ name, framework }) => ({ word: name, does: `${framework} model` }));
}

/** The option that an argument names: `--only`, `-f`. */
function optionOf(word: string, commands: Command[]): [string, OptionDefinition] | undefined {
  if (!word.startsWith('-')) return undefined;
  const bare = word.replace(/^--?/, '');
  return commands
    .flatMap(({ options }) => Object.entries(options))
    .find(([name, { alias }]) => name === bare || alias === bare);
}

async function valuesOf(name: string, { choices }: OptionDefinition, before: string[]): Promise<Word[]> {
  if (choices) return choices.map((choice) => ({ word: String(choice), does: 'value' }));
  if (name !== 'only') return []; // the shell then offers file names
  const frameworks = new Set((await catalogModels(before)).map(({ framework }) => framework));
  return [...frameworks].map((framework) => ({
    word: `framework=${framework}`,
    does: 'models of this framework',
  }));
}

/** Models of the catalog that the line names; none when the file is missing or invalid. */
async function catalogModels(before: string[]): Promise<{ name: string; framework: string }[]> {
  const at = before.findLastIndex((word) => word === '-f' || word === '--file');
  try {
    const { loadCatalog } = await import('../../catalog/load.ts');
    const { models } = await loadCatalog(before[at + 1] && at >= 0 ? String(before[at + 1]) : 'models.yaml');
    return models.map((entry) => ({ name: entry.name, framework: frameworkName(entry) }));
  } catch {
    // Completion has nowhere to show an error: the command itself will show it.
    return [];
  }
}
