/**
 * What modelcars reads from its environment, and the module's arguments for it: the table in docs/guide/dagger.md has
 * every variable, and the arguments that it names set them.
 */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { callChain, loadedModule, shown, source } from './_calls.ts';
import { given, missingSdk, type Step } from './_module.ts';

const missing = await missingSdk();
const root = fileURLToPath(new URL('../..', import.meta.url));

/** Variables of the machine, the terminal or a CI system, which say nothing that a caller of the module chooses. */
const ofTheMachine = [
  ...['HOME', 'PATH', 'SHELL', 'TERM', 'XDG_CACHE_HOME', 'XDG_CONFIG_HOME', 'XDG_RUNTIME_DIR'],
  // Set by the module for its own container engine.
  ...['DOCKER_HOST', 'DOCKER_TLS_VERIFY', 'KIND_EXPERIMENTAL_PROVIDER'],
  // Of GitLab and GitHub: provenance and identity tokens, which `with-signing --identity-token` passes.
  ...['GITLAB_CI', 'CI_JOB_URL', 'CI_COMMIT_BRANCH', 'CI_MERGE_REQUEST_SOURCE_BRANCH_NAME'],
  // Of the model server that the smoke test starts.
  ...['PORT', 'MODELS_DIR', 'MODEL_DIR'],
];

/** Names of variables in the source: read as `env.NAME`, or as text with the prefix of a tool that modelcars follows. */
function variablesRead(): Set<string> {
  const files = globSync('scripts/**/*.ts', { cwd: root }).filter((file) => !file.endsWith('.test.ts'));
  const prefixes = 'AWS|AZURE|CLOUDSDK|COSIGN|DOCKER|GOOGLE|HF|HUGGING|MODELCARS|S3|STORAGE';
  const pattern = new RegExp(
    String.raw`\b(?:env|environment)\??\.([A-Z][A-Z0-9_]+)\b|'((?:${prefixes})_[A-Z0-9_]+)'`,
    'g',
  );
  const names = files.flatMap((file) =>
    [...readFileSync(join(root, file), 'utf8').matchAll(pattern)].map(
      ([, read, named]) => read ?? named ?? '',
    ),
  );
  return new Set(names);
}

interface Row {
  variables: string[];
  /** `with-buckets`; empty for an argument of the module itself. */
  name: string;
  flags: string[];
}

/** The table's rows. */
function rows(): Row[] {
  const page = readFileSync(join(root, 'docs/guide/dagger.md'), 'utf8');
  const [, section = ''] = /^## Variables and their arguments\n([\s\S]*?)^## /m.exec(page) ?? [];
  return [...section.matchAll(/^\| (`.*`) \| (.*) \|$/gm)].map(([, left = '', right = '']) => {
    const codes = (text: string) => [...text.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);
    const [first = '', ...more] = right.startsWith('`') ? codes(right) : [];
    const [name = '', flag = ''] = first.startsWith('--') ? ['', first] : first.split(' ');
    return { variables: codes(left), name, flags: [flag, ...more].filter((one) => one.startsWith('--')) };
  });
}

const camel = (name: string) =>
  name.replace(/^--/, '').replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase());

test('the table has every variable that modelcars reads', () => {
  const known = [...ofTheMachine, ...rows().flatMap(({ variables }) => variables)];
  expect([...variablesRead()].filter((name) => !known.includes(name)).sort()).toEqual([]);
  expect(variablesRead().size).toBeGreaterThan(30);
});

const pairs = rows().flatMap(({ variables, name, flags }) => {
  if (name !== '' && !/^with-(network|buckets|google|azure)$/.test(name)) return [];
  if (variables.length !== flags.length) return [];
  return variables.map((variable, at): [string, string, string] => [variable, name, flags[at] ?? '']);
});

describe.skipIf(missing)('the arguments', () => {
  test('in the table are many', () => expect(pairs.length).toBeGreaterThan(15));

  test.each(pairs)('%s is set by %s %s', async (variable, name, flag) => {
    const argument = camel(flag);
    const module = await loadedModule();
    const known = name === '' ? module.constructorArguments : module.functions[camel(name)]?.arguments;
    expect(Object.keys(known ?? {})).toContain(argument);
    const type = known?.[argument]?.type.name;
    const value = type === 'Secret' ? given('Secret', 'env:X') : 'some';
    const list: Step = ['list', { source }];
    const own = name === '' ? { [argument]: value } : {};
    const chain: Step[] = name === '' ? [list] : [[camel(name), { [argument]: value }], list];
    const container = shown(await callChain(chain, own));
    const set = container.calls.filter(({ field }) => /^with(Env|Secret)Variable$/.test(field));
    expect(set.map(({ args }) => args.name)).toContain(variable);
  });
});

describe.skipIf(missing)('any other variable', () => {
  test('has with-variable and with-secret', async () => {
    const secret = given('Secret', 'env:TOKEN');
    const container = shown(
      await callChain([
        ['withVariable', { name: 'AWS_S3_FORCE_PATH_STYLE', value: 'false' }],
        ['withSecret', { name: 'MODELCARS_REGISTRY_TOKEN', secret }],
        ['list', { source }],
      ]),
    );
    const args = container.calls.map((one) => one.args);
    expect(args).toContainEqual({ name: 'AWS_S3_FORCE_PATH_STYLE', value: 'false' });
    expect(args).toContainEqual({ name: 'MODELCARS_REGISTRY_TOKEN', secret });
  });
});
