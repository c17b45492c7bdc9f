/** The folders of examples/: runs every command of their READMEs as written, against real registries, a hub and S3. */
import { copyFile, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { pushBase } from '../parts/bases.ts';
import { noise, root } from '../parts/cli.ts';
import { copyExample, type Example } from '../parts/examples.ts';
import { type Hub, startHub } from '../parts/hub.ts';
import { missingParts } from '../parts/parts.ts';
import { type Registry, startRegistry } from '../parts/registry.ts';
import { startS3 } from '../parts/s3.ts';
import { holesBehind, tagDigest, tagsOf } from '../parts/tags.ts';
import { safetensors } from '../support/model-files.ts';

const granite = 'ibm-granite/granite-3.0-2b-instruct';
/** The layout of the repository of that name, but small: two formats of the same weights, and code. */
const graniteFiles = {
  'README.md': '---\nlicense: apache-2.0\n---\n# Granite\n',
  'config.json': '{"architectures": ["GraniteForCausalLM"]}',
  'tokenizer.json': '{}',
  'model.safetensors': safetensors(noise(5_000_000, 11)),
  'pytorch_model.bin': { size: 1000, generate: 4 },
  'modeling.py': 'print(1)\n',
};
const missing = await missingParts('docker-registry', 'versitygw');

test('every example has a README with commands, a catalog and a line in the index', async () => {
  const index = await readFile(join(root, 'examples/README.md'), 'utf8');
  const folders = (await readdir(join(root, 'examples'), { withFileTypes: true })).filter((one) =>
    one.isDirectory(),
  );
  expect(folders.map(({ name }) => name).sort()).toEqual(['air-gapped', 'own-framework', 'sklearn', 'vllm']);
  for (const { name } of folders) {
    expect(index).toContain(`(${name}/README.md)`);
    await using example = await copyExample(name, {});
    expect(example.sections.length).toBeGreaterThan(0);
  }
});

describe.skipIf(missing)('the example', () => {
  let registry: Registry;
  let hub: Hub;
  beforeAll(async () => {
    registry = await startRegistry({ kind: 'docker-registry' });
    hub = await startHub({ models: { [granite]: { files: graniteFiles } } });
  });
  afterAll(async () => {
    await hub?.stop();
    await registry?.stop();
  });

  /** With its images under a separate path of the registry. */
  const copy = (name: string): Promise<Example> =>
    copyExample(name, { 'quay.io/me': `${registry.host}/${name}` });

  /** The image is complete and has the version's tags; the manifest printed by the last section has its digest. */
  async function expectServed(name: string, model: string, { stdout }: { stdout: string }) {
    const repository = `${name}/${model}`;
    expect(await tagsOf(registry.host, repository)).toEqual(['latest', 'v1', 'v1.0', 'v1.0.0']);
    expect(await holesBehind(registry.host, repository, 'v1.0.0')).toEqual([]);
    const digest = await tagDigest(registry.host, repository, 'v1.0.0');
    const { kind, spec } = parse(stdout.slice(stdout.indexOf('apiVersion:')));
    expect([kind, spec.predictor.model.storageUri]).toEqual([
      'InferenceService',
      `oci://${registry.host}/${repository}@${digest}`,
    ]);
    return { digest, model: spec.predictor.model };
  }

  test('sklearn builds offline from its lock, and pushes what it listed', async () => {
    await using example = await copy('sklearn');
    expect(example.sections).toEqual(['Build', 'Push']);
    const offline = { HTTPS_PROXY: 'http://127.0.0.1:9', HTTP_PROXY: 'http://127.0.0.1:9' };
    const { stdout } = await example.run('Build', offline);
    const served = await expectServed('sklearn', 'iris', await example.run('Push'));
    expect(stdout).toContain('locked');
    expect(stdout).toContain(served.digest);
    expect(served.model).toMatchObject({ modelFormat: { name: 'sklearn' }, protocolVersion: 'v2' });
  });

  test('vllm pins the hub once, and a second machine pushes it without the hub', async () => {
    await using example = await copy('vllm');
    expect(example.sections).toEqual(['Lock', 'Push', 'Serve']);
    const env = { HF_ENDPOINT: hub.url };
    await example.run('Lock', env);
    const lock = await readFile(join(example.folder, 'models.lock.yaml'), 'utf8');
    expect(lock).toContain(`revision: ${hub.sha(granite)}`);
    expect(lock).not.toMatch(/pytorch_model|modeling/);
    await example.run('Push', env);
    const before = hub.requests().length;
    await example.run('Push', env);
    expect(hub.requests().length).toBe(before);
    const { model } = await expectServed('vllm', 'granite', await example.run('Serve', env));
    expect(model).toMatchObject({
      args: ['--dtype=bfloat16', '--max-model-len=4096'],
      resources: { limits: { 'nvidia.com/gpu': '1' } },
    });
  });

  test('own-framework places its file for the server, and leaves out the rest', async () => {
    await using example = await copy('own-framework');
    expect(example.sections).toEqual(['Build', 'Push']);
    const { stdout } = await example.run('Build');
    expect(stdout).toContain('models/model.bst');
    expect(stdout).not.toMatch(/models\/(churn\.txt|train\.py)/);
    const served = await expectServed('own-framework', 'churn', await example.run('Push'));
    expect(served.model).toMatchObject({ modelFormat: { name: 'lightgbm' }, runtime: 'kserve-mlserver' });
  });
});

/** A registry with TLS and a password, whose mirror of Red Hat's registry already contains the base image. */
async function siteRegistry(): Promise<{ registry: Registry } & AsyncDisposable> {
  const storage = await mkdtemp(join(tmpdir(), 'modelcars-site-'));
  const options = { kind: 'docker-registry', root: storage } as const;
  {
    await using open = await startRegistry(options);
    await pushBase(open.host, 'redhat/ubi10/ubi-micro', 'ubi', 'latest');
  }
  const registry = await startRegistry({ ...options, auth: 'basic', tls: true });
  return {
    registry,
    [Symbol.asyncDispose]: async () => {
      await registry.stop();
      await rm(storage, { recursive: true, force: true });
    },
  };
}

describe.skipIf(missing)('the example air-gapped', () => {
  test('goes from the staging machine to a builder that reaches the registry and S3 only', async () => {
    await using hub = await startHub({ models: { [granite]: { files: graniteFiles } } });
    await using s3 = await startS3(['model-cache']);
    await using site = await siteRegistry();
    const { username, password, caFile, host } = site.registry;
    await using example = await copyExample('air-gapped', {
      'registry.example.com': host,
      'https://s3.example.com': s3.endpoint,
      'NO_PROXY=.example.com': 'NO_PROXY=127.0.0.1',
      'proxy.example.com:3128': '127.0.0.1:9',
    });
    expect(example.sections).toEqual(['On the staging machine', 'On a builder']);
    await copyFile(caFile ?? '', join(example.folder, 'ca.pem'));
    const account = { MODELCARS_REGISTRY_USERNAME: username, MODELCARS_REGISTRY_PASSWORD: password };
    const env = { ...s3.env(), ...account, HF_ENDPOINT: hub.url, S3_ENDPOINT_URL: undefined };
    await example.run('On the staging machine', env);
    const prefix = `models/${granite}/`;
    expect(await s3.keys('model-cache')).toContain(`${prefix}.modelcars.json`);
    await hub.stop();
    const { stderr } = await example.run('On a builder', env);
    expect(stderr).not.toMatch(/warning|error/);
    const listed = s3
      .requests()
      .filter(({ method, path }) => method === 'GET' && path.includes('model.safetensors'));
    expect(listed.length).toBeGreaterThan(0);
    const pushed = site.registry
      .requests()
      .filter(({ method, path }) => method === 'PUT' && path.includes('/manifests/'));
    for (const model of ['granite', 'iris'])
      expect(pushed.map(({ path }) => path)).toContain(`/v2/models/${model}/manifests/v1.0.0`);
  });
});
