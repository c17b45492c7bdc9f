import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { stringify } from 'yaml';
import { modelcarsInside } from '../../tests/support/run-inside.ts';
import { fromYaml } from '../kserve/manifests/yaml.ts';
import { packageFile } from '../package.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelcars-manifest-'));
  await cp(packageFile('frameworks/huggingface/model'), join(folder, 'chat'), { recursive: true });
  const common = { framework: 'vllm', source: 'file:chat', base: 'embedded', platforms: ['linux/amd64'] };
  const models = [
    { name: 'chat', ...common },
    { name: 'llm', ...common, serving: { kind: 'LLMInferenceService', parallelism: { tensor: 2 } } },
  ];
  await writeFile(join(folder, 'models.yaml'), stringify({ registry: 'quay.io/me', models }));
  expect((await modelcarsInside(['lock'], { cwd: folder })).code).toBe(0);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const manifest = async (...words: string[]) => {
  const { code, stdout, stderr } = await modelcarsInside(['manifest', ...words], { cwd: folder });
  expect([code, stderr]).toEqual([0, expect.any(String)]);
  return { objects: fromYaml(stdout, 'manifest').map(({ kind, metadata }) => [kind, metadata.name]), stderr };
};

it('prints the kind that models.yaml asks for, which has no ServingRuntime', async () => {
  const { objects, stderr } = await manifest('--with-runtime');
  expect(objects).toEqual([
    ['ServingRuntime', 'kserve-huggingfaceserver'],
    ['InferenceService', 'chat'],
    ['LLMInferenceService', 'llm'],
  ]);
  expect(stderr).toContain('llm: an LLMInferenceService has no ServingRuntime; --with-runtime adds none\n');
});

it('--for openshift takes its runtimes, and warns of CPUs and of images without a version', async () => {
  const { objects, stderr } = await manifest('chat', '--for', 'openshift', '--with-runtime');
  expect(objects).toEqual([
    ['ServingRuntime', 'vllm-cpu-x86-runtime'],
    ['InferenceService', 'chat'],
  ]);
  expect(stderr).toContain('chat: `serving.resources` requests no accelerator, so vLLM runs on CPUs');
  expect(stderr).toContain('vllm-cpu-x86-runtime: quay.io/vllm/vllm:latest is what Open Data Hub runs today');
  const image = 'registry.me/vllm@sha256:0';
  const own = await manifest('chat', '--for', 'openshift', '--with-runtime', '--server-image', image);
  expect(own.stderr).not.toContain('Open Data Hub');
});
