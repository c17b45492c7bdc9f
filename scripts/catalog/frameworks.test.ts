import { readdirSync } from 'node:fs';
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { Folder, failure, frameworkText } from '../../tests/support/catalog-folder.ts';
import { frameworkNames, loadFrameworks } from './frameworks.ts';

const repository = fileURLToPath(new URL('../..', import.meta.url));
const ours = readdirSync(join(repository, 'frameworks'), { withFileTypes: true })
  .flatMap((entry) => (entry.isDirectory() ? [entry.name] : []))
  .sort();

it('finds the built-in ones, and those beside the catalog, which take precedence', async () => {
  await using folder = await Folder.make({
    'frameworks/sklearn/framework.ts': frameworkText('sklearn'),
    'frameworks/no-framework/README.md': '',
    'frameworks/.hidden/framework.ts': 'throw new Error()',
    'frameworks/file': '',
  });
  expect(await frameworkNames(folder.path)).toEqual([...ours, 'testing'].sort());
  const frameworks = await loadFrameworks(folder.path);
  expect(frameworks.get('sklearn')?.runtime).toBe('test-runtime');
  expect(frameworks.get('xgboost')?.runtime).toBe('kserve-mlserver');
  expect(frameworks.get('testing')?.place?.('weights.bin')).toBe('model.bin');
});

it('loads the built-in folder once, whatever path leads to it', async () => {
  await using folder = await Folder.make();
  await symlink(repository, join(folder.path, 'link'));
  expect(await frameworkNames(repository)).toEqual(ours);
  expect(await frameworkNames(join(folder.path, 'link'))).toEqual(ours);
  expect(await frameworkNames(join(folder.path, 'nowhere'))).toEqual(ours);
});

it.each([
  [
    'an unknown value',
    (text: string) => text.replace("'v2'", "'v3'"),
    '`protocolVersion`: expected one of v1, v2, openai, got `v3`',
  ],
  [
    'a missing field',
    (text: string) => text.replace(/runtime: .*\n/, ''),
    '`runtime`: missing; expected the name of a ClusterServingRuntime',
  ],
  ['an unknown field', (text: string) => text.replace('runtime:', 'runtimes:'), '`runtimes`'],
  [
    'a wrong nested value',
    (text: string) => text.replace('[1]', '[]'),
    '`smoke.expect.classes`: expected at least one class',
  ],
  [
    'an unknown way to read the answer',
    (text: string) => text.replace("'labels'", "'label'"),
    '`smoke.expect.read`: expected one of labels, scores, completion, text, embeddings, predictions or outputs for `read`, got `label`',
  ],
  [
    'a completion without a token limit',
    (text: string) => text.replace(/expect: \{ output.*\} \}/, "expect: { read: 'completion' } }"),
    '`smoke.expect.maxTokens`: expected a number of tokens',
  ],
  [
    'no path',
    (text: string) => text.replace(/path: '[^']*'/, 'path: []'),
    '`smoke.path`: expected at least one path',
  ],
  [
    'a `place` that is not a function',
    (text: string) => text.replace(/place: .*\n/, 'place: 3,\n'),
    '`place`: expected a function',
  ],
  [
    "another folder's name",
    (text: string) => text.replace("'testing'", "'tested'"),
    '`name`: expected `testing`',
  ],
  ['no default export', () => 'export const a = 1;', 'missing; expected a framework as default export'],
  ['an error when run', () => 'throw new Error("out of cheese");', 'out of cheese'],
  ['invalid TypeScript', () => 'export default {{{', ''],
])('names file and field for %s', async (_, change, words) => {
  await using folder = await Folder.make({
    'frameworks/testing/framework.ts': frameworkText('testing', change),
  });
  const error = await failure(loadFrameworks(folder.path));
  expect(error).toMatchObject({ code: 'catalog', exitCode: 2, next: expect.any(String) });
  expect(error.message).toMatch(/^load framework `testing`: .*frameworks\/testing\/framework\.ts: /);
  expect(error.message).toContain(words);
});
