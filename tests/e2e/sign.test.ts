import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { makeCertificates } from '../parts/certificates.ts';
import { makeCatalog, noise, root, tryModelcars } from '../parts/cli.ts';
import { inside, tryInside } from '../parts/inside.ts';
import { missingParts } from '../parts/parts.ts';
import { type Registry, startRegistry } from '../parts/registry.ts';
import {
  identityToken,
  issuer,
  type Sigstore,
  type SigstoreRequest,
  startSigstore,
} from '../parts/sigstore.ts';
import { tagsOf } from '../parts/tags.ts';
import { startWeb } from '../parts/web.ts';

const missing = await missingParts('docker-registry');
const who = 'https://github.com/me/models/.github/workflows/push.yml@refs/heads/main';

let folder: string;
let registry: Registry;
let sigstore: Sigstore;
let run = 0;
beforeAll(async () => {
  if (missing) return;
  folder = await mkdtemp(join(tmpdir(), 'modelcars-sign-'));
  registry = await startRegistry({ kind: 'docker-registry' });
  sigstore = await startSigstore(folder);
  await makeCatalog(folder, [
    { name: 'iris', framework: 'sklearn', files: { 'model.joblib': noise(20_000, 1) } },
  ]);
  await writeFile(join(folder, 'token'), identityToken({ sub: who }));
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  await writeFile(join(folder, 'own.key'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
  await writeFile(join(folder, 'own.pub'), publicKey.export({ type: 'spki', format: 'pem' }));
  await inside(['lock', '--base', 'embedded'], { cwd: folder });
});
afterAll(async () => {
  await registry?.stop();
  await sigstore?.[Symbol.asyncDispose]();
  if (folder) await rm(folder, { recursive: true, force: true });
});
/** Each test has a repository of its own. */
beforeEach(() => {
  run++;
  if (sigstore) delete sigstore.intercept;
});

const place = () => ['--base', 'embedded', '--registry', `${registry.host}/run${run}`];
const identity = () => [
  ...['--identity-token', 'token', '--fulcio-url', sigstore.url, '--rekor-url', sigstore.url],
  ...['--timestamp-url', sigstore.url, '--trusted-root', sigstore.trustedRoot],
];
const push = (...flags: string[]) => tryInside(['push', ...place(), ...flags], { cwd: folder });
const verify = (...flags: string[]) =>
  tryInside(['verify', '--remote', ...place(), ...flags], { cwd: folder });
const byIdentity = () => [...['--identity', who, '--issuer', issuer, '--trusted-root', sigstore.trustedRoot]];
const tags = async () =>
  (await tagsOf(registry.host, `run${run}/iris`)).filter((tag) => !tag.startsWith('sha256-'));

/** Makes a service fail from its nth request on. */
function failFrom(count: number, service: SigstoreRequest['service'], status: number): void {
  let seen = 0;
  sigstore.intercept = (request, response: ServerResponse) => {
    if (request.service !== service || ++seen < count) return false;
    response.writeHead(status, { 'content-type': 'application/json' }).end('{"message":"no"}');
    return true;
  };
}

test.skipIf(missing).each<[SigstoreRequest['service'], number, number]>([
  ['rekor', 4, 400],
  ['timestamp', 3, 400],
])(
  'a push whose %s fails at request %i sets no tag; the next completes it',
  async (service, count, status) => {
    failFrom(count, service, status);
    const failed = await push('--sign', '--attest', ...identity());
    expect(failed.code).toBe(1);
    expect(failed.stderr).toMatch(/next: /);
    expect(await tags()).toEqual([]);
    delete sigstore.intercept;
    const before = sigstore.requests.length;
    const done = await push('--sign', '--attest', ...identity(), '--json');
    expect(done.code, done.stderr).toBe(0);
    const [{ signatures, attestations }] = JSON.parse(done.stdout).models;
    expect(signatures.made + signatures.existing).toBe(6);
    expect(attestations.made + attestations.existing).toBe(2);
    // Only what was missing is signed again.
    const entries = sigstore.requests.slice(before).filter((one) => one.service === 'rekor').length;
    expect(entries).toBe(signatures.made + attestations.made);
    expect(await tags()).toEqual(expect.arrayContaining(['v1.0.0', 'latest']));
    expect((await verify(...byIdentity())).stdout).toContain('attestation');
  },
);

test.skipIf(missing)('a Sigstore with a certificate of its own needs --ca-file', async () => {
  const made = await mkdtemp(join(folder, 'tls-'));
  const { caFile, certificateFile, keyFile } = await makeCertificates(made);
  const tls = { cert: await readFile(certificateFile, 'utf8'), key: await readFile(keyFile, 'utf8') };
  await using secure = await startSigstore(made, tls);
  const flags = ['--identity-token', 'token', '--fulcio-url', secure.url, '--rekor-url', secure.url];
  const pushWith = (...more: string[]) =>
    // A process of its own: the certificates are those of the process.
    tryModelcars(['push', ...place(), '--sign', ...flags, '--timestamp-url', secure.url, ...more], {
      cwd: folder,
    });
  const failed = await pushWith();
  expect(failed.code).toBe(1);
  expect(failed.stderr).toContain('--ca-file');
  expect(await pushWith('--ca-file', caFile)).toMatchObject({ code: 0 });
  expect(secure.requests.map(({ service }) => service)).toEqual(
    expect.arrayContaining(['fulcio', 'rekor', 'timestamp']),
  );
});

test.skipIf(missing)('a key that cannot be read stops the push before anything is sent', async () => {
  const before = registry.requests().length;
  for (const flags of [
    ['--key', 'nowhere.key'],
    ['--key', 'own.pub'],
    ['--identity-token', 'own.key'],
  ]) {
    const failed = await push('--sign', ...flags);
    expect(failed.code).not.toBe(0);
    expect(failed.stdout + failed.stderr).not.toContain('BEGIN');
  }
  expect(registry.requests().length).toBe(before);
});

test.skipIf(missing)(
  '`sign` signs what was pushed without, and `verify` requires it by `trust:`',
  async () => {
    await push();
    const text = await readFile(join(folder, 'models.yaml'), 'utf8');
    await writeFile(join(folder, 'models.yaml'), `trust: {signers: [{key: own.pub}]}\n${text}`);
    try {
      const unsigned = await verify();
      expect(unsigned.code).toBe(1);
      expect(unsigned.stderr).toContain('it is not signed');
      expect(unsigned.stderr).toContain('next: sign it with `modelcars sign`');
      const manifest = ['manifest', '--remote', '--signed', ...place()];
      expect((await tryInside(manifest, { cwd: folder })).stderr).toContain('it is not signed');
      const signed = await tryInside(['sign', ...place(), '--attest', '--key', 'own.key', '--json'], {
        cwd: folder,
      });
      expect(JSON.parse(signed.stdout).models[0]).toMatchObject({
        status: 'done',
        signatures: { made: 6, existing: 0 },
        attestations: { made: 2, existing: 0 },
      });
      expect((await verify()).stdout).toContain('signed by key own.pub');
      expect((await tryInside(manifest, { cwd: folder })).stdout).toContain('kind: InferenceService');
      const local = ['manifest', '--signed', ...place()];
      expect((await tryInside(local, { cwd: folder })).stderr).toContain('--signed needs --remote');
      expect((await push()).stderr).toContain('this push signed nothing');
      expect((await push('--sign', '--key', 'own.key')).stderr).not.toContain('signed nothing');
      // The command line's signers replace those of trust:.
      expect((await verify(...byIdentity())).code).toBe(1);
    } finally {
      await writeFile(join(folder, 'models.yaml'), text);
    }
  },
);

test.skipIf(missing)('`sign` refuses an image that is not the one of the lock', async () => {
  await push();
  const model = join(folder, 'files', 'iris', 'model.joblib');
  const bytes = await readFile(model);
  await writeFile(model, noise(20_000, 2));
  try {
    await inside(['lock', '--base', 'embedded'], { cwd: folder });
    const refused = await tryInside(['sign', ...place(), '--key', 'own.key'], { cwd: folder });
    expect(refused.code).toBe(1);
    expect(await tagsOf(registry.host, `run${run}/iris`)).not.toContainEqual(
      expect.stringMatching(/^sha256-/),
    );
  } finally {
    await writeFile(model, bytes);
    await inside(['lock', '--base', 'embedded'], { cwd: folder });
  }
});

test.skipIf(missing)(
  'a next version takes layers from an image of a trusted signer, and of no other',
  async () => {
    const cwd = await mkdtemp(join(folder, 'next-'));
    const sample = await readFile(join(root, 'frameworks/xgboost/model.bst'));
    await using web = await startWeb('model.bst', sample);
    const write = (signer: string) =>
      writeFile(
        join(cwd, 'models.yaml'),
        `trust: {signers: [{key: ${signer}}]}\nmodels:\n  - {name: iris, framework: xgboost, source: "${web.url}"}\n`,
      );
    await writeFile(
      join(cwd, 'other.pub'),
      generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'pem' }),
    );
    await write(join(folder, 'own.pub'));
    await inside(['lock', '--base', 'embedded'], { cwd });
    let stores = 0;
    /** From a machine that never read the model. */
    const next = async (version: string) => {
      web.forget();
      const store = join(cwd, `store-${++stores}`);
      const flags = ['--version', version, '--sign', '--key', join(folder, 'own.key'), '--json'];
      const pushed = await inside(['push', ...place(), ...flags], { cwd, env: { MODELCARS_STORE: store } });
      return {
        digest: JSON.parse(pushed).models[0].digest,
        read: web.requests.reduce((sum, { sent }) => sum + sent, 0),
      };
    };
    expect((await next('v1.0.0')).read).toBeGreaterThanOrEqual(sample.length);
    const trusted = await next('v1.0.1');
    expect(trusted.read).toBeLessThan(sample.length);
    await write('other.pub');
    const untrusted = await next('v1.0.2');
    expect(untrusted.read).toBeGreaterThanOrEqual(sample.length);
    const layers = await inside(['inspect', `${registry.host}/run${run}/iris@${trusted.digest}`, '--json'], {
      cwd,
    });
    expect(layers).toContain('"models/model.bst"');
  },
);

test.skipIf(missing)('a dry run signs nothing', async () => {
  expect((await push('--sign', '--key', 'own.key', '--dry-run')).code).toBe(0);
  expect(await tagsOf(registry.host, `run${run}/iris`)).toEqual([]);
});
