/** Checks the documentation against the program: YAML is loaded, commands are parsed, links and folders exist. */
import { execFile } from 'node:child_process';
import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { commands } from '../../scripts/commands/commands.ts';
import { parseCommandLine } from '../../scripts/commands/parse.ts';
import { root } from '../parts/cli.ts';
import { anchorsOf, blocksOf, type Page, pages } from '../parts/markdown.ts';
import { filledIn, programLines, recipes } from '../parts/recipes.ts';
import { checkObject, yamlKinds } from '../parts/yamlblocks.ts';

/** The path of a page or chart in prose and messages; not one within a URL or a longer path. */
const docsPath = /(?<![\w/.-])(docs\/[\w/-]+\.(?:md|json|svg))\b/g;

/** Pages of git-lfs and of ONNX that comments name. */
const otherProjects = ['docs/spec.md', 'docs/ExternalData.md'];

let all: Page[];
beforeAll(async () => {
  all = await pages();
});

/** The problem of a block; empty for a valid one. */
async function wrongWith(language: string, mark: string, text: string): Promise<string> {
  if (!/^ya?ml$/i.test(language)) {
    const hidden = language === '' && /^ *(- name|models|apiVersion|kind|defaults):/m.test(text);
    return hidden ? 'YAML without a language' : '';
  }
  const load = Object.hasOwn(yamlKinds, mark) ? yamlKinds[mark] : undefined;
  if (load === undefined) return `the word behind \`yaml\` is none of ${Object.keys(yamlKinds).join(', ')}`;
  return await load(text).then(
    () => '',
    (error: unknown) => String(error),
  );
}

/** All of a workflow but its steps. */
const workflow = 'name: a\non: {push: {}}\npermissions: {}\njobs:\n  a:\n    runs-on: b\n    steps:\n';

describe('YAML blocks', () => {
  test('of every page parse as the file they claim to be', async () => {
    const seen = new Map<string, number>();
    for (const { language, mark, text, place } of all.flatMap(({ blocks }) => blocks)) {
      expect([place, await wrongWith(language, mark, text)]).toEqual([place, '']);
      if (/^ya?ml$/i.test(language)) seen.set(mark, (seen.get(mark) ?? 0) + 1);
    }
    // Each kind is used; otherwise its check would check nothing.
    expect([...seen.keys()].sort()).toEqual(Object.keys(yamlKinds).sort());
    expect(all.map(({ path }) => path)).toEqual(
      expect.arrayContaining([
        'README.md',
        'docs/guide/cache.md',
        'docs/reference/models-yaml.md',
        'frameworks/README.md',
      ]),
    );
  });

  test.each([
    ['no mark', 'yaml', 'models:\n  - {name: a, framework: sklearn, source: "file:a"}\n'],
    ['an unknown mark', 'yaml catalog', 'models: []\n'],
    ['a mark that promises more', 'yaml models.yaml', '- {name: a, framework: sklearn, source: "file:a"}\n'],
    ['a field nobody knows', 'yaml models', '- {name: a, framework: sklearn, sorce: "file:a"}\n'],
    ['a wrong value', 'yaml model', 'source: file:a\nversion: 1\n'],
    ['a framework that is not there', 'yaml models', '- {name: a, framework: keras, source: "file:a"}\n'],
    ['broken YAML', 'yaml kubernetes', 'kind: [\n'],
    ['a doubled key', 'yaml kubernetes', 'kind: Job\nkind: Job\n'],
    ['an old apiVersion', 'yaml kubernetes', 'apiVersion: batch/v1beta1\nkind: Job\nmetadata: {name: a}\n'],
    ['no YAML at all', 'yaml kubernetes', '# nothing\n'],
    ['a container without an image', 'yaml pod', 'initContainers:\n  - name: a\n'],
    ['a field no pod has', 'yaml pod', 'initcontainers: []\n'],
    [
      'a step that does two things',
      'yaml workflow',
      `${workflow}      - {uses: actions/checkout@v5, run: ls}\n`,
    ],
    ['an action without a version', 'yaml workflow', `${workflow}      - {uses: actions/checkout}\n`],
    ['a job without a script', 'yaml gitlab-ci', 'pages: {image: {name: node}, rules: []}\n'],
    ['YAML without a language', '', 'models:\n  - name: a\n'],
  ])('with %s fail', async (_, info, text) => {
    const [block] = blocksOf('x.md', `\`\`\`${info}\n${text}\`\`\`\n`);
    if (block === undefined) throw new Error('no block was found');
    expect(await wrongWith(block.language, block.mark, block.text)).not.toBe('');
  });
});

test('Kubernetes objects in ci/ are of known kinds', async () => {
  const files = (await recipes()).filter(
    ({ path }) => /^ci\/(kubernetes|tekton)\//.test(path) && !path.endsWith('engine-values.yaml'),
  );
  expect(files.length).toBeGreaterThan(3);
  for (const { path, documents } of files) {
    expect([path, documents.length]).not.toEqual([path, 0]);
    for (const document of documents) expect(() => checkObject(document), path).not.toThrow();
  }
});

test('every modelcars command on a page is valid', async () => {
  let lines = 0;
  for (const { path, text } of all) {
    for (const line of programLines({ path, text, documents: [] })) {
      // `modelcars -- <command> --help` and `modelcars -- …` are placeholders for any command.
      if (line.some((word) => /[<…]/.test(word)) || line.length === 0) continue;
      // `modelcars add` alone is the command's name, although it needs arguments.
      if (line.length === 1) {
        expect([path, commands.map(({ name }) => name)]).toEqual([path, expect.arrayContaining(line)]);
        continue;
      }
      const invocation = await parseCommandLine(filledIn(line), 80);
      expect([path, line, invocation?.command.name]).toEqual([path, line, line[0]]);
      lines++;
    }
  }
  expect(lines).toBeGreaterThan(15);
});

test('links within the repository lead to files and headings', async () => {
  for (const page of all) {
    for (const [, target = ''] of page.text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [file = '', anchor] = target.split('#');
      const path = file === '' ? page.path : normalize(join(dirname(page.path), file));
      const there = await stat(join(root, path)).then(
        () => true,
        () => false,
      );
      expect([page.path, target, there]).toEqual([page.path, target, true]);
      const other = all.find((one) => one.path === path);
      if (anchor !== undefined && other !== undefined)
        expect([page.path, target, [...anchorsOf(other)]]).toEqual([
          page.path,
          target,
          expect.arrayContaining([anchor]),
        ]);
    }
  }
});

test('prose wraps at 120 columns', () => {
  for (const { path, text } of all) {
    const prose = text
      .replaceAll(/^ *```[\s\S]*?^ *```$/gm, '')
      .replaceAll(/^<!-- (bench|scale): written[\s\S]*?^<!-- \1: end -->$/gm, '')
      .split('\n')
      .filter((line) => !line.trimStart().startsWith('|'));
    expect([path, ...prose.filter((line) => line.length > 120)]).toEqual([path]);
  }
});

test('docs/README.md has one line for each page below docs/', () => {
  const index = all.find(({ path }) => path === 'docs/README.md')?.text ?? '';
  const listed = [...index.matchAll(/^\| \[([^\]]+)\]\(([^)]+)\) \| \S/gm)];
  for (const [, label, target] of listed) expect(label).toBe(target);
  const listedPages = listed.map(([, , target = '']) => `docs/${target}`);
  const existing = all
    .map(({ path }) => path)
    .filter((path) => path.startsWith('docs/') && path !== 'docs/README.md');
  expect(existing.length).toBeGreaterThan(5);
  expect(listedPages.toSorted()).toEqual(existing);
});

test("README.md's table has every command", () => {
  const table = all.find(({ path }) => path === 'README.md')?.text ?? '';
  const listed = [...table.matchAll(/^\| `([a-z]+)[^`]*` \|/gm)].map(([, name]) => name);
  const others = ['completion', 'version'];
  expect(commands.map(({ name }) => name).filter((name) => ![...listed, ...others].includes(name))).toEqual(
    [],
  );
});

test('every docs/ path named in the repository exists', async () => {
  const { stdout } = await promisify(execFile)('git', ['-C', root, 'ls-files', '-z'], {
    maxBuffer: 16 * 1024 * 1024,
  });
  const files = stdout
    .split('\0')
    .filter((path) => /\.(ts|md|ya?ml|sh|json|Jenkinsfile)$|^\.ci\//.test(path));
  let mentions = 0;
  for (const file of files) {
    const text = await readFile(join(root, file), 'utf8').catch(() => '');
    for (const [, path = ''] of text.matchAll(docsPath)) {
      if (otherProjects.includes(path)) continue;
      const exists = await stat(join(root, path)).then(
        () => true,
        () => false,
      );
      expect([file, path, exists]).toEqual([file, path, true]);
      mentions++;
    }
  }
  expect(mentions).toBeGreaterThan(20);
});

test('the folders in docs/internals/design.md are those of the repository', async () => {
  const map = all
    .find(({ path }) => path === 'docs/internals/design.md')
    ?.blocks.find(({ text }) => text.startsWith('dagger.json'));
  const lines = (map?.text ?? '').split('\n');
  const tops = lines.flatMap((line) => /^([\w.]+)\//.exec(line)?.[1] ?? []);
  const rooms = lines.flatMap((line) => /^ {2}([\w-]+)\//.exec(line)?.[1] ?? []);
  const folders = async (path: string) =>
    (await readdir(join(root, path), { withFileTypes: true }))
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
  expect(rooms.toSorted()).toEqual((await folders('scripts')).toSorted());
  expect(await folders('.')).toEqual(expect.arrayContaining(tops));
});

test('frameworks/README.md explains every field of a framework', async () => {
  const source = await readFile(join(root, 'scripts/model/framework.ts'), 'utf8');
  const [body = ''] = /(?<=^export interface Framework \{\n).*?(?=^\})/ms.exec(source) ?? [];
  const fields = [...body.matchAll(/^ {2}(\w+)\??[:(]/gm)].map(([, name]) => name ?? '');
  expect(fields).toContain('allowedImports');
  const table = all.find(({ path }) => path === 'frameworks/README.md')?.text ?? '';
  const explained = [...table.matchAll(/^ +\| (`[^|]+) \|/gm)].flatMap(
    ([, cell = '']) => cell.match(/\w+/g) ?? [],
  );
  expect(fields.filter((name) => !explained.includes(name))).toEqual([]);
});
