import type { Command } from '../command.ts';
import { commands } from '../commands.ts';
import { table } from './markdown.ts';

/** The options about which users ask most often, as columns. */
const common = ['file', 'only', 'shard', 'frozen', 'dry-run', 'output', 'store', 'json', 'no-progress'];

/** The tables of docs/reference/commands.md: which command takes which option. */
export function optionTables(): string {
  const matrix = table(
    ['command', 'names', ...common.map((name) => `\`${flag(name)}\``)],
    commands.map((command) => [
      `\`${command.name}\``,
      command.positional ? `\`${command.positional.spec}\`` : '',
      ...common.map((name) => (Object.hasOwn(command.options, name) ? 'yes' : '')),
    ]),
  );
  const names = [...new Set(commands.flatMap(({ options }) => Object.keys(options)))].sort();
  const list = table(
    ['option', 'what it does', 'commands'],
    names.map((name) => [`\`${flag(name)}\``, describe(name), takers(name)]),
  );
  return ['## Common options', matrix, '## All options', list].join('\n\n');
}

/** `--file`, with its short form if it has one. */
function flag(name: string): string {
  const alias = commands.flatMap(({ options }) => options[name]?.alias ?? [])[0];
  return alias === undefined ? `--${name}` : `--${name}, -${alias}`;
}

function describe(name: string): string {
  const text = commands.flatMap(({ options }) => options[name]?.describe ?? [])[0] ?? '';
  return text.replaceAll('<', '&lt;');
}

function takers(name: string): string {
  const takes = ({ options }: Command) => Object.hasOwn(options, name);
  return commands
    .filter(takes)
    .map((command) => `\`${command.name}\``)
    .join(' ');
}
