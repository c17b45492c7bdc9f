import { copyFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { type FakeRegistry, startFake } from '../../tests/support/fake-registry.ts';
import { modelcarsInside } from '../../tests/support/run-inside.ts';
import type { ModelManifest } from '../pipeline/manifest.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const sample = fileURLToPath(new URL('../../frameworks/sklearn/model.joblib', import.meta.url));
const names = ['released', 'unreleased', 'candidate', 'plain', 'local', 'never'];
let folder: string;
let registry: FakeRegistry;

const run = (...words: string[]) =>
  modelcarsInside(words, { cwd: folder, env: { MODELCARS_STORE: join(folder, 'store') } });

/** Runs a command that has to succeed. Returns the models of its document. */
async function models<T>(...words: string[]): Promise<T[]> {
  const { code, stdout, stderr } = await run(...words, '--registry', `${registry.host}/me`, '--json');
  expect(code, stderr).toBe(0);
  return (JSON.parse(stdout) as { models: T[] }).models;
}
const push = async (...words: string[]) => {
  const [pushed] = await models<{ digest: string }>('push', ...words);
  return pushed?.digest ?? '';
};
const manifest = async (...words: string[]) => {
  const [made] = await models<ModelManifest>('manifest', ...words);
  return { digest: made?.image.split('@')[1], version: made?.version };
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelcars-manifest-'));
  registry = await startFake();
  await copyFile(sample, join(folder, 'model.joblib'));
  const entries = names.map(
    (name) => `  - {name: ${name}, framework: sklearn, source: "file:model.joblib"}\n`,
  );
  const defaults = 'defaults: {base: embedded, platforms: [linux/amd64]}';
  await writeFile(join(folder, 'models.yaml'), `${defaults}\nmodels:\n${entries.join('')}`);
  expect(await run('lock')).toMatchObject({ code: 0 });
});
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

describe('without a version, --remote takes', () => {
  it('the newest release, which is `latest`', async () => {
    const digest = await push('released', '--version', 'v1.10.0');
    await push('released', '--version', 'v1.9.0');
    expect(await manifest('released', '--remote')).toEqual({ digest, version: 'v1.10.0' });
  });

  it('the newest release where `latest` does not exist', async () => {
    const digest = await push('unreleased', '--version', 'v1.10.0', '--no-floating-tags');
    await push('unreleased', '--version', 'v1.9.0', '--no-floating-tags');
    await push('unreleased', '--version', 'v2.0.0-rc.1', '--no-floating-tags');
    expect(await manifest('unreleased', '--remote')).toEqual({ digest, version: 'v1.10.0' });
  });

  it('the newest pre-release where there is no release', async () => {
    await push('candidate', '--version', 'v1.0.0-rc.9');
    const digest = await push('candidate', '--version', 'v1.0.0-rc.10');
    expect(await manifest('candidate', '--remote')).toEqual({ digest, version: 'v1.0.0-rc.10' });
  });

  it('an image without a version that was pushed later than a version', async () => {
    await push('plain', '--version', 'v1.0.0');
    const digest = await push('plain');
    expect(await manifest('plain', '--remote')).toEqual({ digest, version: 'latest' });
  });

  it('no other version than the one that is given', async () => {
    const missing = await run(
      'manifest',
      'released',
      '--remote',
      '--version',
      'v1.0.0',
      '--registry',
      `${registry.host}/me`,
    );
    expect(missing).toMatchObject({ code: 1, stdout: '' });
    expect(missing.stderr).toContain('me/released:v1.0.0: the registry has no such image');
  });
});

describe('without a version', () => {
  it('takes the newest version of the layout', async () => {
    await models('build', 'local', '--version', 'v1.0.0');
    const [built] = await models<{ digest: string }>('build', 'local', '--version', 'v1.1.0');
    expect(await manifest('local')).toEqual({ digest: built?.digest, version: 'v1.1.0' });
  });

  it('warns once that the computed digest is that of an image without one', async () => {
    const { stdout, stderr } = await run(
      'manifest',
      'never',
      'released',
      '--registry',
      'quay.io/me',
      '--layout',
      'none',
    );
    expect(stdout).toContain('storageUri: oci://quay.io/me/never@sha256:');
    expect(stderr).toContain('warning: released and never: no version is given');
    expect(stderr.match(/no version/g)).toHaveLength(1);
  });
});

it('prints nothing when one of the models fails', async () => {
  const { code, stdout, stderr } = await run(
    'manifest',
    'released',
    'never',
    '--remote',
    '--registry',
    `${registry.host}/me`,
  );
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toContain('me/never:latest: the registry has no such image');
});

describe('--output', () => {
  const base = [
    'manifest',
    'released',
    '--registry',
    'quay.io/me',
    '--version',
    'v1.0.0',
    '--output',
    'deploy',
  ];

  it('writes a base, and says once more that nothing changed', async () => {
    expect(await run(...base, '--namespace', 'models', '--with-runtime')).toMatchObject({
      code: 0,
      stdout:
        'deploy/runtimes/kserve-mlserver.yaml: created\ndeploy/released.yaml: created\ndeploy/kustomization.yaml: created\n',
    });
    expect(await readFile(join(folder, 'deploy/released.yaml'), 'utf8')).not.toContain('namespace');
    const again = await run(...base, '--namespace', 'models', '--with-runtime');
    expect(again).toMatchObject({ code: 0, stdout: 'deploy: unchanged\n' });
  });

  it('with --argocd prints the Application alone', async () => {
    const argo = ['--argocd', '--namespace', 'models', '--repo', 'https://git.example.com/me/models.git'];
    const { code, stdout, stderr } = await run(...base, ...argo, '--path', 'prod');
    expect(code, stderr).toBe(0);
    expect(parse(stdout)).toMatchObject({
      kind: 'Application',
      metadata: { name: 'models' },
      spec: { source: { path: 'prod', targetRevision: 'HEAD' }, destination: { namespace: 'models' } },
    });
    const document = await run(...base, ...argo, '--path', 'prod', '--json');
    expect(JSON.parse(document.stdout)).toMatchObject({
      models: [{ model: 'released', version: 'v1.0.0' }],
      files: expect.arrayContaining([{ path: 'deploy/released.yaml', status: 'unchanged' }]),
      application: parse(stdout),
    });
  });

  it.each([
    [['--argocd', '--namespace', 'models'], '--argocd needs --output'],
    [['--argocd', '--output', 'argo'], '--argocd needs --namespace'],
    [['--repo', 'https://git.example.com/a', '--output', 'argo'], '--repo needs --argocd'],
    [['--argocd', '--output', 'argo', '--namespace', 'a'], 'git names no remote `origin` of argo'],
    [['--output', 'argo', '--namespace', 'n'.repeat(60)], 'names that KServe cannot serve'],
  ])('%j fails before anything is written', async (words, message) => {
    const { code, stderr } = await run('manifest', '--registry', 'quay.io/me', ...words);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
    expect(await readdir(folder)).not.toContain('argo');
  });
});
