import { spawn } from 'node:child_process';
import { cp, mkdtemp, open, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { modelcars } from '../parts/cli.ts';
import { type Hub, type HubFiles, startHub } from '../parts/hub.ts';
import { type Minilm, minilm } from '../parts/minilm.ts';
import { missingParts, part } from '../parts/parts.ts';
import { missing } from '../parts/python.ts';
import { type Registry, startRegistry } from '../parts/registry.ts';
import { run } from '../parts/run.ts';
import { startSidecar } from '../parts/sidecar.ts';

const lacking = (await missing(minilm)) ?? (await missingParts('crane', 'distribution', 'umoci'));

const name = 'sentence-transformers/all-MiniLM-L6-v2';
const script = fileURLToPath(new URL('minilm.py', import.meta.url));

/** Two with the same meaning in different words, and one with another meaning. */
const sentences = [
  'How do I reset my password?',
  'I forgot my login credentials and cannot sign in.',
  'The cake needs forty minutes in the oven.',
];

describe.skipIf(lacking)('all-MiniLM-L6-v2', () => {
  let folder: string;
  let model: Minilm;
  let hub: Hub;
  let registry: Registry;
  /** The sentences' embeddings by the model's own package. */
  let wanted: number[][];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'modelcars-minilm-'));
    model = await minilm();
    const files: HubFiles = {
      // Files of the hub that no server loads.
      'pytorch_model.bin': { size: 1_000_000, generate: 1 },
      'onnx/model.onnx': { size: 1_000_000, generate: 2 },
    };
    for (const entry of await readdir(model.folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const file = join(entry.parentPath, entry.name);
      files[file.slice(model.folder.length + 1)] = { file };
    }
    hub = await startHub({ models: { [name]: { files } } });
    registry = await startRegistry({ kind: 'distribution' });
    wanted = await embed('package');
  });
  afterAll(async () => {
    await registry?.stop();
    await hub?.stop();
    // Unpacked folders are 0555, which stops all users but root.
    await run('chmod', ['-R', 'u+w', folder]);
    await rm(folder, { recursive: true, force: true });
  });

  /** The sentences' embeddings from sentence-transformers, without access to a hub. */
  async function embed(path: string): Promise<number[][]> {
    const env = {
      PATH: process.env.PATH,
      HOME: folder,
      HF_HUB_OFFLINE: '1',
      HF_ENDPOINT: 'http://127.0.0.1:9',
      PYTHONDONTWRITEBYTECODE: '1',
      ...model.env,
    };
    const child = spawn(model.python, [script, path], { env, cwd: folder, timeout: 300_000 });
    child.stdin.on('error', () => {}).end(JSON.stringify(sentences));
    const ended = new Promise((resolve) => child.once('close', resolve));
    const [code, stdout, stderr] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
    if (code !== 0) throw new Error(`embed with ${path}: ${stderr}`);
    return JSON.parse(stdout);
  }

  test('sentence-transformers itself ranks similar sentences first', () => {
    const [reset = [], forgot = [], cake = []] = wanted;
    expect(reset).toHaveLength(384);
    expect(cosine(reset, forgot)).toBeGreaterThan(0.4);
    expect(cosine(reset, cake)).toBeLessThan(0.2);
    expect(cosine(forgot, cake)).toBeLessThan(0.2);
  });

  test('returns the same embeddings after the way from the hub through a registry to KServe', async () => {
    const entry = { name: 'minilm', framework: 'vllm', source: `hf://${name}`, version: 'v1.0.0' };
    const models = [{ ...entry, base: 'embedded', platforms: ['linux/amd64'] }];
    await writeFile(join(folder, 'models.yaml'), stringify({ models }));
    const env = { HF_ENDPOINT: hub.url, HF_HOME: join(folder, 'hf'), HF_TOKEN: undefined };
    await modelcars(['lock'], { cwd: folder, env });
    await modelcars(['push', '--frozen', '--registry', `${registry.host}/team`], { cwd: folder, env });

    const pulled = join(folder, 'pulled');
    const image = `${registry.host}/team/minilm:v1.0.0`;
    await run(await part('crane'), ['pull', '--format=oci', '--annotate-ref', image, pulled]);
    const bundle = join(folder, 'bundle');
    await run(await part('umoci'), ['unpack', '--rootless', '--image', `${pulled}:${image}`, bundle]);
    const unpacked = await readdir(join(bundle, 'rootfs/models'), { recursive: true });
    expect(unpacked).toEqual(expect.arrayContaining(['model.safetensors', '1_Pooling/config.json']));
    expect(unpacked.filter((path) => /\.(bin|onnx)$/.test(path))).toEqual([]);

    await using sidecar = await startSidecar(join(bundle, 'rootfs'));
    const given = await embed(sidecar.models);
    expect(given).toHaveLength(sentences.length);
    for (const [row, vector] of given.entries())
      expect(cosine(vector, wanted[row] ?? [])).toBeGreaterThan(0.999999);

    // A negative check: with some weights zeroed the embeddings differ.
    const damaged = join(folder, 'damaged');
    await cp(join(bundle, 'rootfs/models'), damaged, { recursive: true });
    await run('chmod', ['-R', 'u+w', damaged]);
    await using weights = await open(join(damaged, 'model.safetensors'), 'r+');
    await weights.write(Buffer.alloc(5_000_000), 0, 5_000_000, 60_000_000);
    const [other = []] = await embed(damaged);
    expect(cosine(other, wanted[0] ?? [])).toBeLessThan(0.99);
  });
});

function cosine(one: number[], other: number[]): number {
  const dot = (a: number[], b: number[]): number =>
    a.reduce((sum, value, at) => sum + value * (b[at] ?? 0), 0);
  return dot(one, other) / Math.sqrt(dot(one, one) * dot(other, other));
}
