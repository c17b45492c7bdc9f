/** actionlint on the workflows of ci/github/ and of this repository: syntax, expressions, outputs, contexts. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { missingParts, part } from '../parts/parts.ts';
import { tryRun } from '../parts/run.ts';

const missing = await missingParts('actionlint');
const workflows = fileURLToPath(new URL('../../ci/github/', import.meta.url));
const own = fileURLToPath(new URL('../../.github/workflows/ci.yml', import.meta.url));

describe.skipIf(missing)('actionlint', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'modelcars-ci-'));
    await cp(workflows, folder, { recursive: true });
    await cp(own, join(folder, 'own.yml'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  // Without the shell linters, which only some machines have.
  const lint = async (file: string) =>
    await tryRun(await part('actionlint'), ['-shellcheck=', '-pyflakes=', '-no-color', join(folder, file)]);

  test.each(['dagger.yml', 'node.yml', 'own.yml'])('finds nothing wrong with %s', async (file) => {
    expect(await lint(file)).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  test.each([
    ['needs.verify.outputs.matrix', 'needs.verify.outputs.matrx', 'property "matrx" is not defined'],
    ['needs: verify', 'needs: verfy', 'needs job "verfy" which does not exist'],
    ['runs-on: ubuntu-latest', 'run-on: ubuntu-latest', 'unexpected key "run-on"'],
  ])('reports %s written %s', async (right, wrong, words) => {
    const text = await readFile(join(folder, 'dagger.yml'), 'utf8');
    expect(text).toContain(right);
    await writeFile(join(folder, 'wrong.yml'), text.replace(right, wrong));
    const { code, stdout } = await lint('wrong.yml');
    expect(code).toBe(1);
    expect(stdout).toContain(words);
  });
});
