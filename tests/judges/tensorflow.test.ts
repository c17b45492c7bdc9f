import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import type { SmokeResult } from '../../scripts/kserve/types.ts';
import { modelcars, root, tryModelcars } from '../parts/cli.ts';
import { onnxPython } from '../parts/onnx.ts';
import { missing } from '../parts/python.ts';
import { run } from '../parts/run.ts';

const lacking = await missing(onnxPython);
const own = join(root, 'frameworks/tensorflow');
const script = fileURLToPath(new URL('savedmodel.py', import.meta.url));

describe.skipIf(lacking)('SavedModels', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'modelcars-savedmodel-'));
    for (const place of ['top', 'versions/3']) {
      await cp(join(own, 'saved_model.pb'), join(folder, place, 'saved_model.pb'));
    }
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  test('train.py makes the shipped bytes', async () => {
    await cp(join(own, 'train.py'), join(folder, 'train.py'));
    await run(await onnxPython(), [join(folder, 'train.py')]);
    const [made, shipped] = [join(folder, 'saved_model.pb'), join(own, 'saved_model.pb')];
    expect(await readFile(made)).toEqual(await readFile(shipped));
  });

  test.each(['top', 'versions'])(
    'in the folder %s: OpenVINO reads the version and answers by v1',
    async (place) => {
      const model = { name: 'iris', framework: 'tensorflow', source: `file:${place}`, base: 'embedded' };
      await writeFile(join(folder, 'models.yaml'), stringify({ models: [model] }));
      await modelcars(['lock'], { cwd: folder });
      await modelcars(['build', '--verify', '--platform', 'linux/amd64'], { cwd: folder });
      const command = `exec ${await onnxPython()} ${script} "$MODEL_DIR" "$MODEL_NAME" "$PORT"`;
      const words = ['smoke', '--local', '--server-command', command, '--json'];
      const { stdout } = await tryModelcars(words, { cwd: folder });
      const { results } = JSON.parse(stdout) as { results: SmokeResult[] };
      expect(results).toMatchObject([{ model: 'iris', mode: 'local', status: 'passed' }]);
    },
  );
});
