import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { modelcarsInside } from '../../tests/support/run-inside.ts';

const sample = fileURLToPath(new URL('../../frameworks/sklearn/model.joblib', import.meta.url));
const names = ['iris', 'wine', 'digits'];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelcars-shard-'));
  await mkdir(join(folder, 'model'));
  await cp(sample, join(folder, 'model', 'model.joblib'));
  const entry = (name: string) => `  - {name: ${name}, framework: sklearn, source: "file:model"}\n`;
  const head = 'version: v1.0.0\ndefaults: {base: embedded}\nmodels:\n';
  await writeFile(join(folder, 'models.yaml'), head + names.map(entry).join(''));
  const many = Array.from({ length: 257 }, (_, index) => entry(`m${index}`));
  await writeFile(join(folder, 'many.yaml'), head + many.join(''));
  expect((await run(['lock'])).code).toBe(0);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function run(words: string[], env: NodeJS.ProcessEnv = {}) {
  return modelcarsInside(words, { cwd: folder, env: { MODELCARS_STORE: join(folder, 'store'), ...env } });
}

/** The models that a `--json` command worked on. */
async function modelsOf(words: string[], env: NodeJS.ProcessEnv = {}): Promise<string[]> {
  const { code, stdout } = await run([...words, '--json'], env);
  expect(code).toBe(0);
  return JSON.parse(stdout).models.map((one: { model?: string; name: string }) => one.model ?? one.name);
}

describe('--shard', () => {
  it('gives each machine its share, the same in list, build, verify and push', async () => {
    const all: string[] = [];
    for (const shard of ['1/2', '2/2']) {
      const output = `out-${shard.replace('/', '-')}`;
      const listed = await modelsOf(['list', '--shard', shard]);
      expect(await modelsOf(['build', '--shard', shard, '-o', output])).toEqual(listed);
      expect(await modelsOf(['verify', '--shard', shard, '--layout', output])).toEqual(listed);
      const pushed = ['push', '--shard', shard, '--dry-run', '--registry', '127.0.0.1:1'];
      const { models } = JSON.parse((await run([...pushed, '--json'])).stdout);
      expect(models.map(({ model }: { model: string }) => model)).toEqual(listed);
      all.push(...listed);
    }
    expect(all.toSorted()).toEqual(names.toSorted());
  });

  it('is read from the environment only with `auto`', async () => {
    const pod = { JOB_COMPLETION_INDEX: '0', MODELCARS_SHARDS: '3', CI_NODE_INDEX: '1', CI_NODE_TOTAL: '3' };
    expect(await modelsOf(['list', '--shard', 'auto'], pod)).toHaveLength(1);
    expect(await modelsOf(['list'], pod)).toEqual(names);
    expect(await modelsOf(['build', '--dry-run'], pod)).toEqual(names);
  });

  it('distributes the selected models, not the whole catalog', async () => {
    const chosen = ['--only', 'name=*i*', '--shard'];
    const [first, second] = [
      await modelsOf(['list', ...chosen, '1/2']),
      await modelsOf(['list', ...chosen, '2/2']),
    ];
    expect([first?.length, second?.length].toSorted()).toEqual([1, 2]);
  });

  it('without models succeeds, and prints that there is nothing to do', async () => {
    for (const words of [
      ['build', '-o', 'none'],
      ['build', '-o', 'none.tar'],
      ['verify', '--layout', 'nowhere'],
      ['list'],
    ]) {
      const { code, stdout, stderr } = await run([...words, '--shard', '4/4']);
      expect([words, code, stdout]).toEqual([words, 0, '']);
      expect(stderr).toContain('shard 4/4: 0 of 3 models: nothing to do');
    }
    const push = await run(['push', '--registry', '127.0.0.1:1', '--shard', '4/4']);
    expect(push.code).toBe(0);
    expect((await run(['smoke', '--shard', '4/4'])).code).toBe(0);
    expect((await run(['all', '--registry', '127.0.0.1:1', '-o', 'all', '--shard', '4/4'])).code).toBe(0);
  });

  it('out of range is wrong usage', async () => {
    const { code, stderr } = await run(['build', '--shard', '5/4']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/error: --shard 5\/4: shard 5 of 4; they count from 1 to 4\nnext: /);
  });
});

describe('list --matrix', () => {
  it.each([
    ['github', { include: names.map((name) => ({ model: name, framework: 'sklearn', size: 1007 })) }],
    ['gitlab', [{ MODEL: names }]],
    ['plain', names],
  ])('%s is one line of JSON', async (form, expected) => {
    const { code, stdout } = await run(['list', '--matrix', form]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^[^\n]+\n$/);
    expect(JSON.parse(stdout)).toEqual(expected);
  });

  it('contains only the selected models', async () => {
    const { stdout } = await run(['list', 'wine', '--matrix', 'plain']);
    expect(JSON.parse(stdout)).toEqual(['wine']);
  });

  it('fails when the matrix exceeds the limit of the CI system', async () => {
    const { code, stderr } = await run(['list', '-f', 'many.yaml', '--matrix', 'github']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/257 models, but github takes 256 jobs\nnext: fan out by shards/);
    expect((await run(['list', '-f', 'many.yaml', '--matrix', 'gitlab'])).code).toBe(1);
    expect(JSON.parse((await run(['list', '-f', 'many.yaml', '--matrix', 'plain'])).stdout)).toHaveLength(
      257,
    );
  });

  it('and --shard exclude each other', async () => {
    expect((await run(['list', '--matrix', 'plain', '--shard', '1/2'])).code).toBe(2);
  });
});
