import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import mlflow from '../../frameworks/mlflow/framework.ts';
import { wineSmoke } from '../../frameworks/mlflow/wine.ts';
import { waitReady } from '../../scripts/kserve/local/server/server-command.ts';
import { checkAnswer } from '../../scripts/kserve/smoke/check-answer.ts';
import { smokeRequests } from '../../scripts/kserve/smoke/request.ts';
import type { SmokeTest } from '../../scripts/model/types.ts';
import { root } from '../parts/cli.ts';
import { missingMlserver, mlserver, serve } from '../parts/mlserver.ts';
import { run } from '../parts/run.ts';
import { startSidecar } from '../parts/sidecar.ts';
import { folderReader } from '../support/folder-reader.ts';

const missing = await missingMlserver();
const own = join(root, 'frameworks/mlflow');
const script = fileURLToPath(new URL('mlflow-models.py', import.meta.url));

/** The answer of a server to a model's request. */
async function ask(url: string, smoke: SmokeTest, name: string): Promise<unknown> {
  const [request] = smokeRequests(smoke, name);
  const response = await fetch(`${url}${request?.path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(request?.body),
  });
  return await response.json();
}

describe.skipIf(missing)('MLflow by MLServer', () => {
  let folder: string;
  let python: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'modelcars-mlflow-'));
    ({ python } = await mlserver());
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  test('the smoke rows and classes are in the data set and not in the training data', async () => {
    const code =
      'import json; from sklearn.datasets import load_wine; x, y = load_wine(return_X_y=True, as_frame=True); ' +
      'print(json.dumps([list(x.columns), [[*x.iloc[i], int(y[i])] for i in range(0, 178, 10)]]))';
    const [names, heldOut]: [string[], number[][]] = JSON.parse(await run(python, ['-c', code]));
    const { inputs } = wineSmoke.body as { inputs: { name: string; data: number[] }[] };
    const { classes } = wineSmoke.expect;
    expect(inputs.map(({ name }) => name)).toEqual(names);
    const rows = classes.map((one, row) => [...inputs.map(({ data }) => data[row]), one]);
    expect(heldOut).toEqual(expect.arrayContaining(rows));
  });

  test.runIf(process.arch === 'x64')('train.py makes the shipped bytes', async () => {
    await cp(join(own, 'train.py'), join(folder, 'train.py'));
    await run(python, [join(folder, 'train.py')]);
    const names = await readdir(join(own, 'model'));
    expect(await readdir(join(folder, 'model'))).toEqual(names);
    for (const name of names) {
      const [made, shipped] = await Promise.all(
        [folder, own].map(async (at) => await readFile(join(at, 'model', name), 'latin1')),
      );
      // MLflow writes down the versions of the Python that it runs on.
      const plain = (text?: string) =>
        text?.replaceAll(/(python|python_version|pip|setuptools)(: |[<=]+)[\d.]+/g, '$1');
      expect(plain(made), name).toBe(plain(shipped));
    }
  });

  test('predicts the classes of wines that it never saw, through /proc/<pid>/root as in a sidecar', async () => {
    await cp(join(own, 'model'), join(folder, 'rootfs/models'), { recursive: true });
    await using sidecar = await startSidecar(join(folder, 'rootfs'));
    await using server = await serve(sidecar.models, 'mlflow', 'wine');
    const answer = await ask(server.url, wineSmoke, 'wine');
    expect(checkAnswer(wineSmoke.expect, answer)).toEqual({ ok: true });
    const wrong = { ...wineSmoke.expect, classes: wineSmoke.expect.classes.toReversed() };
    expect(checkAnswer(wrong, answer)).toMatchObject({ ok: false });
  });

  test('answers the requests that are made of the signature and the input example', async () => {
    const models = join(folder, 'models');
    await mkdir(models);
    await run(python, ['-W', 'ignore', script, models]);
    const names = ['array', 'bare', 'own', 'table'];
    for (const name of names) {
      const settings = { name, implementation: 'mlserver_mlflow.MLflowRuntime', parameters: { uri: '.' } };
      await writeFile(join(models, name, 'model-settings.json'), JSON.stringify(settings));
    }
    await using server = await serve(models, 'mlflow', 'table');
    const signal = new AbortController().signal;
    for (const name of names) {
      await waitReady(() => false, server.url, [`/v2/models/${name}/ready`], { seconds: 60, signal });
      const smoke = await mlflow.smokeFrom(await folderReader(join(models, name)));
      if (smoke === undefined) throw new Error(`${name}: no request`);
      const answer = await ask(server.url, smoke, name);
      expect(checkAnswer(smoke.expect, answer), `${name}: ${JSON.stringify(answer)}`).toEqual({ ok: true });
    }
    // The columns of the sample are not those of another model.
    const answer = await ask(server.url, wineSmoke, 'table');
    expect(checkAnswer(wineSmoke.expect, answer)).toMatchObject({
      ok: false,
      why: expect.stringContaining('Failed to enforce schema'),
    });
  });
});
