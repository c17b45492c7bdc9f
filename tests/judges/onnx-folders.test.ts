/** Graphs in folders with external weights: locked, built, unpacked, and read by OpenVINO and ONNX Runtime. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { knownCauses } from '../../scripts/kserve/diagnosis/known-causes.ts';
import { modelcars, tryModelcars } from '../parts/cli.ts';
import { onnxPython } from '../parts/onnx.ts';
import { missingParts, part } from '../parts/parts.ts';
import { missing } from '../parts/python.ts';
import { run } from '../parts/run.ts';
import { startSidecar } from '../parts/sidecar.ts';
import { folderReader } from '../support/folder-reader.ts';
import { ask } from './_onnx.ts';

const noPython = (await missing(onnxPython)) ?? (await missingParts('umoci'));
const script = fileURLToPath(new URL('onnx-folders.py', import.meta.url));
const head = { version: 'v1.0.0', defaults: { base: 'embedded', platforms: ['linux/amd64'] } };

/** Each source with its `include`, and its files in the image of OpenVINO. */
const sources: [string, string[] | undefined, string[]][] = [
  ['optimum', undefined, ['model.onnx', 'model.onnx_data']],
  ['named', undefined, ['model.onnx', 'weights.bin']],
  ['tensors', undefined, ['first', 'model.onnx', 'second']],
  ['below', undefined, ['data/w.bin', 'model.onnx']],
  ['several', ['onnx/model_fp16.onnx'], ['model.onnx', 'model_fp16.onnx.data']],
  ['versioned', undefined, ['model.onnx', 'w.bin']],
];
/** Each framework with its engine, and the folder of the image with the version folder. */
const served = [
  ['onnx', 'openvino', '.'],
  ['onnx-triton', 'onnxruntime', 'model'],
] as const;

describe.skipIf(noPython)('graphs in folders, with external weights', () => {
  let folder: string;
  let layout: string;
  let locked: Awaited<ReturnType<typeof tryModelcars>>;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'modelcars-onnx-folders-'));
    // -P: onnx.py beside it is another than the package.
    await run(await onnxPython(), ['-P', script, join(folder, 'sources')]);
    layout = join(folder, 'layout');
    const models = served.flatMap(([framework]) =>
      sources
        .filter(([name]) => name !== 'versioned' || framework === 'onnx')
        .map(([name, include]) => ({
          name: `${name}-${framework}`,
          framework,
          source: `file:sources/${name}`,
          ...(include && { include }),
        })),
    );
    models.push({ name: 'net', framework: 'onnx-triton', source: 'file:sources/repository' });
    await writeFile(join(folder, 'models.yaml'), stringify({ ...head, models }));
    locked = await tryModelcars(['lock'], { cwd: folder });
    expect(locked.code, locked.stderr).toBe(0);
    await modelcars(['build', '--verify', '--output', layout], { cwd: folder });
  });
  afterAll(async () => {
    // Unpacked folders are 0555, which stops all users but root.
    await run('chmod', ['-R', 'u+w', folder]);
    await rm(folder, { recursive: true, force: true });
  });

  const ones = { inputs: [{ name: 'x', shape: [1, 64], datatype: 'FP32', data: new Array(64).fill(1) }] };
  const right = { outputs: [{ name: 'y', shape: [1, 64], data: new Array(64).fill(1024) }] };

  /** The unpacked root folder of an image. */
  const unpack = async (name: string): Promise<string> => {
    const bundle = await mkdtemp(join(folder, 'bundle-'));
    const image = `${layout}:${name}:v1.0.0`;
    await run(await part('umoci'), ['unpack', '--rootless', '--image', image, join(bundle, 'image')]);
    return join(bundle, 'image', 'rootfs');
  };

  describe.each(served)('%s, read by %s as with `oci+native://`', (framework, engine, versions) => {
    test.each(sources.filter(([name]) => name !== 'versioned' || framework === 'onnx'))(
      '%s',
      async (name, _, files) => {
        const at = join(await unpack(`${name}-${framework}`), 'models', versions);
        expect((await folderReader(join(at, '1'))).paths).toEqual(files);
        expect(await ask(engine, at, ones)).toMatchObject(right);
      },
    );
  });

  test('a repository of Triton’s is served as it is', async () => {
    const at = join(await unpack('net'), 'models/net');
    expect((await folderReader(join(at, '1'))).paths).toEqual(['model.onnx', 'w.bin']);
    expect(await ask('onnxruntime', at, ones)).toMatchObject(right);
  });

  // Once an engine does, its warning and the cause can go.
  test.each(served)(
    '%s: %s does not find the weights as with `oci://`, for a known cause',
    async (framework, engine, versions) => {
      await using sidecar = await startSidecar(await unpack(`named-${framework}`));
      const answer = ask(engine, join(sidecar.models, versions), ones);
      const cause = knownCauses.find(({ cause }) => cause.includes('external weights'));
      await expect(answer).rejects.toThrow(cause?.sign);
    },
  );

  test('`lock` warns of it for OpenVINO', () => {
    const warned = locked.stderr.split('\n').filter((line) => line.includes('files of their own'));
    expect(warned).toHaveLength(sources.length);
    expect(warned.join()).toContain(
      "named-onnx: the graph's weights are files of their own (export/v2/weights.bin)",
    );
  });

  test.each(served)(
    '%s: weights that are missing are reported by `lock`, as %s would',
    async (framework, engine) => {
      const at = join(folder, `lost-${framework}`);
      await mkdir(at);
      await run('cp', ['-r', join(folder, 'sources/named'), join(at, 'named')]);
      await rm(join(at, 'named/export/v2/weights.bin'));
      const models = [{ name: 'lost', framework, source: 'file:named' }];
      await writeFile(join(at, 'models.yaml'), stringify({ ...head, models }));
      const { code, stderr } = await tryModelcars(['lock'], { cwd: at });
      expect(code).toBe(1);
      expect(stderr).toMatch(/names .?weights\.bin.? as .*but the file is missing/);
      await run('cp', ['-r', join(at, 'named/export/v2'), join(at, '1')]);
      await expect(ask(engine, at, ones)).rejects.toThrow(/weights\.bin/);
    },
  );

  test('of several graphs without `include`, `lock` lists them', async () => {
    const at = join(folder, 'choose');
    await mkdir(at);
    await run('cp', ['-r', join(folder, 'sources'), join(at, 'sources')]);
    const models = [{ name: 'choose', framework: 'onnx', source: 'file:sources/several' }];
    await writeFile(join(at, 'models.yaml'), stringify({ ...head, models }));
    const { code, stderr } = await tryModelcars(['lock'], { cwd: at });
    expect(code).toBe(1);
    expect(stderr).toContain('has 2 graphs: onnx/model.onnx and onnx/model_fp16.onnx');
  });
});
