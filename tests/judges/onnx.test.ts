import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import openvino from '../../frameworks/onnx/framework.ts';
import triton from '../../frameworks/onnx-triton/framework.ts';
import { checkAnswer } from '../../scripts/kserve/smoke/check-answer.ts';
import { modelcars, root } from '../parts/cli.ts';
import { onnxPython } from '../parts/onnx.ts';
import { missingParts, part } from '../parts/parts.ts';
import { missing } from '../parts/python.ts';
import { run } from '../parts/run.ts';
import { startSidecar } from '../parts/sidecar.ts';
import { ask } from './_onnx.ts';

const noPython = await missing(onnxPython);
const noUmoci = await missingParts('umoci');

const sample = join(root, 'frameworks/onnx/model.onnx');
/** Each framework with its server's engine, and the folder below /models in which that server finds the versions. */
const served = [
  { framework: openvino, engine: 'openvino', versions: '.' },
  { framework: triton, engine: 'onnxruntime', versions: 'model' },
] as const;

describe.skipIf(noPython)('ONNX', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'modelcars-onnx-'));
  });
  afterAll(async () => {
    // Unpacked folders are 0555, which stops all users but root.
    await run('chmod', ['-R', 'u+w', folder]);
    await rm(folder, { recursive: true, force: true });
  });

  test('train.py reproduces the committed sample', async () => {
    const copy = join(folder, 'train');
    await cp(join(root, 'frameworks/onnx/train.py'), join(copy, 'train.py'));
    await run(await onnxPython(), [join(copy, 'train.py')]);
    const [made, shipped] = await Promise.all([readFile(join(copy, 'model.onnx')), readFile(sample)]);
    expect(made.equals(shipped)).toBe(true);
  });

  test.each(served)(
    '$framework.name: $engine answers as the data set says',
    async ({ framework, engine }) => {
      const models = join(folder, `plain-${framework.name}`);
      await cp(sample, join(models, '1', 'model.onnx'));
      const answer = await ask(engine, models, framework.smoke.body);
      const { expect: wanted } = framework.smoke;
      expect(checkAnswer(wanted, answer)).toEqual({ ok: true });
      // A negative check: other rows or another model give another prediction.
      const swapped = { ...wanted, classes: wanted.classes.map((label) => 2 - label) };
      expect(checkAnswer(swapped, answer)).toMatchObject({ ok: false, got: wanted.classes });
      await writeFile(join(models, '1', 'model.onnx'), (await readFile(sample)).subarray(0, 300));
      await expect(ask(engine, models, framework.smoke.body)).rejects.toThrow(`ask ${engine}`);
    },
  );

  describe.skipIf(noUmoci)('images', () => {
    let layout: string;
    beforeAll(async () => {
      const catalog = join(folder, 'catalog');
      await mkdir(join(catalog, 'files'), { recursive: true });
      // The file name is arbitrary.
      await cp(sample, join(catalog, 'files', 'iris-2024-06.onnx'));
      const models = served.map(({ framework: { name } }) => ({
        name,
        framework: name,
        source: 'file:files/iris-2024-06.onnx',
        version: 'v1.0.0',
      }));
      await writeFile(join(catalog, 'models.yaml'), stringify({ models }));
      layout = join(folder, 'layout');
      const flags = ['--base', 'embedded', '--platform', 'linux/amd64'];
      await modelcars(['lock', ...flags], { cwd: catalog });
      await modelcars(['build', ...flags, '--output', layout], { cwd: catalog });
    });

    test.each(served)(
      '$framework.name: $engine finds the version and reads it through /proc/<pid>/root',
      async ({ framework, engine, versions }) => {
        const bundle = join(folder, `bundle-${framework.name}`);
        const image = `${layout}:${framework.name}:v1.0.0`;
        await run(await part('umoci'), ['unpack', '--rootless', '--image', image, bundle]);
        await using sidecar = await startSidecar(join(bundle, 'rootfs'));
        const answer = await ask(engine, join(sidecar.models, versions), framework.smoke.body);
        expect(checkAnswer(framework.smoke.expect, answer)).toEqual({ ok: true });
      },
    );
  });
});
