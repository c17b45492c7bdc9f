import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import catboost from '../../frameworks/catboost/framework.ts';
import { mlserverEnvironmentOf } from '../../scripts/kserve/local/server/mlserver.ts';
import { checkAnswer } from '../../scripts/kserve/smoke/check-answer.ts';
import { smokeRequests } from '../../scripts/kserve/smoke/request.ts';
import type { SmokeResult } from '../../scripts/kserve/types.ts';
import { modelcars, root, tryModelcars } from '../parts/cli.ts';
import { serve } from '../parts/mlserver.ts';
import { partsFolder } from '../parts/parts.ts';
import { missing, pythonWith } from '../parts/python.ts';
import { run } from '../parts/run.ts';
import { startSidecar } from '../parts/sidecar.ts';

const environment = mlserverEnvironmentOf('catboost');
const lacking = await missing(() => pythonWith(environment));
const own = join(root, 'frameworks/catboost');

describe.skipIf(lacking)('CatBoost by MLServer', () => {
  let folder: string;
  let python: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'modelcars-catboost-'));
    python = await pythonWith(environment);
    // The server that `smoke --local` would install.
    await mkdir(join(folder, '.store'));
    await symlink(partsFolder(), join(folder, '.store', 'servers'));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  /** The answer to the request of iris; `models` is what KServe mounts at /mnt/models. */
  async function ask(models: string): Promise<unknown> {
    await using server = await serve(models, 'catboost', 'iris', python);
    const [request] = smokeRequests(catboost.smoke, 'iris');
    const response = await fetch(`${server.url}${request?.path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(request?.body),
    });
    return await response.json();
  }

  async function smoke(model: object): Promise<SmokeResult[]> {
    const models = [{ name: 'iris', framework: 'catboost', version: 'v1.0.0', base: 'embedded', ...model }];
    await writeFile(join(folder, 'models.yaml'), stringify({ models }));
    await modelcars(['lock'], { cwd: folder });
    await modelcars(['build', '--verify', '--platform', 'linux/amd64'], { cwd: folder });
    const { stdout } = await tryModelcars(['smoke', '--local', '--json'], { cwd: folder });
    return (JSON.parse(stdout) as { results: SmokeResult[] }).results;
  }

  // On other machines, a CPU's exp() may differ in the last bit.
  test.runIf(process.arch === 'x64')('train.py makes the shipped bytes', async () => {
    await cp(join(own, 'train.py'), join(folder, 'train.py'));
    await run(python, [join(folder, 'train.py')]);
    expect(await readFile(join(folder, 'model.cbm'))).toEqual(await readFile(join(own, 'model.cbm')));
  });

  test('predicts the classes of rows that it never saw, through /proc/<pid>/root as in a sidecar', async () => {
    await cp(join(own, 'model.cbm'), join(folder, 'rootfs/models/model.cbm'));
    await using sidecar = await startSidecar(join(folder, 'rootfs'));
    const answer = await ask(sidecar.models);
    expect(checkAnswer(catboost.smoke.expect, answer)).toEqual({ ok: true });
    const wrong = { ...catboost.smoke.expect, classes: [0, 1, 2, 0, 1, 2] };
    expect(checkAnswer(wrong, answer)).toMatchObject({ ok: false });
  });

  test('a regressor loads and does not answer: MLServer has classifiers in mind, as frameworks/README.md says', async () => {
    const train = [
      'import sys; from catboost import CatBoostRegressor; from sklearn.datasets import load_iris',
      'x, y = load_iris(return_X_y=True)',
      'm = CatBoostRegressor(iterations=5, thread_count=1, verbose=False, allow_writing_files=False).fit(x, y * 10.0)',
      'm.save_model(sys.argv[1])',
    ];
    await cp(join(own, 'model.cbm'), join(folder, 'regressor/model.cbm'));
    await run(python, ['-c', train.join('\n'), join(folder, 'regressor/model.cbm')]);
    expect(await ask(join(folder, 'regressor'))).toEqual({ error: expect.stringContaining('IndexError') });
    expect(await smoke({ source: 'file:regressor' })).toMatchObject([
      { status: 'failed', diagnosis: { cause: expect.stringContaining('knows no classes') } },
    ]);
  });

  test('numbers and categories of a table: the request made from the file is answered', async () => {
    const train = [
      'import sys; from catboost import CatBoostClassifier; from pandas import DataFrame',
      "x = DataFrame({'age': [1.0, 2.0, 3.0, 4.0] * 9, 'city': ['a', 'b', 'b', 'c'] * 9})",
      'm = CatBoostClassifier(iterations=5, thread_count=1, verbose=False, allow_writing_files=False)',
      "m.fit(x, ['no', 'no', 'yes', 'yes'] * 9, cat_features=['city']).save_model(sys.argv[1])",
    ];
    await cp(join(own, 'model.cbm'), join(folder, 'table/model.cbm'));
    await run(python, ['-c', train.join('\n'), join(folder, 'table/model.cbm')]);
    expect(await smoke({ source: 'file:table' })).toMatchObject([{ mode: 'local', status: 'passed' }]);
  });

  test('smoke --local serves a model of another name', async () => {
    await cp(join(own, 'model.cbm'), join(folder, 'churn.cbm'));
    const results = await smoke({ source: 'file:churn.cbm', files: { 'model.cbm': 'file:churn.cbm' } });
    expect(results).toMatchObject([{ model: 'iris', mode: 'local', status: 'passed' }]);
  });
});
