import { generateKeyPairSync } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { optionalCatalog } from '../../scripts/commands/run-options.ts';
import { rebaseImages } from '../../scripts/pipeline/rebase.ts';
import { readRebases } from '../../scripts/pipeline/rebases.ts';
import { silent } from '../../scripts/terminal/progress.ts';
import { pushLayers } from '../parts/bases.ts';
import { trueDraft } from '../support/draft-image.ts';
import { Programs } from '../support/fake-programs.ts';
import type { FakeOptions, FakeRequest } from '../support/fake-registry.ts';
import { sha256, testClient } from '../support/fake-registry.ts';
import { pushDraft } from '../support/promote-images.ts';
import { openRebaseRoom, type RebaseRoom } from '../support/rebase-images.ts';
import { addGrype, finding, grypeReport } from '../support/scanners.ts';

let room: RebaseRoom;
/** What the registry does with a request before it answers it. */
let intercept: FakeOptions['intercept'];
beforeAll(async () => {
  room = await openRebaseRoom({ referrersPage: 10, intercept: (...request) => intercept?.(...request) });
  for (const name of ['ours', 'theirs']) {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    await writeFile(join(room.folder, `${name}.key`), privateKey.export({ type: 'pkcs8', format: 'pem' }));
    await writeFile(join(room.folder, `${name}.pub`), publicKey.export({ type: 'spki', format: 'pem' }));
  }
});
afterAll(async () => {
  await room?.[Symbol.asyncDispose]();
});
afterEach(() => {
  intercept = undefined;
  room.requests();
});

const changes = (requests: FakeRequest[]) => requests.filter(({ method }) => !/^(GET|HEAD)$/.test(method));

/** Expects a refusal with this code and text, and that nothing was written. */
async function refused(code: string, text: string, ...words: string[]): Promise<void> {
  room.requests();
  const { code: exit, outcome } = await room.rebase(...words);
  expect([exit, outcome.error]).toMatchObject([1, { code, message: expect.stringContaining(text) }]);
  expect(changes(room.requests())).toEqual([]);
}

/** Does something that reads the model's source. */
async function withSource<T>(work: () => Promise<T>): Promise<T> {
  await rename(join(room.folder, 'hidden'), join(room.folder, 'iris'));
  try {
    return await work();
  } finally {
    await rename(join(room.folder, 'iris'), join(room.folder, 'hidden'));
  }
}

test('an image that a trusted signer did not sign is refused, and a signed one is not', async () => {
  const trusting = () => room.catalog(room.bases[1], 'v1.2.4', 'trust: {signers: [{key: ours.pub}]}\n');
  const sign = async (key: string) => {
    await room.catalog(room.bases[0], 'v1.2.3');
    expect(await withSource(() => room.run('sign', 'iris', '--key', key))).toMatchObject({ code: 0 });
    await trusting();
  };
  await trusting();
  await refused('trust', 'it is not signed');
  await sign('theirs.key');
  await refused('trust', 'no trusted signer signed it');
  await sign('ours.key');
  const { code, outcome } = await room.rebase('--sign', '--attest', '--key', 'ours.key');
  expect([code, outcome]).toMatchObject([
    0,
    { status: 'done', signatures: { made: 6, existing: 0 }, attestations: { made: 2 } },
  ]);
  expect(outcome.checks).toContainEqual(expect.objectContaining({ rule: 'signature' }));
  const verified = await withSource(() => room.run('verify', '--remote'));
  expect([verified.code, verified.stdout]).toEqual([0, expect.stringContaining('attestation')]);
  await room.catalog(room.bases[0], 'v1.2.3');
});

test('--sign needs something that vouches for the layers', async () => {
  const elsewhere = join(room.folder, 'elsewhere');
  await mkdir(elsewhere);
  const line = (version: string, key: string, ...more: string[]) => [
    ...[`${room.registry.host}/me/iris:v1.2.3`, '--base', 'embedded', '--version', version],
    ...['--sign', '--key', join(room.folder, key), ...more],
  ];
  const rebase = async (...words: string[]) => (await room.rebaseIn(elsewhere, ...words)).outcome;
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  await writeFile(join(room.folder, 'new.key'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
  room.requests();
  const { error } = await rebase(...line('v3.0.0', 'new.key'));
  expect(error?.message).toContain('nothing vouches for its model layers');
  expect((await rebase(...line('v3.0.0', 'ours.key', '--attest'))).error).toMatchObject({
    code: 'lock',
    message: expect.stringContaining('has no model iris'),
  });
  expect(changes(room.requests())).toEqual([]);
  // The same signer vouches, and so does reading.
  expect((await rebase(...line('v3.0.0', 'ours.key'))).status).toBe('done');
  expect((await rebase(...line('v3.0.1', 'new.key', '--verify-layers'))).status).toBe('done');
});

test('an image of another tool is refused', async () => {
  await using client = testClient();
  const repository = client.repository(`${room.registry.host}/me/iris`, { push: true });
  await pushDraft(repository, trueDraft(), 'v0.1.0');
  await refused(
    'integrity',
    'modelcars did not make it',
    ...['iris@v0.1.0', '--base', 'embedded', '--version', 'v0.1.1'],
  );
});

test('a base without a platform or without the programs of the sidecar is refused before anything is sent', async () => {
  const empty = join(room.folder, 'empty.tar');
  await writeFile(empty, Buffer.alloc(1024));
  const reference = await pushLayers(room.registry.host, 'bases/empty', [empty], {});
  const line = ['iris@v1.2.3', '--version', 'v4.0.0', '--base'];
  await refused('integrity', 'the base has no `sh`', ...line, reference);
  const read = (name: string) =>
    JSON.parse(String(room.registry.manifests.get(`bases/shell ${name}`)?.bytes));
  const { manifests, ...index } = read('v2');
  const one = Buffer.from(JSON.stringify({ ...index, manifests: manifests.slice(0, 1) }));
  const type = 'application/vnd.oci.image.index.v1+json';
  for (const name of ['one', sha256(one)])
    room.registry.manifests.set(`bases/shell ${name}`, { type, bytes: one });
  await refused('lock', 'it has no linux/arm64', ...line, `${room.registry.host}/bases/shell:one`);
});

test('a layer that the registry lost is found before anything is sent', async () => {
  const key = `me/iris ${room.modelLayers[0]}`;
  const bytes = room.registry.blobs.get(key) as Buffer;
  room.registry.blobs.delete(key);
  await refused(
    'registry',
    'has lost the model layer',
    ...['iris@v1.2.3', '--base', 'embedded', '--version', 'v4.0.0'],
  );
  room.registry.blobs.set(key, bytes);
});

test('interrupted at any write, sets no tag before the image is complete; the next run completes it', async () => {
  const before = process.cwd();
  process.chdir(room.folder);
  const catalog = await optionalCatalog({ file: 'models.yaml' });
  process.chdir(before);
  if (catalog === undefined) throw new Error('no catalog');
  const rebase = async (version: string, signal = new AbortController().signal) => {
    const request = { catalog, images: ['iris@v1.2.3'], only: [], registry: undefined, tags: undefined };
    const rebases = readRebases({
      ...request,
      ...{ to: undefined, base: room.bases[1], version, floatingTags: undefined },
    });
    const progress = { task: () => silent, log() {}, warn() {}, stop() {} };
    const access = { registry: {}, store: join(room.folder, '.store'), signal, progress };
    const choices = { pull: false, verifyLayers: false, createRepository: false, dryRun: false };
    return (await rebaseImages({ catalog, rebases, ...access, ...choices }))[0];
  };
  const write = ({ method }: { method?: string | undefined }) => !/^(GET|HEAD)$/.test(method ?? '');
  room.requests();
  expect((await rebase('v5.0.0'))?.status).toBe('done');
  const total = changes(room.requests()).length;
  expect(total).toBeGreaterThan(6);
  for (let at = 1; at <= total; at++) {
    // The base's layers exist by now: the first writes are those of configs.
    const stop = new AbortController();
    let count = 0;
    intercept = (request) => {
      if (write(request) && ++count === at) stop.abort();
      return undefined;
    };
    const version = `v6.0.${at}`;
    const cut = await rebase(version, stop.signal);
    intercept = undefined;
    if (cut?.status === 'failed') {
      expect(cut.error?.code).toBe('cancelled');
      const root = room.registry.manifests.get(`me/iris ${version}`)?.bytes;
      if (root !== undefined) expect(holes(String(root))).toEqual([]);
    }
    expect((await rebase(version))?.status).not.toBe('failed');
    expect(room.tag(version)).toBeDefined();
  }
});

/** Manifests and blobs below an index that the registry lacks. */
function holes(index: string): string[] {
  const { manifests, blobs } = room.registry;
  return JSON.parse(index).manifests.flatMap(({ digest }: { digest: string }) => {
    const bytes = manifests.get(`me/iris ${digest}`)?.bytes;
    if (bytes === undefined) return [digest];
    const { config, layers } = JSON.parse(String(bytes));
    return [config, ...layers].flatMap((one) => (blobs.has(`me/iris ${one.digest}`) ? [] : [one.digest]));
  });
}

test('a licence of the image that is not in `allowLicenses` is refused, whatever models.yaml says of it', async () => {
  await room.catalog(room.bases[1], 'v1.2.9', 'allowLicenses: [Apache-2.0]\n');
  await refused('catalog', 'MIT', 'iris', '--version', 'v1.2.9');
  const catalog = join(room.folder, 'models.yaml');
  await writeFile(
    catalog,
    (await readFile(catalog, 'utf8')).replace('licenses: MIT', 'licenses: Apache-2.0'),
  );
  await refused('catalog', 'MIT', 'iris', '--version', 'v1.2.9');
  await room.catalog(room.bases[0], 'v1.2.3');
});

test('a hole in the new base is found by --scan before anything is sent', async () => {
  await using programs = await Programs.open();
  await addGrype(programs, grypeReport([finding()]));
  const line = ['iris@v1.2.3', '--base', room.bases[1], '--version', 'v6.0.0', '--scan'];
  await refused('scan', 'GHSA-aaaa-bbbb-cccc', ...line);
  await addGrype(programs, grypeReport([]));
  expect((await room.rebase(...line)).outcome).toMatchObject({ status: 'done' });
});
