import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeCatalog, modelcars, noise, type TestModel, tryModelcars } from '../parts/cli.ts';
import { missingParts, part } from '../parts/parts.ts';
import { type Registry, type RegistryRequest, startRegistry } from '../parts/registry.ts';
import { type Result, tryRun } from '../parts/run.ts';

const missing = await missingParts('cosign', 'oras', 'docker-registry', 'distribution');

const models: TestModel[] = [
  { name: 'iris', framework: 'sklearn', files: { 'model.joblib': noise(5_000_000, 1), 'README.md': 'iris' } },
];

/** A source and a destination, and what is copied within one of them. */
const pairs = [
  { from: 'docker-registry', to: 'distribution' },
  { from: 'distribution', to: 'docker-registry' },
] as const;

function writes(requests: RegistryRequest[]): RegistryRequest[] {
  return requests.filter(({ method }) => !/^(GET|HEAD)$/.test(method));
}

interface Discovered {
  digest: string;
  artifactType: string;
  referrers?: Discovered[] | null;
}

describe.skipIf(missing).each(pairs)('promote from $from to $to, each with a password and TLS', (kinds) => {
  let folder: string;
  let dev: Registry;
  let prod: Registry;
  let env: Record<string, string>;
  let programs: { cosign: string; oras: string };

  beforeAll(async () => {
    programs = { cosign: await part('cosign'), oras: await part('oras') };
    folder = await mkdtemp(join(tmpdir(), 'modelcars-promote-'));
    dev = await startRegistry({ kind: kinds.from, auth: 'basic', tls: true });
    prod = await startRegistry({ kind: kinds.to, auth: 'basic', tls: true });
    const authorities = await Promise.all([dev, prod].map(({ caFile }) => readFile(caFile ?? '', 'utf8')));
    await writeFile(join(folder, 'ca.pem'), authorities.join('\n'));
    const account = ({ username, password }: Registry) => ({ auth: btoa(`${username}:${password}`) });
    const auths = { [dev.host]: account(dev), [prod.host]: account(prod) };
    await writeFile(join(folder, 'config.json'), JSON.stringify({ auths }));
    env = {
      HOME: folder,
      DOCKER_CONFIG: folder,
      SSL_CERT_FILE: join(folder, 'ca.pem'),
      COSIGN_PASSWORD: 'of-the-key',
    };
    await makeCatalog(folder, models, 'v1.2.3');
    await run('push', '--base', 'embedded', '--registry', `${dev.host}/dev`);
    for (const name of ['ours', 'theirs'])
      expect(await cosign('generate-key-pair', '--output-key-prefix', name)).toMatchObject({ code: 0 });
    await writeFile(join(folder, 'predicate.json'), '{"reviewed": true}');
    const reference = `${dev.host}/dev/iris:v1.2.3`;
    for (const bundle of ['--new-bundle-format=true', '--new-bundle-format=false']) {
      const own = ['--key', 'ours.key', '--tlog-upload=false', '--use-signing-config=false', '--yes', bundle];
      const predicate = ['--type', 'custom', '--predicate', 'predicate.json'];
      expect(await cosign('sign', '--recursive', ...own, reference)).toMatchObject({ code: 0 });
      expect(await cosign('attest', ...own, ...predicate, reference)).toMatchObject({ code: 0 });
    }
  });
  afterAll(async () => {
    await dev?.stop();
    await prod?.stop();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  const run = async (...args: string[]): Promise<string> =>
    await modelcars([...args, '--ca-file', join(folder, 'ca.pem')], { cwd: folder, env });
  const promote = async (...args: string[]): Promise<Result> => {
    const words = ['promote', ...args, '--from', `${dev.host}/dev`, '--to', `${prod.host}/prod`];
    return await tryModelcars([...words, '--ca-file', join(folder, 'ca.pem')], { cwd: folder, env });
  };
  const cosign = async (...args: string[]): Promise<Result> =>
    await tryRun(programs.cosign, args, { cwd: folder, env });
  /** Verifies a signature and an attestation, in one layout. */
  const judge = async (reference: string, bundle: boolean, key = 'ours.pub'): Promise<unknown[]> => {
    const how = ['--key', key, '--insecure-ignore-tlog=true', `--new-bundle-format=${bundle}`];
    const signature = await cosign('verify', ...how, reference);
    const attestation = await cosign('verify-attestation', ...how, '--type', 'custom', reference);
    return [signature.code, attestation.code];
  };
  const discover = async (reference: string): Promise<unknown> => {
    const args = ['discover', '--format', 'json', '--ca-file', join(folder, 'ca.pem'), reference];
    const { code, stdout, stderr } = await tryRun(programs.oras, args, { cwd: folder, env });
    expect([code, stderr]).toEqual([0, '']);
    const plain = ({ digest, artifactType, referrers }: Discovered): unknown => ({
      digest,
      artifactType,
      referrers: (referrers ?? []).map(plain),
    });
    return plain(JSON.parse(stdout));
  };
  const platformsOf = async (reference: string): Promise<string[]> => {
    const args = ['manifest', 'fetch', '--ca-file', join(folder, 'ca.pem'), reference];
    const { manifests } = JSON.parse((await tryRun(programs.oras, args, { cwd: folder, env })).stdout);
    return manifests.map(({ digest }: { digest: string }) => digest);
  };

  test('refuses an image that another key signed', async () => {
    const { code, stderr } = await promote('iris', '--key', 'theirs.pub');
    expect([code, stderr]).toEqual([1, expect.stringContaining('no trusted signer signed it')]);
    expect(writes(prod.requests())).toEqual([]);
  });

  test('cosign verifies signatures and attestations of both layouts at the destination', async () => {
    const { code, stdout, stderr } = await promote('iris@v1.2.3', '--key', 'ours.pub', '--json');
    expect([code, stderr]).toEqual([0, expect.any(String)]);
    for (const secret of [dev.password, prod.password]) expect(stdout + stderr).not.toContain(secret);
    expect(JSON.parse(stdout).models).toEqual([
      expect.objectContaining({ status: 'done', referrers: 8, sent: expect.any(Number) }),
    ]);
    const reference = `${prod.host}/prod/iris:v1.2.3`;
    expect(await judge(reference, true)).toEqual([0, 0]);
    expect(await judge(reference, false)).toEqual([0, 0]);
    const wrong = await Promise.all([true, false].map((bundle) => judge(reference, bundle, 'theirs.pub')));
    expect(wrong.flat().filter((one) => one === 0)).toEqual([]);
    for (const digest of await platformsOf(reference)) {
      const verify = ['verify', '--key', 'ours.pub', '--insecure-ignore-tlog=true'];
      for (const bundle of ['--new-bundle-format=true', '--new-bundle-format=false'])
        expect(await cosign(...verify, bundle, `${prod.host}/prod/iris@${digest}`)).toMatchObject({
          code: 0,
        });
    }
  });

  test('each blob was sent once', () => {
    const sent = writes(prod.requests())
      .filter(({ path, status }) => path.includes('/blobs/uploads/') && status === 201)
      .map(({ path }) => new URL(path, 'http://localhost').searchParams.get('digest'));
    expect(sent.length).toBeGreaterThan(10);
    expect(new Set(sent).size).toBe(sent.length);
  });

  test('oras discovers the same referrers on both sides', async () => {
    const [there, here] = await Promise.all([
      discover(`${dev.host}/dev/iris:v1.2.3`),
      discover(`${prod.host}/prod/iris:v1.2.3`),
    ]);
    expect(here).toEqual(there);
    expect((here as Discovered).referrers).toHaveLength(2);
    const platforms = await platformsOf(`${prod.host}/prod/iris:v1.2.3`);
    expect(platforms).toHaveLength(2);
    for (const digest of platforms)
      expect(await discover(`${prod.host}/prod/iris@${digest}`)).toEqual(
        await discover(`${dev.host}/dev/iris@${digest}`),
      );
  });

  test('a second promotion sends nothing', async () => {
    const before = prod.requests().length;
    const { code, stdout } = await promote('iris', '--key', 'ours.pub', '--json');
    expect([code, JSON.parse(stdout).models[0]]).toMatchObject([0, { status: 'unchanged', sent: 0 }]);
    const requests = prod.requests().slice(before);
    expect(writes(requests)).toEqual([]);
    expect(requests.filter(({ path }) => path.includes('/blobs/'))).toEqual([]);
    expect(requests.length).toBeLessThan(40);
  });

  test('an attestation made since is copied alone, and verifies', async () => {
    const own = ['--key', 'ours.key', '--tlog-upload=false', '--use-signing-config=false', '--yes'];
    const args = ['attest', ...own, '--type', 'vuln', '--predicate', 'predicate.json'];
    const made = await cosign(...args, `${dev.host}/dev/iris:v1.2.3`);
    expect(made).toMatchObject({ code: 0 });
    const before = prod.requests().length;
    expect(await promote('iris')).toMatchObject({ code: 0 });
    const layers = writes(prod.requests().slice(before)).filter(({ path }) => path.includes('digest='));
    expect(layers).toHaveLength(1);
    const verify = [
      'verify-attestation',
      '--key',
      'ours.pub',
      '--insecure-ignore-tlog=true',
      '--type',
      'vuln',
    ];
    expect(await cosign(...verify, `${prod.host}/prod/iris:v1.2.3`)).toMatchObject({ code: 0 });
  });

  test('within one registry, every blob is mounted', async () => {
    const before = dev.requests().length;
    const words = ['promote', 'iris', '--from', `${dev.host}/dev`, '--to', `${dev.host}/stage`];
    await run(...words);
    const uploads = writes(dev.requests().slice(before)).filter(({ path }) => path.includes('/blobs/'));
    expect(uploads.length).toBeGreaterThan(10);
    const mounted = uploads.filter(({ path, status }) => path.includes('mount=') && status === 201);
    expect(mounted).toEqual(uploads);
    expect(await judge(`${dev.host}/stage/iris:v1.2.3`, true)).toEqual([0, 0]);
    expect(await judge(`${dev.host}/stage/iris:v1.2.3`, false)).toEqual([0, 0]);
  });

  test('a version that the destination has with another image is refused', async () => {
    await writeFile(join(folder, 'files', 'iris', 'README.md'), 'changed');
    await modelcars(['lock', '--base', 'embedded'], { cwd: folder });
    await run('push', '--base', 'embedded', '--registry', `${dev.host}/next`);
    const before = prod.requests().length;
    const words = ['promote', 'iris', '--from', `${dev.host}/next`, '--to', `${prod.host}/prod`];
    const refused = await tryModelcars([...words, '--ca-file', join(folder, 'ca.pem')], { cwd: folder, env });
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('a version tag never moves')]);
    expect(writes(prod.requests().slice(before))).toEqual([]);
  });
});
