import { describe, expect, it } from 'vitest';
import * as args from './args/index.ts';
import { groups, text } from './args/option.ts';
import { defineCommand } from './command.ts';
import { commands } from './commands.ts';
import { completions } from './output/completion.ts';
import { usageError } from './usage-error.ts';

const everyOption = commands.flatMap(({ name: command, options }) =>
  Object.entries(options).map(([name, option]) => ({ command, name, option })),
);

describe('every option', () => {
  it('has a help text and a help group', () => {
    const headings = Object.values<string>(groups);
    for (const { command, name, option } of everyOption) {
      expect(option.describe, `${command} --${name}`).toMatch(/\S{2}/);
      expect(option.describe, `${command} --${name}`).not.toMatch(/\.$/);
      expect(headings, `${command} --${name}`).toContain(option.group);
    }
  });

  it('is defined once, and means the same in every command', () => {
    for (const { command, name, option } of everyOption) {
      const first = everyOption.find((one) => one.name === name)?.option;
      expect(option === first, `${command} --${name}`).toBe(true);
    }
  });

  it('has a unique short form', () => {
    const names = new Map<string, string>();
    for (const { name, option } of everyOption) {
      if (typeof option.alias !== 'string') continue;
      expect([option.alias, names.get(option.alias) ?? name]).toEqual([option.alias, name]);
      names.set(option.alias, name);
    }
  });
});

describe('a new option', () => {
  const greet = defineCommand({
    name: 'greet',
    describe: 'greet',
    args: {
      names: args.modelNames('whom to greet'),
      language: text(
        'language',
        { describe: 'the language', group: groups.show, choices: ['en', 'nl'] },
        (given) => (given ?? 'en').toUpperCase(),
      ),
      json: args.json,
    },
    examples: [],
    async run({ args, io }) {
      io.print(`${args.language.toLowerCase()} ${args.names.join()} ${args.json}`);
      return 0;
    },
  });

  it('is read, checked and typed by its definition alone', () => {
    expect(greet.read({ model: ['iris'], language: 'nl' }).args).toEqual({
      names: ['iris'],
      language: 'NL',
      json: false,
    });
    expect(greet.read({}).args).toMatchObject({ names: [], language: 'EN' });
    expect(() => greet.read({ language: ['en', 'nl'] })).toThrow('--language is given 2 times');
    expect(greet.positional?.spec).toBe('[model..]');
  });

  it('is completed and suggested without further code', async () => {
    const complete = (...words: string[]) => completions(['modelcars', ...words], [greet], 'bash');
    expect(await complete('greet', '--')).toEqual(['--language', '--json', '--help']);
    expect(await complete('greet', '--language', '')).toEqual(['en', 'nl']);
    const words = ['greet', '--langauge', 'nl'];
    expect(usageError('Unknown argument: langauge', words, greet, [greet]).message).toContain(
      'did you mean --language?',
    );
  });

  it('cannot be read by a command that does not declare it', () => {
    const deaf = defineCommand({
      name: 'deaf',
      describe: 'reads an option that it did not declare',
      args: { json: args.json, file: args.selection.file },
      examples: [],
      async run({ args }) {
        const json: boolean = args.json;
        const file: string = args.file;
        // @ts-expect-error: --keep is not among its arguments.
        const keep: unknown = args.keep;
        // @ts-expect-error: --file is a text.
        const wrong: boolean = args.file;
        return json && file && wrong && keep ? 1 : 0;
      },
    });
    const { args: values } = deaf.read({ keep: true, json: true });
    expect(values).toEqual({ json: true, file: 'models.yaml' });
  });
});
