import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { modelcars, noise, root, tryModelcars } from '../parts/cli.ts';
import { type Hub, startHub } from '../parts/hub.ts';
import { pushNodeBase } from '../parts/nodebase.ts';
import { missingParts, missingRoot } from '../parts/parts.ts';
import { type Podman, startPodman } from '../parts/podman.ts';
import { type Registry, startRegistry } from '../parts/registry.ts';
import { type Result, run } from '../parts/run.ts';
import { type S3Server, startS3 } from '../parts/s3.ts';
import { manifestAt, violationsIn } from '../parts/s3cache.ts';
import { document, manifestOf } from './_images.ts';

const missing =
  missingRoot('podman') ?? (await missingParts('podman', 'runc', 'docker-registry', 'versitygw'));
const files = { 'model.joblib': noise(12_000_000, 1), 'config.json': '{}' };

/** As Kubernetes runs a container in a restricted namespace: no root, no writing, no privileges. */
const restricted = [
  '--rm',
  '--network=host',
  '--ulimit=nofile=1024:1024',
  '--ulimit=nproc=1024:1024',
  '--read-only',
  '--read-only-tmpfs=false',
  '--cap-drop=ALL',
  '--security-opt=no-new-privileges',
];

describe.skipIf(missing)('the loader', () => {
  let registry: Registry;
  let s3: S3Server;
  let hub: Hub;
  let podman: Podman;
  let folder: string;
  let base: string;

  beforeAll(async () => {
    // In a checkout the image is made of the built program.
    await run('npm', ['run', 'build'], { cwd: root });
    registry = await startRegistry({ kind: 'docker-registry' });
    base = await pushNodeBase(registry.host, 'bases/node');
    s3 = await startS3();
    hub = await startHub({ models: { 'org/model': { files } } });
    podman = await startPodman();
    folder = await mkdtemp(join(tmpdir(), 'modelcars-loader-'));
    const entry = `models:\n  - name: model-loader\n    image: loader\n    base: ${base}\n    version: v1.0.0\n`;
    await writeFile(join(folder, 'models.yaml'), entry);
    await modelcars(['lock'], { cwd: folder });
    await modelcars(['build', '--frozen'], { cwd: folder });
    await modelcars(['build', '--frozen', '-o', 'loader.tar'], { cwd: folder });
    const load = await podman.podman('load', '--quiet', '--input', join(folder, 'loader.tar'));
    if (load.code !== 0) throw new Error(load.stderr);
  });
  afterAll(async () => {
    await podman?.[Symbol.asyncDispose]();
    await hub?.stop();
    await s3?.stop();
    await registry?.stop();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  const runLoader = async (env: Record<string, string | undefined>, ...more: string[]): Promise<Result> => {
    const all: Record<string, string | undefined> = { ...s3.env(), HF_ENDPOINT: hub.url, ...env };
    const lines = Object.entries(all).flatMap(([name, value]) =>
      value === undefined ? [] : [`${name}=${value}`],
    );
    const file = join(folder, 'env');
    await writeFile(file, lines.join('\n'), { mode: 0o600 });
    return podman.podman(
      'run',
      ...restricted,
      '--env-file',
      file,
      ...more,
      'localhost/model-loader:v1.0.0',
      'cache',
    );
  };

  test('fills the cache as any user, on a read-only file system; exits 0, and 0 again when the cache is complete', async () => {
    const env = { MODEL_NAME: 'org/model', S3_BUCKET: 'models' };
    const first = await runLoader(env, '--user', '1000680000:0');
    expect(first, first.stderr).toMatchObject({ code: 0 });
    expect(first.stdout).toMatch(/s3:\/\/models\/models\/org\/model\/ .* done/);
    expect((await manifestAt(s3, 'models/org/model/'))?.complete).toBe(true);
    expect(await violationsIn(s3, 'models/org/model/', files)).toEqual([]);
    const second = await runLoader(env);
    expect(second).toMatchObject({ code: 0 });
    expect(second.stdout).toMatch(/unchanged/);
    for (const { stdout, stderr } of [first, second]) expect(stdout + stderr).not.toContain(s3.secretKey);
  });

  test('exits 1 on failure and 2 on wrong usage, each with the next step', async () => {
    const failed = await runLoader({ MODEL_NAME: 'org/model', S3_BUCKET: 'not-there' });
    expect(failed.code).toBe(1);
    expect(failed.stderr).toMatch(/has no bucket not-there\nnext: /);
    const wrong = await runLoader({ MODEL_NAME: 'org/model', S3_BUCKET: 'Not A Bucket' });
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toMatch(/read S3_BUCKET: expected a bucket/);
  });

  test('DOWNLOAD_DIR on a volume keeps what it downloads', async () => {
    const volume = join(folder, 'volume');
    await mkdir(volume);
    await chmod(volume, 0o777);
    const env = { MODEL_NAME: 'org/model', S3_BUCKET: 'models', S3_PREFIX: 'again', DOWNLOAD_DIR: '/data' };
    const kept = await runLoader(env, '--user', '1000680000:0', '--volume', `${volume}:/data`);
    expect(kept, kept.stderr).toMatchObject({ code: 0 });
    expect(await violationsIn(s3, 'again/org/model/', files)).toEqual([]);
    expect(await readdir(volume)).toContain('files');
  });

  test('runs every command of modelcars on a folder that holds only models', async () => {
    const models = join(folder, 'repository');
    await mkdir(models);
    await copyFile(join(root, 'frameworks/xgboost/model.bst'), join(models, 'model.bst'));
    const entry =
      '{name: iris, framework: xgboost, source: "file:model.bst", version: v1.0.0, base: embedded}';
    await writeFile(join(models, 'models.yaml'), `models:\n  - ${entry}\n`);
    const volume = [
      '--volume',
      `${models}:/repository`,
      '--workdir',
      '/repository',
      '--user',
      '1000680000:0',
    ];
    await chmod(models, 0o777);
    const image = 'localhost/model-loader:v1.0.0';
    const common = [...restricted, ...volume];
    const push = ['push', '--registry', `${registry.host}/jobs`];
    const pushed = await podman.podman('run', ...common, image, ...push);
    expect(pushed, pushed.stderr).toMatchObject({ code: 0 });
    // As GitLab and Tekton start it: a shell script that finds `modelcars` on the PATH.
    const verify = `modelcars verify --remote --registry ${registry.host}/jobs --json`;
    const verified = await podman.podman('run', ...common, '--entrypoint', 'sh', image, '-c', verify);
    expect(verified, verified.stderr).toMatchObject({ code: 0 });
    expect(JSON.parse(verified.stdout).models).toMatchObject([{ model: 'iris', status: 'done' }]);
  });

  test('contains modelcars and its dependencies, owned by its user, read-only, for both platforms', async () => {
    const layout = join(folder, 'out');
    for (const architecture of ['amd64', 'arm64']) {
      const manifest = await document(
        layout,
        (await manifestOf(layout, 'model-loader:v1.0.0', architecture)).digest,
      );
      const config = JSON.parse(
        await readFile(join(layout, 'blobs', manifest.config.digest.replace(':', '/')), 'utf8'),
      );
      expect(config).toMatchObject({
        architecture,
        config: {
          User: '1001',
          WorkingDir: '/app',
          Entrypoint: ['node', '/app/dist/modelcars.js'],
          Env: ['PATH=/app/dist/bin:/usr/local/bin:/bin'],
        },
      });
      const names: string[] = [];
      const programs: string[] = [];
      for (const { digest } of manifest.layers.slice(1)) {
        const blob = join(layout, 'blobs', digest.replace(':', '/'));
        const listing = (await run('tar', ['--list', '--verbose', '--numeric-owner', '--file', blob])).trim();
        for (const line of listing.split('\n')) {
          expect(line).toMatch(/^(dr-xr-xr-x|-r-[-x]r-[-x]r-[-x]) 1001\/0 .* 1970-01-01 00:00 app(\/|$)/);
          const name = line.slice(line.indexOf(' app') + 1);
          names.push(name);
          if (line.startsWith('-r-x')) programs.push(name);
        }
      }
      expect(names).toContain('app/package.json');
      expect(names).toContain('app/base/layout/index.json');
      expect(programs).toEqual(['app/dist/bin/modelcars']);
      expect(names.filter((name) => /\.ts$|\.node$|node_modules/.test(name))).toEqual([]);
    }
  });

  test('two builds are identical; verify passes on them and fails on a tampered one', async () => {
    const again = JSON.parse(
      await modelcars(['build', '--frozen', '--json', '-o', 'again'], { cwd: folder }),
    );
    const first = JSON.parse(await modelcars(['build', '--frozen', '--json'], { cwd: folder }));
    expect(again.models[0].digest).toBe(first.models[0].digest);
    expect(await modelcars(['verify'], { cwd: folder })).toMatch(/model-loader/);
    const other = await tryModelcars(['verify'], { cwd: folder, env: { SOURCE_DATE_EPOCH: '86400' } });
    expect(other.code).toBe(1);
    expect(other.stderr).toMatch(/this modelcars builds sha256:[0-9a-f]{64}, it is sha256:/);
    const manifest = await document(
      join(folder, 'again'),
      (await manifestOf(join(folder, 'again'), 'model-loader:v1.0.0')).digest,
    );
    const blob = join(folder, 'again', 'blobs', (manifest.layers.at(-1)?.digest ?? '').replace(':', '/'));
    const bytes = await readFile(blob);
    bytes[5000] = (bytes[5000] ?? 0) ^ 1;
    await chmod(blob, 0o644);
    await writeFile(blob, bytes);
    const tampered = await tryModelcars(['verify', '--layout', 'again'], { cwd: folder });
    expect(tampered.code).toBe(1);
    expect(tampered.stderr).toMatch(/sha256/);
  });

  test('is refused on a base without Node, with the name of the base', async () => {
    const { code, stderr } = await tryModelcars(
      ['build', '--base', 'embedded', '-o', 'none', '--no-frozen'],
      {
        cwd: folder,
      },
    );
    expect(code).toBe(1);
    expect(stderr).toMatch(/model-loader: .*`embedded` has no Node[\s\S]*next: .*node:24-slim/);
  });

  test('is pushed to a registry like any image', async () => {
    const registryFlag = ['--registry', `${registry.host}/team`];
    await modelcars(['push', '--frozen', ...registryFlag], { cwd: folder });
    expect(await modelcars(['push', '--frozen', ...registryFlag], { cwd: folder })).toMatch(/unchanged/);
    await modelcars(['verify', '--remote', ...registryFlag], { cwd: folder });
  });
});
