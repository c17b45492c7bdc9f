/** `dagger call` and `dagger check` in the recipes and documents: the module has every function and every flag. */
import { beforeAll, describe, expect, test } from 'vitest';
import { daggerLines, filledIn, recipe, recipes } from '../parts/recipes.ts';
import {
  type Argument,
  type Module,
  type Function as ModuleFunction,
  missingSdk,
  openModule,
} from './_module.ts';

const missing = await missingSdk();

/** The command-line form of `buildAll`. */
const kebab = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

describe.skipIf(missing)('the recipes', () => {
  let module: Module;
  beforeAll(async () => {
    module = await openModule();
  });

  /** The problem with the words after `dagger`; undefined when they are valid. */
  function problem([verb, ...line]: string[]): string | undefined {
    if (verb === 'check' || verb === 'functions') {
      const checks = Object.values(module.functions).filter(({ isCheck }) => isCheck);
      const plain = line.map((word) => word.replace(/^modelcars:/, ''));
      const unknown = plain.find((word) => !checks.some(({ name }) => kebab(name) === word));
      return unknown && `no check ${unknown}`;
    }
    if (verb === '-m') return problem(line.slice(1));
    if (verb !== 'call') return `no verb ${verb}`;
    // As a toolchain, the module is a function of the repository's own.
    if (line[0] === 'modelcars') return problem(['call', ...line.slice(1)]);
    let known: Argument[] = Object.values(module.constructorArguments);
    let called: ModuleFunction | undefined;
    let functions: Record<string, ModuleFunction> | undefined = module.functions;
    for (let at = 0; at < line.length; at += 1) {
      const word = line[at] ?? '';
      if (word.startsWith('--')) {
        const argument = known.find(({ name }) => `--${kebab(name)}` === word);
        if (!argument) return `no flag ${word}`;
        if (argument.type.kind === 'BOOLEAN_KIND') continue;
        at += 1;
        const value = line[at];
        if (value === undefined || value.startsWith('--')) return `${word} without a value`;
        if (argument.type.name === 'Secret' && !/^(env|file|cmd|op|vault):/.test(value))
          return `${word} is no secret`;
      } else {
        // A chain can end with a function of its result: export, terminal.
        if (!functions || called?.returnType.name === 'Image')
          return /^(export|terminal|up|entries|contents|ref|digest|tags)$/.test(word)
            ? undefined
            : `no function ${word}`;
        called = Object.values(functions).find(({ name }) => kebab(name) === word);
        if (!called) return `no function ${word}`;
        known = Object.values(called.arguments);
        functions = module.objects[called.returnType.name ?? ''];
      }
    }
    if (called && functions && called.returnType.name !== 'Image')
      return `${kebab(called.name)} without a function of its own`;
    return called || line.includes('--help') ? undefined : 'no function is called';
  }

  test('call what the module has', async () => {
    const files = [
      ...(await recipes()),
      ...(await Promise.all(
        ['docs/guide/ci.md', 'docs/guide/dagger.md', 'docs/guide/kserve.md', 'README.md'].map(recipe),
      )),
    ];
    const problems = files.flatMap((file) =>
      // `dagger call` alone is a mention in prose.
      daggerLines(file).flatMap((line) => {
        if (line.length === 1) return [];
        const found = problem(filledIn(line));
        return found === undefined ? [] : [`${file.path}: dagger ${line.join(' ')}: ${found}`];
      }),
    );
    expect(problems).toEqual([]);
    expect(files.flatMap(daggerLines).length).toBeGreaterThan(10);
  });

  test.each([
    ['call pusch', 'no function pusch'],
    ['call push --regsitry x', 'no flag --regsitry'],
    ['call push --password hunter2', '--password is no secret'],
    ['call push --version', '--version without a value'],
    ['call --hf-token env:HF_TOKEN', 'no function is called'],
    ['call registry --address a pusch', 'no function pusch'],
    ['call registry --address a', 'registry without a function of its own'],
    ['call with-kind --config kind.yaml registry --address a all --local', undefined],
    ['call modelcars push --registry a', undefined],
    ['call model --name iris push --registry quay.io/me ref', undefined],
    ['check lints', 'no check lints'],
    ['check modelcars:licences', undefined],
    ['call --hf-token env:HF_TOKEN build-all --models a export --path out', undefined],
  ])('are judged: %s', (line, expected) => {
    expect(problem(line.split(' '))).toBe(expected);
  });
});
