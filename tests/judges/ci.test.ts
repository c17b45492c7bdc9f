/**
 * actionlint on the workflows of ci/github/ and of this repository, and on a workflow that uses the action: syntax,
 * expressions, outputs, contexts, inputs.
 */
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { root } from '../parts/cli.ts';
import { missingParts, part } from '../parts/parts.ts';
import { tryRun } from '../parts/run.ts';

const missing = await missingParts('actionlint');
const workflows = [
  'ci/github/dagger.yml',
  'ci/github/node.yml',
  '.github/workflows/ci.yml',
  '.github/workflows/release.yml',
];

describe.skipIf(missing)('actionlint', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'modelcars-ci-'));
    // It looks for a local action only in a repository, and for workflows only in their folder.
    await mkdir(join(folder, '.git'));
    await mkdir(join(folder, '.github/workflows'), { recursive: true });
    await cp(join(root, 'action.yml'), join(folder, 'action.yml'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  // Without the shell linters, which only some machines have.
  const lint = async (text: string) => {
    const file = join(folder, '.github/workflows/one.yml');
    await writeFile(file, text);
    return await tryRun(await part('actionlint'), ['-shellcheck=', '-pyflakes=', '-no-color', file], {
      cwd: folder,
    });
  };
  const textOf = (path: string) => readFile(join(root, path), 'utf8');

  test.each(workflows)('finds nothing wrong with %s', async (path) => {
    expect(await lint(await textOf(path))).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  test.each([
    ['needs.verify.outputs.matrix', 'needs.verify.outputs.matrx', 'property "matrx" is not defined'],
    ['needs: verify', 'needs: verfy', 'needs job "verfy" which does not exist'],
    ['runs-on: ubuntu-latest', 'run-on: ubuntu-latest', 'unexpected key "run-on"'],
  ])('reports %s written %s', async (right, wrong, words) => {
    const text = await textOf('ci/github/dagger.yml');
    expect(text).toContain(right);
    const { code, stdout } = await lint(text.replace(right, wrong));
    expect([code, stdout]).toEqual([1, expect.stringContaining(words)]);
  });

  /** The step of docs/guide/ci.md, with the action of this repository. */
  const usage = async () => {
    const [, steps = ''] = /```text\n( +- id: push[\s\S]*?)```/.exec(await textOf('docs/guide/ci.md')) ?? [];
    const head = 'on: push\njobs:\n  push:\n    runs-on: ubuntu-latest\n    steps:\n';
    return head + steps.replace(/modelcars\/modelcars@\S+/, './');
  };

  test('finds nothing wrong with the action and its use in the guide', async () => {
    const text = await usage();
    expect(text).toContain('uses: ./');
    expect(await lint(text)).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  test.each([
    ['command: push', 'comand: push', 'missing input "command" which is required by action "modelcars"'],
    ['outputs.json', 'outputs.jsn', 'property "jsn" is not defined'],
  ])('reports %s of the action written %s', async (right, wrong, words) => {
    const { code, stdout } = await lint((await usage()).replace(right, wrong));
    expect([code, stdout]).toEqual([1, expect.stringContaining(words)]);
  });
});
