/** Triton itself, not its engine alone (./onnx.test.ts): it completes configurations, and limits and reshapes batches. */
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { irisSmoke } from '../../frameworks/iris.ts';
import type { SmokeResult } from '../../scripts/kserve/types.ts';
import { modelcars, root, tryModelcars } from '../parts/cli.ts';
import { onnxPython } from '../parts/onnx.ts';
import { missing } from '../parts/python.ts';
import { run } from '../parts/run.ts';
import { tritonCommand, tritonServer } from '../parts/triton.ts';

const lacking = (await missing(tritonServer)) ?? (await missing(onnxPython));
const script = fileURLToPath(new URL('own-onnx.py', import.meta.url));
const sample = join(root, 'frameworks/onnx/model.onnx');

describe.skipIf(lacking)('Triton', () => {
  let folder: string;
  let results: SmokeResult[];
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'modelcars-triton-'));
    // -P: onnx.py beside it is another than the package.
    await run(await onnxPython(), ['-P', script, join(folder, 'own')]);
    // Another operator of the same length, which no release of ONNX has.
    const bytes = (await readFile(sample)).toString('latin1');
    await mkdir(join(folder, 'unknown'));
    await writeFile(join(folder, 'unknown/model.onnx'), bytes.replace('ArgMin', 'ArgMix'), 'latin1');
    // Another weight, in its last digit: no longer the sample, and with one label for each row.
    await mkdir(join(folder, 'labels'));
    await writeFile(join(folder, 'labels/model.onnx'), bytes.replace(/means(J0)./s, 'means$1\x01'), 'latin1');
    await cp(sample, join(folder, 'more/iris/1/model.onnx'));
    await writeFile(join(folder, 'more/iris/config.pbtxt'), 'max_batch_size: 6\n');
    const { body, expect: wanted } = irisSmoke('labels', {});
    const six = (classes: readonly number[]) => ({
      smoke: { ...(body as object), expect: { classes, output: 'predict' } },
    });
    const sources: Record<string, object> = {
      sample: { source: `file:${sample}` },
      labels: { source: 'file:labels' },
      ...Object.fromEntries(['ten', 'external'].map((name) => [name, { source: `file:own/${name}` }])),
      'too-many': { source: `file:${sample}`, ...six(wanted.classes) },
      repository: { source: 'file:more', ...six(wanted.classes) },
      wrong: { source: 'file:more', ...six(wanted.classes.map((label) => 2 - label)) },
      unknown: { source: 'file:unknown' },
    };
    const fields = { framework: 'onnx-triton', version: 'v1.0.0', base: 'embedded' };
    const models = Object.entries(sources).map(([name, source]) => ({ name, ...fields, ...source }));
    await writeFile(join(folder, 'models.yaml'), stringify({ models }));
    await modelcars(['lock'], { cwd: folder });
    await modelcars(['build', '--platform', 'linux/amd64'], { cwd: folder });
    const { program, flags, env } = tritonCommand(await tritonServer());
    const own = [
      '--model-store=$MODEL_DIR',
      '--http-port=$PORT',
      '--allow-grpc=false',
      '--allow-metrics=false',
    ];
    const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    const command = [...variables, 'exec', program, ...flags, ...own].join(' ');
    const args = ['smoke', '--local', '--timeout', '60s', '--server-command', command, '--json'];
    const { stdout, stderr } = await tryModelcars(args, { cwd: folder });
    ({ results = [] } = JSON.parse(stdout || '{}') as { results?: SmokeResult[] });
    expect(results, stderr).toHaveLength(models.length);
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  const of = (name: string): SmokeResult | undefined => results.find(({ model }) => model === name);

  test.each(['sample', 'labels', 'ten', 'external', 'repository'])('%s: answers the request', (name) => {
    expect(of(name), JSON.stringify(of(name)?.diagnosis)).toMatchObject({ status: 'passed' });
  });

  test('asks a model that is not the sample for what its graph says', () => {
    expect(of('labels')?.request).toContain('made from the input of the graph in model/1/model.onnx');
  });

  test('refuses more rows than it takes at once, for a known cause', () => {
    expect(of('too-many')).toMatchObject({
      status: 'failed',
      diagnosis: { stage: 'answer', cause: expect.stringContaining('more rows than Triton takes at once') },
    });
  });

  test('a wrong expectation and a graph that does not load fail, each for its cause', () => {
    expect(of('wrong')).toMatchObject({
      status: 'failed',
      diagnosis: { stage: 'answer', got: [2, 0, 1, 1, 2, 0] },
    });
    expect(of('unknown'), JSON.stringify(of('unknown')?.diagnosis, undefined, 1)).toMatchObject({
      status: 'failed',
      diagnosis: { stage: 'load', cause: expect.stringContaining('other versions of its libraries') },
    });
  });
});
