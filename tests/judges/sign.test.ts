import { generateKeyPairSync } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fallbackTag } from '../../scripts/registry/referrers.ts';
import { makeCatalog, modelcars, noise, tryModelcars } from '../parts/cli.ts';
import { containersImage } from '../parts/containers-image.ts';
import { missingParts, part } from '../parts/parts.ts';
import { type Registry, startRegistry } from '../parts/registry.ts';
import { type Result, run, tryRun } from '../parts/run.ts';
import { identityToken, issuer, type Sigstore, startSigstore } from '../parts/sigstore.ts';

const missing = await missingParts('cosign', 'oras', 'docker-registry');
const workflow = 'https://github.com/me/models/.github/workflows/push.yml@refs/heads/main';

/** The two layouts, as cosign selects them. */
const layouts = [
  ['bundle', '--new-bundle-format=true'],
  ['older layout', '--new-bundle-format=false'],
] as const;

describe.skipIf(missing)('signatures', () => {
  let folder: string;
  let registry: Registry;
  let sigstore: Sigstore;
  let cosign: string;
  let env: Record<string, string>;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'modelcars-signed-'));
    registry = await startRegistry({ kind: 'docker-registry' });
    sigstore = await startSigstore(folder);
    cosign = await part('cosign');
    // cosign keeps a cache of TUF in the home folder.
    env = { HOME: folder, COSIGN_PASSWORD: 'a password', COSIGN_YES: 'true' };
    for (const name of ['own', 'other'])
      await run(cosign, ['generate-key-pair', '--output-key-prefix', name], { cwd: folder, env });
    await writeFile(join(folder, 'token'), identityToken({ sub: workflow }));
    const names = ['by-key', 'by-log', 'by-identity', 'unsigned', 'attested'];
    const files = { 'model.joblib': noise(20_000, 1) };
    await makeCatalog(
      folder,
      names.map((name) => ({ name, framework: 'sklearn', files: { ...files, 'name.txt': name } })),
    );
    await push('unsigned', []);
    await push('by-key', ['--sign', '--key', 'own.key']);
    await push('by-log', ['--sign', '--key', 'own.key', '--rekor-url', sigstore.url]);
    await push('by-identity', ['--sign', '--attest', ...identity()]);
  });
  afterAll(async () => {
    await registry?.stop();
    await sigstore?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const identity = () => [
    ...['--identity-token', 'token', '--fulcio-url', sigstore.url, '--rekor-url', sigstore.url],
    ...['--timestamp-url', sigstore.url, '--trusted-root', sigstore.trustedRoot],
  ];
  const push = (name: string, flags: string[]): Promise<string> =>
    modelcars(['push', name, '--base', 'embedded', '--registry', `${registry.host}/me`, ...flags], {
      cwd: folder,
      env,
    });
  const judge = (name: string, flags: string[], command = 'verify'): Promise<Result> =>
    tryRun(cosign, [command, ...flags, '--allow-http-registry', `${registry.host}/me/${name}:v1.0.0`], {
      cwd: folder,
      env,
    });
  const byKey = (name: string) => ['--key', `${name}.pub`, '--insecure-ignore-tlog=true'];
  const byIdentity = (who: string, from = issuer) => [
    ...['--trusted-root', sigstore.trustedRoot, '--certificate-identity', who],
    ...['--certificate-oidc-issuer', from],
  ];

  describe.each(layouts)('as %s', (_, format) => {
    test('by key: cosign takes the key, and no other', async () => {
      expect(await judge('by-key', [...byKey('own'), format])).toMatchObject({ code: 0 });
      expect((await judge('by-key', [...byKey('other'), format])).code).not.toBe(0);
      expect((await judge('unsigned', [...byKey('own'), format])).code).not.toBe(0);
    });

    test('by key and log: cosign finds the entry with the trusted root', async () => {
      const flags = ['--key', 'own.pub', '--trusted-root', sigstore.trustedRoot, format];
      expect(await judge('by-log', flags)).toMatchObject({ code: 0 });
      expect((await judge('by-key', flags)).code).not.toBe(0);
    });

    test('by identity: cosign takes this identity and issuer, and no other', async () => {
      expect(await judge('by-identity', [...byIdentity(workflow), format])).toMatchObject({ code: 0 });
      for (const flags of [byIdentity('someone@example.com'), byIdentity(workflow, 'https://example.com')])
        expect((await judge('by-identity', [...flags, format])).code).not.toBe(0);
      expect((await judge('by-key', [...byIdentity(workflow), format])).code).not.toBe(0);
    });
  });

  /** References to the manifests in an image's index. */
  const platformsOf = async (name: string): Promise<string[]> => {
    const reference = `${registry.host}/me/${name}`;
    const oras = await part('oras');
    const index = JSON.parse(await run(oras, ['manifest', 'fetch', '--plain-http', `${reference}:v1.0.0`]));
    return index.manifests.map(({ digest }: { digest: string }) => `${reference}@${digest}`);
  };

  test('of every platform: cosign verifies the manifests in the index', async () => {
    const images = await platformsOf('by-key');
    expect(images.length).toBe(2);
    for (const image of images) {
      const flags = ['verify', ...byKey('own'), '--allow-http-registry', image];
      expect(await tryRun(cosign, flags, { cwd: folder, env })).toMatchObject({ code: 0 });
    }
  });

  test('of a changed image do not verify: its digest has none', async () => {
    await modelcars(
      ['push', 'by-key', '--base', 'embedded', '--registry', `${registry.host}/me`, '--version', 'v2.0.0'],
      { cwd: folder, env },
    );
    const flags = [...byKey('own'), '--allow-http-registry', `${registry.host}/me/by-key:v2.0.0`];
    expect((await tryRun(cosign, ['verify', ...flags], { cwd: folder, env })).code).not.toBe(0);
  });

  test.each(['slsaprovenance1', 'cyclonedx'])('attestation %s: cosign verifies it', async (type) => {
    const flags = ['--type', type, ...byIdentity(workflow)];
    expect(await judge('by-identity', flags, 'verify-attestation')).toMatchObject({ code: 0 });
    const wrong = ['--type', type, ...byIdentity('someone@example.com')];
    expect((await judge('by-identity', wrong, 'verify-attestation')).code).not.toBe(0);
    expect((await judge('by-key', ['--type', type, ...byKey('own')], 'verify-attestation')).code).not.toBe(0);
  });

  test('oras discovers signature, provenance and bill of materials', async () => {
    const oras = await part('oras');
    const reference = `${registry.host}/me/by-identity:v1.0.0`;
    const found = JSON.parse(await run(oras, ['discover', '--plain-http', '--format', 'json', reference]));
    const types = found.referrers.map(
      ({ annotations }: { annotations: Record<string, string> }) =>
        annotations['dev.sigstore.bundle.predicateType'],
    );
    expect(types.sort()).toEqual([
      'https://cyclonedx.org/bom',
      'https://sigstore.dev/cosign/sign/v1',
      'https://slsa.dev/provenance/v1',
    ]);
  });

  test('by key: podman, skopeo and CRI-O take the older layout under a policy', async () => {
    const judgeBy = await containersImage();
    const home = join(folder, 'containers');
    await mkdir(join(home, 'registries.d'), { recursive: true });
    const attachments = `docker:\n  ${registry.host}:\n    use-sigstore-attachments: true\n`;
    await writeFile(join(home, 'registries.d/default.yaml'), attachments);
    const allowed = async (name: string, key: string): Promise<Result> => {
      const policy = join(home, `${key}.json`);
      const signedIdentity = { type: 'matchRepository' };
      const rule = { type: 'sigstoreSigned', keyPath: join(folder, `${key}.pub`), signedIdentity };
      await writeFile(policy, JSON.stringify({ default: [rule] }));
      return await tryRun(judgeBy, [policy, join(home, 'registries.d'), name]);
    };
    const images = [`${registry.host}/me/by-key:v1.0.0`, ...(await platformsOf('by-key'))];
    expect(images.length).toBe(3);
    for (const image of images) {
      expect(await allowed(image, 'own')).toMatchObject({ code: 0 });
      expect(await allowed(image, 'other')).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('signature'),
      });
    }
    expect(await allowed(`${registry.host}/me/unsigned:v1.0.0`, 'own')).toMatchObject({ code: 1 });
  });

  test('of cosign: modelcars verifies both layouts, and adds its own beside a stranger', async () => {
    const reference = `${registry.host}/me/attested:v1.0.0`;
    await push('attested', []);
    for (const [, format] of layouts) {
      const flags = ['--key', 'other.key', '--allow-http-registry', format];
      const quiet = ['--use-signing-config=false', '--tlog-upload=false'];
      await run(cosign, ['sign', ...flags, ...quiet, reference], { cwd: folder, env });
    }
    const verify = (key: string) =>
      tryModelcars(
        [
          'verify',
          'attested',
          '--base',
          'embedded',
          '--remote',
          '--key',
          key,
          '--registry',
          `${registry.host}/me`,
        ],
        { cwd: folder, env },
      );
    // cosign signs the index only.
    expect((await verify('other.pub')).stderr).toContain('linux/amd64: it is not signed');
    await push('attested', ['--sign', '--key', 'own.key']);
    expect(await verify('own.pub')).toMatchObject({ code: 0 });
    for (const [, format] of layouts)
      for (const key of ['own', 'other'])
        expect(await judge('attested', [...byKey(key), format])).toMatchObject({ code: 0 });
  });

  test('a second push signs nothing and writes no manifest', async () => {
    const before = registry.requests();
    const again = await push('by-identity', ['--sign', '--attest', ...identity(), '--json']);
    const written = registry
      .requests()
      .slice(before.length)
      .filter(({ method }) => method === 'PUT' || method === 'POST');
    expect(written).toEqual([]);
    expect(JSON.parse(again).models[0]).toMatchObject({
      status: 'unchanged',
      signatures: { made: 0, existing: 6 },
      attestations: { made: 0, existing: 2 },
    });
  });

  test('two pushes of one image at the same time lose no signature', async () => {
    const flags = ['--base', 'embedded', '--registry', `${registry.host}/me`, '--sign'];
    await Promise.all(
      ['own', 'other'].map((key) =>
        modelcars(['push', 'unsigned', ...flags, '--key', `${key}.key`], { cwd: folder, env }),
      ),
    );
    for (const [, format] of layouts)
      for (const key of ['own', 'other'])
        expect(await judge('unsigned', [...byKey(key), format])).toMatchObject({ code: 0 });
  });

  test('with an RSA key of OpenSSL', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 3072 });
    await writeFile(join(folder, 'rsa.key'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
    await writeFile(join(folder, 'rsa.pub'), publicKey.export({ type: 'spki', format: 'pem' }));
    await push('by-key', ['--sign', '--key', 'rsa.key']);
    for (const [, format] of layouts)
      expect(await judge('by-key', [...byKey('rsa'), format])).toMatchObject({ code: 0 });
  });

  test('are listed under the fallback tag of a registry without the referrers API', async () => {
    const oras = await part('oras');
    const reference = `${registry.host}/me/by-key`;
    const digest = (
      await run(oras, ['resolve', '--plain-http', `${reference}:v1.0.0`])
    ).trim() as `sha256:${string}`;
    const tags = await run(oras, ['repo', 'tags', '--plain-http', reference]);
    expect(tags.split('\n')).toEqual(
      expect.arrayContaining([fallbackTag(digest), `${fallbackTag(digest)}.sig`]),
    );
  });
});
