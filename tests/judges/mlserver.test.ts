import { cp, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import lightgbm from '../../frameworks/lightgbm/framework.ts';
import sklearn from '../../frameworks/sklearn/framework.ts';
import xgboost from '../../frameworks/xgboost/framework.ts';
import { checkAnswer } from '../../scripts/kserve/smoke/check-answer.ts';
import { smokeRequests } from '../../scripts/kserve/smoke/request.ts';
import type { Framework, SmokeTest, TensorExpectation } from '../../scripts/model/types.ts';
import { modelcars, root } from '../parts/cli.ts';
import { type MlserverFramework, missingMlserver, mlserver, serve } from '../parts/mlserver.ts';
import { missingParts, part } from '../parts/parts.ts';
import { run } from '../parts/run.ts';
import { startSidecar } from '../parts/sidecar.ts';

const missing = await missingMlserver();
const noUmoci = await missingParts('umoci');

/** MLServer's frameworks answer with a tensor. */
type TensorFramework = Framework & { smoke: SmokeTest<TensorExpectation> };

const frameworks: { name: MlserverFramework; artifact: string; framework: TensorFramework }[] = [
  { name: 'sklearn', artifact: 'model.joblib', framework: sklearn },
  { name: 'xgboost', artifact: 'model.bst', framework: xgboost },
  { name: 'lightgbm', artifact: 'model.bst', framework: lightgbm },
];

/** Serves a folder of files as KServe would and returns the parsed answer to the framework's smoke request. */
async function ask(modelDir: string, name: MlserverFramework, { smoke }: TensorFramework): Promise<unknown> {
  await using server = await serve(modelDir, name, `iris-${name}`);
  const [request] = smokeRequests(smoke, `iris-${name}`);
  const response = await fetch(`${server.url}${request?.path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(request?.body),
  });
  return await response.json();
}

describe.skipIf(missing)('MLServer', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'modelcars-served-'));
  });
  afterAll(async () => {
    // Unpacked folders are 0555, which stops all users but root.
    await run('chmod', ['-R', 'u+w', folder]);
    await rm(folder, { recursive: true, force: true });
  });

  test('the smoke rows and classes are in the data set and not in the training data', async () => {
    const { python } = await mlserver();
    const code =
      'import json; from sklearn.datasets import load_iris; x, y = load_iris(return_X_y=True); ' +
      'print(json.dumps([[*x[i].tolist(), int(y[i])] for i in range(0, 150, 10)]))';
    const heldOut: number[][] = JSON.parse(await run(python, ['-c', code]));
    for (const { framework } of frameworks) {
      const { body, expect: wanted } = framework.smoke;
      const { data } = (body as { inputs: [{ data: number[] }] }).inputs[0];
      const rows = wanted.classes.map((one, row) => [...data.slice(4 * row, 4 * row + 4), one]);
      expect(heldOut).toEqual(expect.arrayContaining(rows));
      expect(new Set(wanted.classes)).toEqual(new Set([0, 1, 2]));
    }
  });

  // On other machines, a CPU's exp() may differ in the last bit.
  test.runIf(process.arch === 'x64').each(frameworks)(
    '$name: train.py makes the shipped bytes',
    async (one) => {
      const { python } = await mlserver();
      const own = join(root, 'frameworks', one.name);
      const copy = join(folder, `train-${one.name}`);
      await cp(join(own, 'train.py'), join(copy, 'train.py'));
      await run(python, [join(copy, 'train.py')]);
      const [made, shipped] = await Promise.all([copy, own].map((at) => readFile(join(at, one.artifact))));
      expect(made?.equals(shipped ?? Buffer.alloc(0))).toBe(true);
    },
  );

  test.each(frameworks)('$name: serves the sample and predicts the classes of the data set', async (one) => {
    const models = join(folder, one.name);
    await cp(join(root, 'frameworks', one.name, one.artifact), join(models, one.artifact));
    const answer = await ask(models, one.name, one.framework);
    expect(checkAnswer(one.framework.smoke.expect, answer)).toEqual({ ok: true });
    // A negative check: the same prediction is wrong for other rows.
    const { expect: wanted } = one.framework.smoke;
    const swapped = { ...wanted, classes: wanted.classes.map((label) => 2 - label) };
    expect(checkAnswer(swapped, answer)).toMatchObject({ ok: false, got: wanted.classes });
  });

  test('xgboost: model.json loads from the path where the image places it, not from /proc/<pid>/root', async () => {
    const { python } = await mlserver();
    const rootfs = join(folder, 'json');
    const json = join(rootfs, 'models', 'model.json');
    await mkdir(dirname(json), { recursive: true });
    const convert =
      'import sys, xgboost; b = xgboost.XGBClassifier(); b.load_model(sys.argv[1]); b.save_model(sys.argv[2])';
    await run(python, ['-c', convert, join(root, 'frameworks/xgboost/model.bst'), json]);
    {
      await using sidecar = await startSidecar(rootfs);
      await expect(ask(sidecar.models, 'xgboost', xgboost)).rejects.toThrow('cannot make canonical path');
    }
    await cp(json, join(rootfs, 'models', xgboost.place('model.json')));
    await rm(json);
    await using sidecar = await startSidecar(rootfs);
    const answer = await ask(sidecar.models, 'xgboost', xgboost);
    expect(checkAnswer(xgboost.smoke.expect, answer)).toEqual({ ok: true });
  });

  describe.skipIf(noUmoci)("images of the repository's models.yaml", () => {
    let layout: string;
    beforeAll(async () => {
      layout = join(folder, 'layout');
      const models = frameworks.map(({ name }) => `mlserver-${name}`);
      const flags = ['--file', join(root, 'models.yaml'), '--base', 'embedded', '--platform', 'linux/amd64'];
      await modelcars(['build', ...models, ...flags, '--output', layout], { cwd: folder });
    });

    test.each(frameworks)('$name: serves the unpacked image at the path that KServe mounts', async (one) => {
      const bundle = join(folder, `bundle-${one.name}`);
      const image = await imageOf(layout, `mlserver-${one.name}`);
      await run(await part('umoci'), ['unpack', '--rootless', '--image', `${layout}:${image}`, bundle]);
      await using sidecar = await startSidecar(join(bundle, 'rootfs'));
      const answer = await ask(sidecar.models, one.name, one.framework);
      expect(checkAnswer(one.framework.smoke.expect, answer)).toEqual({ ok: true });
    });
  });
});

/** The entry of index.json for a model, in any version: models.yaml sets that. */
async function imageOf(layout: string, model: string): Promise<string> {
  const { manifests }: { manifests: { annotations?: Record<string, string> }[] } = JSON.parse(
    await readFile(join(layout, 'index.json'), 'utf8'),
  );
  const names = manifests.map(({ annotations }) => annotations?.['org.opencontainers.image.ref.name'] ?? '');
  const name = names.find((one) => one.startsWith(`${model}:v`));
  if (name === undefined) throw new Error(`find ${model}: ${layout} has only ${names.join(', ')}`);
  return name;
}
