/** Requests that modelcars makes from graphs, answered by OpenVINO and ONNX Runtime. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import openvino from '../../frameworks/onnx/framework.ts';
import triton from '../../frameworks/onnx-triton/framework.ts';
import { requestCause } from '../../scripts/kserve/diagnosis/model-causes.ts';
import { checkAnswer } from '../../scripts/kserve/smoke/check-answer.ts';
import { onnxPython } from '../parts/onnx.ts';
import { missing } from '../parts/python.ts';
import { run } from '../parts/run.ts';
import { folderReader } from '../support/folder-reader.ts';
import { ask } from './_onnx.ts';

const noPython = await missing(onnxPython);
const script = fileURLToPath(new URL('own-onnx.py', import.meta.url));
const graphs = ['ten', 'tokens', 'image', 'external'];

describe.skipIf(noPython)('graphs that are not ours', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'modelcars-own-onnx-'));
    // -P: onnx.py beside it is another than the package.
    await run(await onnxPython(), ['-P', script, folder]);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test.each(graphs)('%s: both engines answer the request made from it', async (name) => {
    const smoke = await openvino.smokeFrom(await folderReader(join(folder, name)));
    if (smoke === undefined) throw new Error('no request');
    for (const engine of ['openvino', 'onnxruntime'] as const) {
      const answer = await ask(engine, join(folder, name), smoke.body);
      expect(checkAnswer(smoke.expect, answer), JSON.stringify(answer).slice(0, 300)).toEqual({ ok: true });
    }
  });

  test('Triton’s repository gives the same request under its folder’s name', async () => {
    const repository = await folderReader(folder);
    const only = { ...repository, paths: repository.paths.filter((path) => path.startsWith('ten/')) };
    const smoke = await triton.smokeFrom(only);
    expect(smoke?.path).toBe('/v2/models/ten/infer');
    expect(smoke?.body).toEqual((await openvino.smokeFrom(await folderReader(join(folder, 'ten'))))?.body);
  });

  test.each(['openvino', 'onnxruntime'] as const)(
    '%s refuses the sample’s request, for a known cause',
    async (engine) => {
      const inputs = [{ name: 'features', shape: [6, 4], datatype: 'FP32', data: new Array(24).fill(1) }];
      await expect(ask(engine, join(folder, 'ten'), { inputs })).rejects.toThrow(requestCause.sign);
    },
  );
});
