/** gitlab-ci-local, with GitLab's own schema, on the pipelines of ci/gitlab/ and on the component with its inputs. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { root } from '../parts/cli.ts';
import { judgePipeline, missingGitlab } from '../parts/gitlab.ts';
import { recipe } from '../parts/recipes.ts';
import { run } from '../parts/run.ts';

const missing = await missingGitlab();
const textOf = (path: string) => readFile(join(root, path), 'utf8');

describe.skipIf(missing)('GitLab', () => {
  /** Names of the jobs that a tag v1.2.3 starts. */
  async function jobs(files: Record<string, string>): Promise<string[]> {
    const { code, stdout, stderr } = await judgePipeline(files, 'jobs');
    expect(code, stderr).toBe(0);
    const [head, ...lines] = stdout.trim().split('\n');
    expect(head).toMatch(/^name;/);
    return lines.map((line) => line.split(';')[0] ?? '');
  }

  test.each([
    ['node', ['verify', 'push: [1/2]', 'push: [2/2]']],
    ['matrix', ['list', 'push']],
    ['dagger', ['verify', 'push']],
  ])('finds nothing wrong with ci/gitlab/%s.yml', async (name, expected) => {
    expect(await jobs({ '.gitlab-ci.yml': await textOf(`ci/gitlab/${name}.yml`) })).toEqual(expected);
  });

  test('makes one job per model of the pipeline that ci/gitlab/matrix.yml writes', async () => {
    const [{ list, variables }] = (await recipe('ci/gitlab/matrix.yml')).documents;
    const folder = await mkdtemp(join(tmpdir(), 'modelcars-matrix-'));
    try {
      const program = `modelcars() { echo '[{"MODEL":["iris","wine"]}]'; }`;
      await run('bash', ['-ec', [program, ...list.script].join('\n')], { cwd: folder, env: variables });
      const child = await readFile(join(folder, 'push.yml'), 'utf8');
      expect(await jobs({ '.gitlab-ci.yml': child })).toEqual(['push: [iris]', 'push: [wine]']);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  test('makes the jobs of the component from its inputs', async () => {
    const component = await textOf('templates/modelcars.yml');
    const including = (inputs: string) => ({
      '.gitlab-ci.yml': `include:\n  - local: templates/modelcars.yml\n    inputs: ${inputs}\n`,
      'templates/modelcars.yml': component,
    });
    expect(await jobs(including('{shards: 3}'))).toEqual([
      'modelcars-verify',
      'modelcars-push: [1/3]',
      'modelcars-push: [2/3]',
      'modelcars-push: [3/3]',
    ]);
    const { stdout } = await judgePipeline(
      including("{registry: quay.io/me, version: 0.2.0, sign: '--sign'}"),
    );
    expect(parse(stdout)['modelcars-push']).toMatchObject({
      image: { name: 'ghcr.io/modelcars/modelcars:v0.2.0' },
      parallel: 2,
      variables: { REGISTRY: 'quay.io/me', SIGN: '--sign' },
    });
    const wrong = await judgePipeline(including('{shards: many}'));
    expect(wrong.code).not.toBe(0);
  });

  test.each([
    ['parallel: 2', 'paralel: 2', "'paralel' property is not expected"],
    ['stage: push', 'stage: psuh', 'psuh'],
    ['script:', 'scripts:', 'verify must have script specified'],
  ])('reports %s written %s', async (right, wrong, words) => {
    const text = await textOf('ci/gitlab/node.yml');
    expect(text).toContain(right);
    const { code, stdout, stderr } = await judgePipeline({ '.gitlab-ci.yml': text.replace(right, wrong) });
    expect(code).not.toBe(0);
    expect(stdout + stderr).toContain(words);
  });
});
