import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pushBase } from '../parts/bases.ts';
import { makeCatalog, modelcars, noise, type TestModel, tryModelcars } from '../parts/cli.ts';
import { type Registry, type RegistryRequest, startRegistry } from '../parts/registry.ts';
import { holesBehind, tagDigest, tagsOf } from '../parts/tags.ts';

const models: TestModel[] = [
  { name: 'one', framework: 'sklearn', files: { 'model.joblib': noise(2_000_000, 1), 'README.md': 'one' } },
  { name: 'two', framework: 'sklearn', files: { 'model.joblib': noise(1_000_000, 2), 'a/b.json': '{}' } },
];

/** Digests of blobs that were sent, or mounted from another repository. */
function blobsSent(requests: RegistryRequest[]): string[] {
  const digests = requests
    .filter(({ method, path }) => /^(PUT|POST|PATCH)$/.test(method) && path.includes('/blobs/uploads/'))
    .flatMap(({ path }) => {
      const { searchParams } = new URL(path, 'http://localhost');
      return [...searchParams.getAll('digest'), ...searchParams.getAll('mount')];
    });
  return [...new Set(digests)];
}

function writes(requests: RegistryRequest[]): RegistryRequest[] {
  return requests.filter(({ method }) => !/^(GET|HEAD)$/.test(method));
}

interface Manifest {
  config: { digest: string };
  layers: { digest: string }[];
  manifests: { digest: string }[];
}

async function manifest(host: string, repository: string, reference: string): Promise<Manifest> {
  const accept = ['index', 'manifest'].map((kind) => `application/vnd.oci.image.${kind}.v1+json`).join(', ');
  const response = await fetch(`http://${host}/v2/${repository}/manifests/${reference}`, {
    headers: { accept },
  });
  return (await response.json()) as Manifest;
}

/** The tests of `push` against one registry program. */
export function testPush(kind: 'docker-registry' | 'distribution', missing: string | undefined): void {
  describe.skipIf(missing !== undefined)(`push to ${kind}`, () => {
    let registry: Registry;
    let folder: string;

    beforeAll(async () => {
      registry = await startRegistry({ kind });
      folder = await mkdtemp(join(tmpdir(), 'modelcars-push-'));
      await makeCatalog(folder, models);
    });
    afterAll(async () => {
      await registry?.stop();
      if (folder) await rm(folder, { recursive: true, force: true });
    });

    /** Pushes, and returns the registry's requests during the push. */
    const push = async (...args: string[]): Promise<RegistryRequest[]> => {
      const before = registry.requests().length;
      await modelcars(['push', '--registry', `${registry.host}/team`, ...args], { cwd: folder });
      return registry.requests().slice(before);
    };

    test('the first push publishes complete images with their tags', async () => {
      expect(writes(await push('--base', 'embedded')).length).toBeGreaterThan(0);
      for (const { name } of models) {
        const tags = await tagsOf(registry.host, `team/${name}`);
        expect(tags).toEqual(expect.arrayContaining(['v1.0.0', 'latest']));
        for (const tag of tags) expect(await holesBehind(registry.host, `team/${name}`, tag)).toEqual([]);
      }
    });

    test('pushing again with nothing changed sends no blob and no manifest', async () => {
      const requests = await push('--base', 'embedded');
      expect(requests.length).toBeGreaterThan(0);
      expect(writes(requests)).toEqual([]);
    });

    test('pushing again from another machine with an empty store sends none either', async () => {
      const before = registry.requests().length;
      const args = ['push', '--base', 'embedded', '--registry', `${registry.host}/team`];
      await modelcars(args, { cwd: folder, env: { MODELCARS_STORE: join(folder, '.other-store') } });
      expect(writes(registry.requests().slice(before))).toEqual([]);
    });

    test('with only the base changed, only base layers, configs and manifests go', async () => {
      const first = await pushBase(registry.host, 'bases/first', 'first');
      const second = await pushBase(registry.host, 'bases/second', 'second');
      for (const { base, version } of [
        { base: first, version: 'v1.1.0' },
        { base: second, version: 'v1.2.0' },
      ]) {
        await modelcars(['lock', '--base', base.reference], { cwd: folder });
        const requests = await push('--base', base.reference, '--version', version);
        const allowed = new Set(base.layers);
        for (const { name } of models) {
          const repository = `team/${name}`;
          const index = await manifest(registry.host, repository, version);
          for (const { digest } of index.manifests) {
            const image = await manifest(registry.host, repository, digest);
            allowed.add(image.config.digest);
            expect(image.layers.slice(0, base.layers.length).map((layer) => layer.digest)).toEqual(
              base.layers,
            );
          }
          expect(await holesBehind(registry.host, repository, version)).toEqual([]);
        }
        expect(blobsSent(requests).filter((digest) => !allowed.has(digest))).toEqual([]);
        expect(blobsSent(requests)).toEqual(expect.arrayContaining(base.layers.slice(1)));
        const other = writes(requests).filter(({ path }) => !/\/(blobs\/uploads|manifests)\//.test(path));
        expect(other).toEqual([]);
      }
    });

    test('a version tag of another image does not move', async () => {
      const digest = await tagDigest(registry.host, 'team/one', 'v1.0.0');
      expect(digest).toMatch(/^sha256:/);
      await writeFile(join(folder, 'files', 'one', 'README.md'), 'changed');
      await modelcars(['lock', '--base', 'embedded'], { cwd: folder });
      const args = ['push', 'one', '--base', 'embedded', '--registry', `${registry.host}/team`];
      const { code, stderr } = await tryModelcars(args, { cwd: folder });
      expect(code).toBe(1);
      expect(stderr).toContain('v1.0.0');
      expect(await tagDigest(registry.host, 'team/one', 'v1.0.0')).toBe(digest);
    });
  });

  describe.skipIf(missing !== undefined).each([
    { auth: 'basic', tls: false },
    { auth: 'token', tls: false },
    { auth: 'token', tls: true },
  ] as const)(`push to ${kind} with credentials: $auth, tls $tls`, ({ auth, tls }) => {
    test('works with them, fails without, and never prints them', async () => {
      await using registry = await startRegistry({ kind, auth, tls });
      const folder = await mkdtemp(join(tmpdir(), 'modelcars-credentials-'));
      try {
        await makeCatalog(folder, models.slice(0, 1));
        const trust = registry.caFile ? ['--ca-file', registry.caFile] : [];
        const args = ['push', '--base', 'embedded', '--registry', `${registry.host}/team`, ...trust];
        const without = await tryModelcars(args, { cwd: folder });
        expect(without.code).toBe(1);

        const secret = `${registry.username}:${registry.password}`;
        const encoded = Buffer.from(secret).toString('base64');
        const authFile = join(folder, 'auth.json');
        await writeFile(authFile, JSON.stringify({ auths: { [registry.host]: { auth: encoded } } }));
        const env = { REGISTRY_AUTH_FILE: authFile };
        const pushed = await tryModelcars(args, { cwd: folder, env });
        expect(pushed).toMatchObject({ code: 0 });
        for (const shown of [without, pushed].flatMap(({ stdout, stderr }) => [stdout, stderr])) {
          expect(shown).not.toContain(registry.password);
          expect(shown).not.toContain(encoded);
        }

        await writeFile(
          authFile,
          JSON.stringify({ auths: { [registry.host]: { auth: btoa('tester:wrong') } } }),
        );
        expect((await tryModelcars(args, { cwd: folder, env })).code).toBe(1);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    });
  });
}
