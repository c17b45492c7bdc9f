/** `init` and `add`: from a folder of models to verified images. */
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { modelcars, noise, root } from '../parts/cli.ts';
import { type Hub, startHub } from '../parts/hub.ts';
import { tryInside } from '../parts/inside.ts';
import { missingParts } from '../parts/parts.ts';
import type { Result } from '../parts/run.ts';
import { type S3Server, startS3 } from '../parts/s3.ts';
import { safetensors } from '../support/model-files.ts';

const llama = {
  'config.json': '{"architectures": ["LlamaForCausalLM"]}',
  'tokenizer.json': '{}',
  'model.safetensors': safetensors(noise(1000, 3)),
};
const missing = await missingParts('versitygw');
let hub: Hub;
let folder: string;
beforeAll(async () => {
  const joblib = await readFile(join(root, 'frameworks/sklearn/model.joblib'));
  hub = await startHub({
    models: {
      'org/llama-2.1': { files: llama, revisions: { 'v1.0': llama } },
      'org/iris': { files: { 'README.md': '# Iris\n', 'iris_v2.pickled.pkl': joblib } },
    },
    renamed: { gpt2: 'org/llama-2.1' },
  });
});
afterAll(() => hub?.stop());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelcars-add-'));
  return () => rm(folder, { recursive: true, force: true });
});

const run = (...args: string[]): Promise<Result> =>
  tryInside(args, {
    cwd: folder,
    env: { HF_ENDPOINT: hub.url, HF_TOKEN: undefined, HF_TOKEN_PATH: undefined, HF_HOME: join(folder, 'hf') },
  });
const ran = async (...args: string[]): Promise<Result> => {
  const result = await run(...args);
  expect(result).toMatchObject({ code: 0 });
  return result;
};
const read = (name: string) => readFile(join(folder, name), 'utf8');
const sample = (framework: string, name: string) =>
  copyFile(
    join(root, `frameworks/${framework}/model.${framework === 'sklearn' ? 'joblib' : 'bst'}`),
    join(folder, name),
  );
const locked = async () => parse(await read('models.lock.yaml')).models;

describe('local files', () => {
  test('init, add a file with any name, build and verify', async () => {
    await sample('sklearn', 'iris-2024.joblib');
    const before = await run('list');
    expect(before).toMatchObject({ code: 2, stderr: expect.stringContaining('`modelcars init`') });
    const started = await ran('init', '--base', 'embedded', '--ci', 'github');
    expect(started.stdout).toBe(
      'models.yaml: created\n.gitignore: created\nmodels.schema.json: created\n.github/workflows/models.yml: created\n',
    );
    expect(started.stderr).toContain('next: modelcars add ./model.joblib');
    const empty = await run('build');
    expect(empty.code).toBe(2);
    expect(empty.stderr).toMatch(/^error: models\.yaml lists no models yet\nnext: run `modelcars add /);

    const text = await read('models.yaml');
    const added = await ran('add', './iris-2024.joblib', '--version', 'v1.0.0');
    expect(added.stdout).toContain(
      'iris-2024: sklearn, by the extension of `iris-2024.joblib`; in the image it is',
    );
    expect(added.stderr).toContain(
      'models.yaml: changed\nmodels.lock.yaml: created\nnext: modelcars build iris-2024',
    );
    const entry = [
      '  - name: iris-2024',
      '    framework: sklearn',
      '    source: file:iris-2024.joblib',
      '    files:',
      '      model.joblib: file:iris-2024.joblib',
      '    version: v1.0.0',
      '',
    ].join('\n');
    expect(await read('models.yaml')).toBe(text.replace('models: []\n', `models:\n${entry}`));
    await ran('lock', '--frozen');

    const built = JSON.parse((await ran('build', '--verify', '--json')).stdout);
    expect(built).toMatchObject({ ok: true, models: [{ name: 'iris-2024:v1.0.0', status: 'done' }] });
    const shown = JSON.parse((await ran('inspect', 'iris-2024:v1.0.0', '--json')).stdout);
    const image = JSON.stringify(shown);
    expect(image).toContain('models/model.joblib');
    expect(image).not.toContain('models/iris-2024.joblib');
  });

  test('several at once: formats by their first bytes; every comment of models.yaml stays', async () => {
    await sample('xgboost', 'fraud.bst');
    await sample('lightgbm', 'churn.bst');
    const before = [
      '# ours\nregistry:   quay.io/me   # do not touch\n',
      'defaults: {base: embedded,   platforms: [linux/amd64]}\n\n',
      'models:\n  # the first\n  - {name: old, framework: lightgbm, source: "file:churn.bst", include: [x]}\n',
    ].join('');
    const after = '\n  # - name: later\n\nversion: v0.1.0 # last\n';
    await writeFile(join(folder, 'models.yaml'), before + after);
    const { stdout } = await ran('add', 'fraud.bst', './churn.bst', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      command: 'add',
      ok: true,
      file: 'models.yaml',
      change: 'changed',
      lockFile: 'models.lock.yaml',
      lock: 'created',
      added: [
        { name: 'fraud', framework: 'xgboost', files: { 'model.bst': 'file:fraud.bst' } },
        { name: 'churn', framework: 'lightgbm', why: expect.stringContaining('first bytes of `churn.bst`') },
      ],
      models: [
        { model: 'fraud', status: 'done' },
        { model: 'churn', status: 'done' },
      ],
    });
    const text = await read('models.yaml');
    expect(text.startsWith(before)).toBe(true);
    expect(text.endsWith(after)).toBe(true);
    expect(Object.keys(await locked())).toEqual(['churn', 'fraud']);
    await ran('build', 'fraud', 'churn', '--verify');
  });

  test('creates a missing models.yaml, also elsewhere; paths are relative to it', async () => {
    await sample('sklearn', 'model.joblib');
    await ran('add', 'model.joblib', '-f', 'sub/dev.yaml', '--name', 'iris', '--no-lock', '--dry-run');
    await expect(read('sub/dev.yaml')).rejects.toThrow();
    await ran('init', '-f', 'sub/dev.yaml', '--base', 'embedded');
    await ran('add', 'model.joblib', '-f', 'sub/dev.yaml', '--name', 'iris');
    expect(parse(await read('sub/dev.yaml')).models).toEqual([
      { name: 'iris', framework: 'sklearn', source: `file://${folder}/model.joblib` },
    ]);
    expect(await read('sub/dev.lock.yaml')).toContain('iris');
    const { stderr } = await ran('add', 'model.joblib', '--name', 'iris', '--no-lock');
    expect(stderr).toBe('models.yaml: created\nnext: modelcars lock iris\n');
    expect(parse(await read('models.yaml')).models[0].source).toBe('file:model.joblib');
  });

  test('a model that cannot be locked changes neither models.yaml nor the lock', async () => {
    await sample('sklearn', 'good.joblib');
    await writeFile(join(folder, 'bad.joblib'), '');
    await ran('init', '--base', 'embedded');
    await ran('add', 'good.joblib');
    const before = [await read('models.yaml'), await read('models.lock.yaml')];
    await sample('sklearn', 'other.joblib');
    const { code, stderr } = await run('add', 'other.joblib', 'bad.joblib');
    expect(code).toBe(1);
    expect(stderr).toContain('models.yaml: unchanged, because a model could not be locked');
    expect([await read('models.yaml'), await read('models.lock.yaml')]).toEqual(before);
    await ran('lock', '--frozen');
  });
});

describe('the hub', () => {
  test.each([
    ['org/llama-2.1@v1.0', 'hf://org/llama-2.1:v1.0'],
    ['https://huggingface.co/org/llama-2.1/tree/v1.0', 'hf://org/llama-2.1:v1.0'],
    ['gpt2', 'hf://org/llama-2.1'],
  ])('%s is added, built and verified', async (what, source) => {
    await ran('init', '--base', 'embedded');
    const { stdout } = await ran('add', what);
    expect(stdout).toContain('llama-2-1: vllm, by config.json, which names `LlamaForCausalLM`');
    if (what === 'gpt2') expect(stdout).toContain('; gpt2 is org/llama-2.1 on the hub');
    expect(parse(await read('models.yaml')).models).toEqual([
      { name: 'llama-2-1', framework: 'vllm', source },
    ]);
    expect((await locked())['llama-2-1'].revision).toMatch(/^[0-9a-f]{40}$/);
    await ran('build', '--verify', '--frozen');
  });

  test('a file with another name is read from its repository, at the locked commit', async () => {
    await ran('init', '--base', 'embedded');
    await ran('add', `${hub.url}/org/iris/blob/main/iris_v2.pickled.pkl`);
    const url = 'hf://org/iris#iris_v2.pickled.pkl';
    expect(parse(await read('models.yaml')).models).toEqual([
      { name: 'iris', framework: 'sklearn', source: 'hf://org/iris', files: { 'model.pkl': url } },
    ]);
    await ran('build', '--verify', '--frozen');
  });
});

test('a models.yaml that is edited meanwhile keeps the edit, and the lock stays', async () => {
  await sample('sklearn', 'iris.joblib');
  await ran('init', '--base', 'embedded');
  await ran('add', 'iris.joblib');
  const lock = await read('models.lock.yaml');
  const edited = `${await read('models.yaml')}# edited\n`;
  const asked = hub.requests().length;
  hub.fault({ on: 'api', kind: 'slow', delay: 3000 });
  const adding = run('add', 'org/llama-2.1');
  while (hub.requests().length === asked) await sleep(20);
  await writeFile(join(folder, 'models.yaml'), edited);
  expect(await adding).toMatchObject({
    code: 2,
    stderr: expect.stringContaining(
      'write models.yaml: it changed meanwhile\nnext: run the same command again',
    ),
  });
  expect([await read('models.yaml'), await read('models.lock.yaml')]).toEqual([edited, lock]);
});

describe.skipIf(missing)('S3', () => {
  let s3: S3Server;
  beforeAll(async () => {
    s3 = await startS3();
  });
  afterAll(() => s3?.stop());

  test('an object and a prefix are added, built and verified', async () => {
    const booster = await readFile(join(root, 'frameworks/lightgbm/model.bst'));
    await s3.put('models', 'churn/v1/churn.bst', booster);
    await s3.put('models', 'churn/v1/README.md', '# Churn\n');
    await ran('init', '--base', 'embedded');
    const settings = { cwd: folder, env: s3.env() };
    await modelcars(['add', 's3://models/churn/v1/churn.bst', '--name', 'object'], settings);
    await modelcars(['add', 's3://models/churn/v1/'], settings);
    const file = { 'model.bst': 's3://models/churn/v1/churn.bst' };
    expect(parse(await read('models.yaml')).models).toEqual([
      { name: 'object', framework: 'lightgbm', source: 's3://models/churn/v1/churn.bst', files: file },
      { name: 'churn', framework: 'lightgbm', source: 's3://models/churn/v1/', files: file },
    ]);
    await modelcars(['build', '--verify', '--frozen'], settings);
  });
});

test('mistakes name the next step and write nothing', async () => {
  await sample('sklearn', 'iris.joblib');
  await sample('xgboost', 'model.bst');
  await writeFile(join(folder, 'odd.bst'), 'neither');
  await ran('init', '--base', 'embedded');
  await ran('add', 'iris.joblib');
  const before = await read('models.yaml');
  const cases: [args: string[], message: string, next: string][] = [
    [['./iris.jobilb'], 'no file or folder has this path; did you mean `./iris.joblib`?', 'give a path'],
    [['hff://org/llama-2.1'], 'did you mean `hf://org/llama-2.1`?', 'give a path'],
    [['org/lama'], 'add org/lama: no file or folder has this path; as a name on the hub', 'correct the path'],
    [['iris.joblib'], 'the catalog already has this model as iris', 'modelcars lock iris'],
    [['model.bst', '--name', 'iris'], 'the catalog already has a model named iris', '--name iris-2'],
    [['model.bst', '--name', 'Iris_2'], 'read --name: ', 'correct --name'],
    [['model.bst', '--framework', 'xgbost'], 'did you mean `xgboost`?', '--framework with one of'],
    [['odd.bst'], 'lightgbm or xgboost could serve `odd.bst`', '--framework lightgbm or --framework xgboost'],
    [['model.bst', '--version', '1.0'], 'read --version: ', 'correct --version'],
    [['iris.joblib', 'model.bst', '--name', 'x'], '--name is for one model', 'one by one'],
  ];
  for (const [args, message, next] of cases) {
    const { code, stderr } = await run('add', ...args);
    expect([args, code]).toEqual([args, args[0] === 'org/lama' ? 1 : 2]);
    expect(stderr).toContain(message);
    expect(stderr).toMatch(/^next: /m);
    expect(stderr).toContain(next);
  }
  expect(await read('models.yaml')).toBe(before);
});
