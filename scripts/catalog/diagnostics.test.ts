import { afterAll, beforeAll, expect, it } from 'vitest';
import { Folder, failure } from '../../tests/support/catalog-folder.ts';
import { loadCatalog } from './load.ts';

let folder: Folder;
beforeAll(async () => {
  folder = await Folder.make();
});
afterAll(() => folder[Symbol.asyncDispose]());

/** The lines of a catalog's error, without the file's name. */
async function mistakes(text: string | Uint8Array): Promise<string[]> {
  const file = await folder.catalog(text);
  const error = await failure(loadCatalog(file));
  expect(error).toMatchObject({ code: 'catalog', exitCode: 2, next: expect.any(String) });
  const lines = error.message.split('\n');
  if (lines.length > 1) expect(lines.shift()).toMatch(/^read .*models\.yaml: \d+ mistakes$/);
  return lines.map((line) => line.slice(line.indexOf('models.yaml:') + 'models.yaml:'.length));
}

/** A valid catalog with one more line in its model. */
const model = (line: string) =>
  `models:\n  - name: iris\n    framework: testing\n    source: file:m\n    ${line}\n`;

it.each([
  ['frameork: x', ['5:5: unknown key `frameork`; did you mean `framework`?']],
  ['zzzzzz: x', ['5:5: unknown key `zzzzzz`']],
  [
    'version: 1.0',
    ['5:14: `version`: expected a version such as `v1.2.3`, got the number 1; did you mean `v1.0.0`?'],
  ],
  ['version: v1.2', [expect.stringMatching(/^5:14: `version`: .* got `v1\.2`; did you mean `v1\.2\.0`\?$/)]],
  ['version: v1.2.3+build', [expect.stringContaining('a tag cannot hold it')]],
  ['title: 3', ['5:12: `title`: expected a title, got the number 3; put it in quotes']],
  ['title: "a\\nb"', [expect.stringContaining('on one line')]],
  ['platforms: []', ['5:16: `platforms`: expected at least one platform']],
  [
    'platforms: linux/amd64',
    [
      '5:16: `platforms`: expected a list of platforms, as in `[linux/amd64, linux/arm64]`, got `linux/amd64`',
    ],
  ],
  [
    'platforms: [linux/amd64, aarch64]',
    [expect.stringMatching(/^5:30: `platforms\[1\]`: .*got `aarch64`; did you mean `linux\/arm64`\?$/)],
  ],
  ['platforms: [windows/amd64]', [expect.stringContaining('did you mean `linux/amd64`?')]],
  [
    'compression: gzpi',
    ['5:18: `compression`: expected one of none, gzip or zstd, got `gzpi`; did you mean `gzip`?'],
  ],
  ['compression: ', ['5:18: `compression`: expected one of none, gzip or zstd, got nothing']],
  ['maxLayerSize: 10XB', [expect.stringMatching(/^5:19: `maxLayerSize`: expected a size such as `10GB`/)]],
  ['floatingTags: no', [expect.stringContaining('`floatingTags`: expected `true` or `false`')]],
  ['maxLayerSize: 0', [expect.stringContaining('above 0')]],
  ['maxLayerSize: 0.5B', [expect.stringContaining('whole number')]],
  ['maxLayerSize: -3', [expect.stringContaining('above 0')]],
  ['maxLayerSize: -9007199254740992', [expect.stringContaining('above 0')]],
  ['maxLayerSize: 99999999TB', [expect.stringContaining('above 0')]],
  ['tags: [".x"]', [expect.stringMatching(/^5:12: `tags\[0\]`: expected a tag/)]],
  ['include: ["!x"]', [expect.stringContaining('what stays out in `exclude`')]],
  ['include: ["/x"]', [expect.stringContaining('did you mean `x`?')]],
  ['include: ["../x"]', [expect.stringContaining('without `..`')]],
  ['include: ["*a*a*a*a*a*a*a"]', [expect.stringContaining('at most 6 `*`')]],
  ['licenses: "MIT; rm"', [expect.stringContaining('SPDX')]],
  ['annotations: {a: 1}', ['5:22: `annotations.a`: expected a text, got the number 1; put it in quotes']],
  ['annotations: {a b: x}', [expect.stringMatching(/^5:19: `annotations\.a b`: .*without spaces/)]],
  [
    'annotations: {org.opencontainers.image.base.name: x}',
    [expect.stringContaining('modelcars writes itself')],
  ],
  [
    'annotations: {org.opencontainers.image.created: x}',
    [expect.stringContaining('modelcars writes itself')],
  ],
  ['annotations: {dev.modelcars.framework: x}', [expect.stringContaining('modelcars writes itself')]],
  ['annotations: {org.opencontainers.image.title: x}', [expect.stringContaining('write `title:` instead')]],
  ['base: Embedded', [expect.stringContaining('did you mean `embedded`?')]],
  [
    'base: "quay.io/a b"',
    [expect.stringMatching(/^5:11: `base`: expected `embedded` or an image reference/)],
  ],
  ['registry: quay.io/Me', [expect.stringMatching(/^5:15: `registry`: expected a registry host/)]],
  ['registry: me', [expect.stringContaining('expected a registry host')]],
  ['registry: quay.io/me/', [expect.stringContaining('did you mean `quay.io/me`?')]],
  ['registry: https://me:hunter2@quay.io', [expect.not.stringContaining('hunter2')]],
  ['files: [a]', [expect.stringContaining('expected a map of files')]],
  [
    'files: {../x: "file:a"}',
    ['5:13: `files.../x`: expected a path below /models, got `../x`, which holds the component `..`'],
  ],
  ['files: {/etc/x: "file:a"}', [expect.stringContaining('is absolute')]],
  ['files: {"a\\0b": "file:a"}', [expect.stringContaining('NUL')]],
  ['files: {.wh.x: "file:a"}', [expect.stringContaining('`.wh.`')]],
  ['files: {x: "file:../a"}', [expect.stringContaining('inside the folder of models.yaml')]],
  ['files: {A: "file:a", a: "file:b"}', ['5:26: `files.a`: `A` and `a` differ only in case or Unicode form']],
  ['files: {a: "file:a", a/b: "file:b"}', [expect.stringContaining('one name for a file and a folder')]],
  ['files: {a: "file:a", a: "file:b"}', ['5:26: duplicate key `a`; first on line 5']],
  ['name: again', ['5:5: duplicate key `name`; first on line 2']],
])('rejects `%s`', async (line, expected) => {
  expect(await mistakes(model(line))).toEqual(expected);
});

it.each([
  ['Iris', '; did you mean `iris`?'],
  ['my_model', '; did you mean `my-model`?'],
  ['../../etc', '; did you mean `etc`?'],
  ['-a-', '; did you mean `a`?'],
  ['a/b', '; did you mean `a-b`?'],
  ['x'.repeat(64), `; did you mean \`${'x'.repeat(63)}\`?`],
  ['"a\\0b"', 'got `a\\u{0}b`'],
  ['"\\u202egpj"', 'got `\\u{202e}gpj`'],
  ['[]', 'got an empty list'],
  ['""', 'got an empty text'],
])('rejects the name %s', async (name, words) => {
  const [line] = await mistakes(`models: [{framework: testing, source: "file:m", name: ${name}}]`);
  expect(line).toMatch(/^1:55: `name`: expected a (model )?name/);
  expect(line).toContain(words);
});

it.each([
  ['', '1:1: the file is empty; expected a map with `models:`'],
  ['# nothing\n', '1:1: the file is empty; expected a map with `models:`'],
  ['hello', '1:1: expected a map with `models:`, got `hello`'],
  ['- a', '1:1: expected a map with `models:`, got a list'],
  ['models:', '1:8: `models`: expected a list of models, each starting with `- name:`, got nothing'],
  ['version: v1.0.0', '1:1: `models`: missing; expected a list of models, each starting with `- name:`'],
  [
    'models: [3]',
    '1:10: `models[0]`: expected a model: a map with `name:`, `framework:` and `source:`, got the number 3',
  ],
  ['models: [a', expect.stringMatching(/^1:11: not valid YAML: /)],
  ['models:\n\t- a', '2:1: a tab indents this line; YAML takes only spaces'],
  ['a: b: c', '1:4: a second `: ` on one line; put the value in quotes'],
  ['models: []\n---\na: 1', '2:1: a second YAML document starts here (`---`); expected one'],
  ['models: !!js/function x', expect.stringMatching(/^1:9: unknown YAML tag/)],
  ['%YAML 1.1\n---\nmodels: 2001-01-01', expect.stringMatching(/^3:9: expected a text, number/)],
  ['models: *x', '1:9: no anchor `&x` precedes this alias'],
  ['models: &a [*a]', expect.stringContaining('an alias (`*name`) contains itself')],
  [`models: ${'['.repeat(40)}${']'.repeat(40)}`, expect.stringContaining('nested too deeply')],
  ['['.repeat(20_000), expect.stringContaining('nested too deeply')],
  ['__proto__: {}', '1:1: the key `__proto__` is not allowed'],
  ['? [a]\n: 1', '1:3: expected a text as key'],
  ['models:\n  - <<: 3', '2:9: expected a map, or a list of maps, after `<<:`'],
  ['models: []\n<<<<<<< HEAD\n=======\n>>>>>>> x\n', '2:1: a merge conflict was not resolved'],
  [Buffer.from('models:\n  - name: caf\xe9', 'latin1'), '2:14: not UTF-8; save the file as UTF-8'],
  [Buffer.from('\ufeffmodels: []', 'utf16le'), '1:1: not UTF-8; save the file as UTF-8'],
])('rejects the file %#', async (text, expected) => {
  expect(await mistakes(text)).toEqual([expected]);
});

it('accepts a byte order mark and CRLF, and counts columns correctly', async () => {
  const file = await folder.catalog(`\ufeff${model('').replaceAll('\n', '\r\n')}`);
  expect((await loadCatalog(file)).models).toHaveLength(1);
  expect(await mistakes(`\ufeff${model('title: 3').replaceAll('\n', '\r\n')}`)).toEqual([
    expect.stringMatching(/^5:12: /),
  ]);
});

it('stops an alias bomb', async () => {
  const levels = Array.from(
    { length: 9 },
    (_, n) => `a${n}: &a${n} [${Array(10).fill(n ? `*a${n - 1}` : 'x')}]`,
  );
  expect(await mistakes(levels.join('\n'))).toEqual([expect.stringContaining('expand to too many')]);
});

it('collects mistakes, in the order of the file, and counts those over 20', async () => {
  const entry = '  - {name: A, framework: testing, source: "file:m"}\n';
  const lines = await mistakes(`modles: 1\nmodels:\n${entry.repeat(3)}`);
  expect(lines.map((line) => line.split(':', 2).join(':'))).toEqual([
    '1:1',
    '3:12',
    '4:12',
    '4:12',
    '5:12',
    '5:12',
  ]);
  const many = await failure(loadCatalog(await folder.catalog(`models:\n${'  - 3\n'.repeat(25)}`)));
  expect(many.message.split('\n')).toHaveLength(22);
  expect(many.message).toMatch(/: 25 mistakes\n/);
  expect(many.message).toMatch(/\n… and 5 more$/);
});

it('points at both models with the same name', async () => {
  const two = `${model('')}  - source: file:n\n    framework: testing\n    name: iris\n`;
  expect(await mistakes(two)).toEqual(['8:11: duplicate name `iris`; first on line 2']);
});

it('suggests the intended framework, or lists all', async () => {
  expect(await mistakes(model('').replace('testing', 'tesitng'))).toEqual([
    '3:16: unknown framework `tesitng`; did you mean `testing`?',
  ]);
  expect(await mistakes(model('').replace('testing', '../testing'))).toEqual([
    '3:16: unknown framework `../testing`; did you mean `testing`?',
  ]);
  expect(await mistakes(model('').replace('testing', 'qqqqqqqqqq'))).toEqual([
    expect.stringMatching(/^3:16: unknown framework `qqqqqqqqqq`; expected .*testing/),
  ]);
});
