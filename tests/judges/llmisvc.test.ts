/** KServe's own webhook and controller of LLMInferenceServices, on what `modelcars manifest` prints for them. */
import { createHash } from 'node:crypto';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import vllm from '../../frameworks/vllm/framework.ts';
import { servingObject } from '../../scripts/kserve/manifests/serving-object.ts';
import type { Mode } from '../../scripts/kserve/types.ts';
import type { Model, Serving } from '../../scripts/model/types.ts';
import { goModule, goPrograms } from '../parts/kube/go.ts';
import { PartMissing, partsRequired } from '../parts/parts.ts';
import { run, tryRun } from '../parts/run.ts';

const main = await readFile(fileURLToPath(new URL('llmisvc/main.go', import.meta.url)), 'utf8');
const name = `llmisvc-${createHash('sha256').update(main).digest('hex').slice(0, 12)}`;
const kserve = { module: 'github.com/kserve/kserve', version: 'v0.20.0' };

/** Builds the judge; undefined without Go, unless parts are required. */
async function program(): Promise<string | undefined> {
  try {
    return join(await goPrograms({ name, ...kserve, packages: ['.'], main }), name);
  } catch (error) {
    if (!(error instanceof PartMissing) || partsRequired()) throw error;
    return undefined;
  }
}
const judge = await program();

interface Container {
  name: string;
  image: string;
  command?: string[];
  args?: string[];
  volumeMounts?: { name: string; mountPath: string }[];
}
interface Pod {
  initContainers?: Container[];
  containers: Container[];
  volumes?: { name: string; image?: { reference: string } }[];
  shareProcessNamespace?: boolean;
}
interface Workload {
  metadata: { name: string };
  spec: { replicas?: number; template: { spec: Pod } };
}
interface Group {
  spec: {
    leaderWorkerTemplate: { size: number; leaderTemplate: { spec: Pod }; workerTemplate: { spec: Pod } };
  };
}
interface Made {
  Deployments: { items: Workload[] };
  LeaderWorkerSets: { items: Group[] };
  Service: { status: { conditions: { type: string; status: string }[] } };
}

const image = `quay.io/me/granite@sha256:${'0'.repeat(64)}`;

/** What the controller makes of a model: fails with the webhook's or the controller's error. */
async function reconciled(serving: Partial<Serving>, name = 'granite', mode: Mode = 'oci'): Promise<Made> {
  const model: Model = {
    ...{ name, framework: 'vllm', source: 'file:m', files: {}, include: [], exclude: [], tags: [] },
    ...{ base: 'embedded', platforms: ['linux/amd64'], compression: 'none', annotations: {} },
    serving: { args: [], env: {}, imagePullSecrets: [], kind: 'LLMInferenceService', ...serving },
  };
  const folder = await goModule(kserve.module, kserve.version);
  const object = JSON.stringify(servingObject(model, vllm, { image, mode }));
  return JSON.parse(await run(judge ?? '', [folder, object])) as Made;
}

const podOf = ({ Deployments: { items } }: Made): Pod => {
  const found = items.find(({ metadata }) => metadata.name === 'granite-kserve');
  if (found === undefined) throw new Error(`no Deployment granite-kserve among ${items.length}`);
  return found.spec.template.spec;
};
const containerOf = ({ containers }: Pod, name: string): Container | undefined =>
  containers.find((one) => one.name === name);

describe.skipIf(judge === undefined)("KServe's controller", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'modelcars-llmisvc-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('serves the image as a sidecar, beside vLLM of its preset', async () => {
    const resources = { limits: { 'nvidia.com/gpu': '2' } };
    const more: Partial<Serving> = {
      nodeSelector: { zone: 'a' },
      imagePullSecrets: ['quay'],
      minReplicas: 3,
    };
    const made = await reconciled({ router: {}, resources, ...more });
    const pod = podOf(made);
    expect(containerOf(pod, 'modelcar')).toMatchObject({ image });
    expect(containerOf(pod, 'main')).toMatchObject({ image: expect.stringContaining('llm-d'), resources });
    expect(pod).toMatchObject({ shareProcessNamespace: true, nodeSelector: { zone: 'a' } });
    expect(pod).toMatchObject({ imagePullSecrets: [{ name: 'quay' }] });
    expect(made.Deployments.items[0]?.spec.replicas).toBe(3);
    expect(made.Service.status.conditions).toContainEqual(
      expect.objectContaining({ type: 'PresetsCombined', status: 'True' }),
    );
  });

  test('serves it as an image volume', async () => {
    const pod = podOf(await reconciled({ router: {} }, 'granite', 'oci+native'));
    expect(containerOf(pod, 'modelcar')).toBeUndefined();
    const volume = pod.volumes?.find((one) => one.image?.reference === image);
    expect(containerOf(pod, 'main')?.volumeMounts).toContainEqual(
      expect.objectContaining({ name: volume?.name, mountPath: '/mnt/models' }),
    );
  });

  test('gives vLLM the arguments of models.yaml, unchanged by its shell', async () => {
    const args = ['--max-model-len=4096', '--limit-mm-per-prompt={"image": 2}', "it's $HOME", '*'];
    const main = containerOf(
      podOf(await reconciled({ router: {}, args, parallelism: { tensor: 2 } })),
      'main',
    );
    const vllmProgram = join(folder, 'vllm');
    await writeFile(vllmProgram, `#!/bin/sh\n[ "$1" = serve ] && printf '%s\\0' "$@"\n`);
    await chmod(vllmProgram, 0o755);
    const [shell = '', ...words] = [...(main?.command ?? []), ...(main?.args ?? [])];
    const { stdout } = await tryRun(shell, words, { env: { PATH: `${folder}:${process.env.PATH}` } });
    const given = stdout.slice(stdout.indexOf('serve\0')).split('\0');
    expect(given).toEqual(expect.arrayContaining(['serve', '/mnt/models', 'granite', '2']));
    expect(given.slice(-args.length - 1, -1)).toEqual(args);
  });

  test('makes pods for data parallelism, each with the image', async () => {
    const parallelism = { data: 16, dataLocal: 8, expert: true };
    const { LeaderWorkerSets, Deployments } = await reconciled({ router: {}, parallelism });
    expect(Deployments.items).toEqual([]);
    const { size, leaderTemplate, workerTemplate } =
      LeaderWorkerSets.items[0]?.spec.leaderWorkerTemplate ?? {};
    expect(size).toBe(2);
    for (const template of [leaderTemplate, workerTemplate])
      expect(template && containerOf(template.spec, 'modelcar')).toMatchObject({ image });
  });

  test('has a Deployment for a name of any allowed length', async () => {
    const { Deployments } = await reconciled({ router: {} }, 'a'.repeat(63));
    expect(Deployments.items[0]?.metadata.name.length).toBeLessThanOrEqual(63);
  });
});
