import { createHash } from 'node:crypto';
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Folder, failure } from '../../tests/support/catalog-folder.ts';
import { gguf } from '../../tests/support/gguf.ts';
import { isModel } from '../model/catalog-entry.ts';
import type { Framework, LockedModel } from '../model/types.ts';
import { loadFrameworks } from './frameworks.ts';
import { loadCatalog } from './load.ts';
import { type ResolvedModel, resolveModel, selectionOf } from './resolve.ts';
import { targetPath } from './target-path.ts';

/** Resolves the one model of a catalog with these files and these extra lines. */
async function resolve(
  files: Record<string, string>,
  more: string[] = [],
  links: [string, string][] = [],
): Promise<LockedModel> {
  await using folder = await Folder.make(files);
  for (const [from, to] of links) await symlink(to, join(folder.path, from));
  const lines = [
    'name: iris',
    'framework: testing',
    ...(more.some((line) => line.startsWith('source:')) ? [] : ['source: file:m']),
    ...more,
  ];
  const catalog = await loadCatalog(await folder.catalog(`models:\n  - ${lines.join('\n    ')}\n`));
  const [model] = catalog.models;
  const framework = (await loadFrameworks(folder.path)).get('testing');
  if (!model || !isModel(model) || !framework) throw new Error('the fixture is broken');
  return await resolveModel(model, framework, { directory: folder.path });
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const paths = ({ files }: LockedModel) => files.map(({ path }) => path);

it("selects the framework's files of a folder", async () => {
  const locked = await resolve({
    'm/model.bin': 'w',
    'm/optimizer.bin': 'o',
    'm/notes.txt': 'n',
    'm/LICENSE': 'l',
  });
  expect(locked).toEqual({
    framework: 'testing',
    source: 'file:m',
    revision: expect.stringMatching(/^sha256:/),
    include: ['*.bin', 'LICENSE'],
    exclude: ['optimizer.bin'],
    files: [
      { path: 'LICENSE', size: 1, sha256: sha256('l') },
      { path: 'model.bin', size: 1, sha256: sha256('w') },
    ],
  });
});

it("lets the model include its own files, and exclude some of the framework's", async () => {
  const files = { 'm/model.bin': 'w', 'm/optimizer.bin': 'o', 'm/sub/notes.txt': 'n', 'm/b.bin': 'b' };
  expect(paths(await resolve(files, ['exclude: ["b.*"]']))).toEqual(['model.bin']);
  expect(paths(await resolve(files, ['include: ["**"]']))).toEqual([
    'b.bin',
    'model.bin',
    'optimizer.bin',
    'sub/notes.txt',
  ]);
  expect(paths(await resolve(files, ['include: ["*"]', 'exclude: [b.bin]']))).toEqual([
    'model.bin',
    'optimizer.bin',
  ]);
});

it('adds files: by the path below /models, with their URI', async () => {
  const locked = await resolve({ 'm/model.bin': 'w', COPYING: 'c' }, [
    'files: {docs/LICENSE: "file:COPYING"}',
  ]);
  expect(locked.files).toEqual([
    { path: 'docs/LICENSE', size: 1, sha256: sha256('c'), source: 'file:COPYING' },
    { path: 'model.bin', size: 1, sha256: sha256('w') },
  ]);
});

it('lets files: give a file the name that the framework needs', async () => {
  const more = ['source: file:m/LICENSE', 'files: {model.bin: "file:m/iris-2024.dat"}'];
  expect(paths(await resolve({ 'm/LICENSE': 'l', 'm/iris-2024.dat': 'w' }, more))).toEqual([
    'LICENSE',
    'model.bin',
  ]);
});

it('identifies a model whose files all come from files: by their content', async () => {
  const more = ['source: file:m/iris.dat', 'files: {model.bin: "file:m/iris.dat"}'];
  const { revision } = await resolve({ 'm/iris.dat': 'w' }, more);
  expect(revision).toBe(`sha256:${sha256(`${sha256('w')} 1 model.bin\n`)}`);
  expect((await resolve({ 'm/iris.dat': 'x' }, more)).revision).not.toBe(revision);
});

it('treats a path in files: as the path in the image, without `place`', async () => {
  const more = ['source: file:m/LICENSE', 'files: {weights.bin: "file:m/iris-2024.dat"}'];
  const error = await failure(resolve({ 'm/LICENSE': 'l', 'm/iris-2024.dat': 'w' }, more));
  expect(error.message).toContain('testing needs model.bin or weights.bin: the runtime looks for no other');
});

it('names the required files and those that were found', async () => {
  const error = await failure(resolve({ 'm/iris.bin': 'w', 'm/notes.txt': '' }));
  expect(error).toMatchObject({ code: 'source', next: expect.stringContaining('include') });
  expect(error.message).toMatch(
    /^resolve model iris: testing needs model\.bin or weights\.bin: the runtime looks for no other name; found (iris\.bin and notes\.txt|notes\.txt and iris\.bin)$/,
  );
});

it.each<[string, Record<string, string>, string[], string, string]>([
  [
    'placed at the path of another',
    { 'm/weights.bin': 'w', 'm/model.bin': 'w' },
    [],
    'catalog',
    'model.bin of file:m and weights.bin of file:m are the same path below /models',
  ],
  [
    'of files: and the source',
    { 'm/model.bin': 'w', x: '' },
    ['files: {model.bin: "file:x"}'],
    'catalog',
    'model.bin of file:m and model.bin of `files:` (file:x) are the same path',
  ],
  [
    'of files: in another case',
    { 'm/model.bin': 'w', x: '' },
    ['files: {Model.bin: "file:x"}'],
    'catalog',
    'differ only in case',
  ],
  [
    'of files: below a file',
    { 'm/model.bin': 'w', x: '' },
    ['files: {model.bin/x: "file:x"}'],
    'catalog',
    'need one name for a file and a folder',
  ],
  [
    'that is a folder in files:',
    { 'm/model.bin': 'w', 'x/x': '' },
    ['files: {a: "file:x"}'],
    'source',
    '`files:` a: file:x is a folder',
  ],
  [
    'that `files:` names but does not exist',
    { 'm/model.bin': 'w' },
    ['files: {a: "file:x"}'],
    'source',
    'no such file or folder',
  ],
  ['of a missing source', {}, [], 'source', 'read file:m: '],
  [
    'of files: that is a repository',
    { 'm/model.bin': 'w' },
    ['files: {a: "hf://org/repo"}'],
    'source',
    '`files:` a: hf://org/repo is a repository',
  ],
])('rejects a file %s', async (_, files, more, code, message) => {
  const error = await failure(resolve(files, more));
  expect(error.code).toBe(code);
  expect(error.message).toContain(message);
  expect(error.next).toBeTruthy();
});

it('rejects links out of the source, by source and by files:', async () => {
  const out: [string, string][] = [['m/extra.bin', '/etc/hostname']];
  expect((await failure(resolve({ 'm/model.bin': 'w' }, [], out))).message).toContain('out of the source');
  const extra: [string, string][] = [['x', '/etc/hostname']];
  const error = await failure(resolve({ 'm/model.bin': 'w' }, ['files: {a: "file:x"}'], extra));
  expect(error.message).toContain("out of the catalog's folder");
});

it('places files of the source, and leaves those of files: at their path', () => {
  const framework: Framework = {
    name: 'testing',
    modelFormat: { name: 'test' },
    runtime: 'r',
    protocolVersion: 'v2',
    include: ['*'],
    exclude: [],
    requires: [],
    smoke: { path: '/', body: {}, expect: { output: 'y', classes: [1], read: 'labels' } },
  };
  const file = { path: 'model.bin', size: 1, sha256: sha256('') };
  expect(targetPath(framework, file)).toBe('model.bin');
  const nested = { ...framework, place: (path: string) => `1/${path}` };
  expect(targetPath(nested, file)).toBe('1/model.bin');
  expect(targetPath(nested, { ...file, source: 'file:x' })).toBe('model.bin');
  expect(() => targetPath({ ...framework, place: () => '../x' }, file)).toThrow(
    /^place model\.bin: framework testing puts it at `\.\.\/x`, which holds the component `\.\.`$/,
  );
});

it.each([
  ['*.json', ['config.json', '.hidden.json'], ['sub/config.json', 'config.jsonl']],
  ['**/*.json', ['config.json', 'a/b/config.json'], ['config.txt']],
  ['onnx/**', ['onnx/model.onnx', 'onnx/a/b', 'onnx/.x'], ['onnx2/a', 'x/onnx/a']],
  ['model-{1,2}.bin', ['model-1.bin'], ['model-3.bin']],
  ['LICENSE*', ['LICENSE', 'LICENSE.txt'], ['license', 'a/LICENSE']],
  ['+(a|b).bin', [], ['aaa.bin']],
])('matches the glob %s', (glob, matching, others) => {
  const select = selectionOf({ include: [glob], exclude: [] });
  expect(matching.filter(select)).toEqual(matching);
  expect(others.filter(select)).toEqual([]);
});

describe('a framework that chooses', () => {
  const files = { 'm/model.bin': 'w', 'm/other.bin': 'o', 'm/optimizer.bin': 'x', 'm/notes.txt': 't' };
  /** Takes only model.bin, and records the paths it received. */
  async function resolveWith(more: string[]): Promise<{ asked: string[][]; resolved: ResolvedModel }> {
    await using folder = await Folder.make(files);
    const lines = ['name: iris', 'framework: testing', 'source: file:m', ...more];
    const catalog = await loadCatalog(await folder.catalog(`models:\n  - ${lines.join('\n    ')}\n`));
    const framework = (await loadFrameworks(folder.path)).get('testing');
    const [model] = catalog.models;
    if (!model || !isModel(model) || !framework) throw new Error('the fixture is broken');
    const asked: string[][] = [];
    const choose = (paths: string[]) => {
      asked.push(paths.toSorted());
      const take = paths.filter((path) => path === 'model.bin');
      return { take, leave: paths.filter((path) => path !== 'model.bin'), why: 'one is enough' };
    };
    return {
      asked,
      resolved: await resolveModel(model, { ...framework, choose }, { directory: folder.path }),
    };
  }

  it('chooses among the paths that its globs match, and reports what it leaves out', async () => {
    const { asked, resolved } = await resolveWith([]);
    expect(asked).toEqual([['model.bin', 'other.bin']]);
    expect(resolved.files.map(({ path }) => path)).toEqual(['model.bin']);
    expect(resolved.leftOut).toEqual({ paths: ['other.bin'], why: 'one is enough' });
  });

  it('does not choose when the model has its own `include`', async () => {
    const { asked, resolved } = await resolveWith(['include: ["*"]']);
    expect(asked).toEqual([]);
    expect(resolved.files.length).toBe(4);
    expect(resolved.leftOut).toBeUndefined();
  });

  it('chooses after applying the `exclude` of the model', async () => {
    const { asked } = await resolveWith(['exclude: ["other.*"]']);
    expect(asked).toEqual([['model.bin']]);
  });
});

describe('a framework that refuses', () => {
  async function resolveGguf(names: string[], more: string[] = []): Promise<ResolvedModel> {
    await using folder = await Folder.make(Object.fromEntries(names.map((name) => [`m/${name}`, gguf()])));
    const lines = ['name: granite', 'framework: gguf', 'source: file:m', ...more];
    const catalog = await loadCatalog(await folder.catalog(`models:\n  - ${lines.join('\n    ')}\n`));
    const framework = (await loadFrameworks(folder.path)).get('gguf');
    const [model] = catalog.models;
    if (!model || !isModel(model) || !framework) throw new Error('the fixture is broken');
    // A refusal comes before any file is read.
    const tap = () => {
      if (names.length > 2) throw new Error('a file was read');
      return { update: () => {}, end: async () => {} };
    };
    return await resolveModel(model, framework, { directory: folder.path }, undefined, tap);
  }

  it('two quantisations: lists them, and shows the `include` of one', async () => {
    const error = await failure(resolveGguf(['g-Q2_K.gguf', 'g-Q4_K_M.gguf', 'README.md']));
    expect(error.message).toBe(
      'resolve model granite: file:m has 2 models, and one image serves one: Q2_K and Q4_K_M',
    );
    expect(error.next).toBe('choose one, as in `include: ["g-Q4_K_M.gguf", "README.md", "LICENSE*"]`');
  });

  it('two quantisations by an own `include` that matches both', async () => {
    const names = ['g-Q4_K_M.gguf', 'g-UD-Q4_K_M-00001-of-00002.gguf', 'g-UD-Q4_K_M-00002-of-00002.gguf'];
    const error = await failure(resolveGguf(names, ['include: ["*Q4_K_M*"]']));
    expect(error.message).toContain('has 2 models');
  });

  it('and takes one', async () => {
    const { files } = await resolveGguf(['g-Q2_K.gguf', 'g-Q4_K_M.gguf'], ['include: ["*Q2_K.gguf"]']);
    expect(files.map(({ path }) => path)).toEqual(['g-Q2_K.gguf']);
  });
});
