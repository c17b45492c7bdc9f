/**
 * Documents from registries, hubs, caches and other users: index, manifest, config, lock, catalog, credentials, model
 * card.
 */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { loadCatalog } from '../../scripts/catalog/load.ts';
import { readLock } from '../../scripts/catalog/lockfile.ts';
import { findInFile, readAuthFiles } from '../../scripts/registry/auth/auth-file.ts';
import { askHelper } from '../../scripts/registry/auth/credential-helper.ts';
import { fetchToken } from '../../scripts/registry/auth/token.ts';
import { cardOf } from '../../scripts/sources/huggingface/card.ts';
import { spdxOf } from '../../scripts/sources/huggingface/licence.ts';
import type { Bucket } from '../../scripts/sources/s3/bucket.ts';
import { presentFiles, readManifest } from '../../scripts/sources/s3/manifest.ts';
import { fuzz } from '../support/fuzz.ts';
import { hugeDocuments, jsonOf, mutated, withHugeValues } from '../support/hostile-values.ts';
import { digest, expectBoth, hex } from './_fuzz-documents.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelcars-fuzz-'));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

const lock = {
  lockVersion: 1,
  bases: { embedded: { 'linux/amd64': digest } },
  models: {
    one: {
      framework: 'f',
      source: 'file:m',
      revision: 'r',
      include: ['*'],
      exclude: [],
      files: [{ path: 'a', size: 1, sha256: hex }],
      metadata: { license: 'mit' },
    },
  },
};

/** YAML traps: exponential aliases, circular anchors, tags, merges, several documents, and invalid YAML. */
const yamlTraps = [
  `a: &a ["x","x"]\n${Array.from({ length: 30 }, (_, at) => `${String.fromCharCode(98 + (at % 24))}${at}: &n${at} [*${at === 0 ? 'a' : `n${at - 1}`},*${at === 0 ? 'a' : `n${at - 1}`}]`).join('\n')}`,
  'a: &a [*a]\n',
  'models: &m\n  <<: *m\n',
  '<<: [*x, *y]\n',
  'models: !!set {a, b}\n',
  'models: !!binary "////"\n',
  'models: !!js/function "x"\n',
  '--- a\n--- b\n',
  '{'.repeat(100_000),
  '['.repeat(50_000) + ']'.repeat(50_000),
  `${'- '.repeat(20_000)}x`,
  `? ${'? '.repeat(5000)}x`,
  Array.from({ length: 3000 }, (_, at) => `${' '.repeat(at)}a:`).join('\n'),
  'k: v\n'.repeat(20_000),
  `- ${'x'.repeat(5_000_000)}`,
  '"\\uD800"',
  '\0',
  '\ufeff\ufeff',
  `a: ${'9'.repeat(100_000)}`,
  'a: 0o777777777777777777777777777\nb: 0x1p9\nc: .inf\nd: .nan',
];

it('a fuzzed lock is read or refused, as JSON and as YAML', async () => {
  const file = join(folder, 'models.lock.yaml');
  const read = async (text: string | Buffer) => {
    await writeFile(file, text);
    await readLock(file);
  };
  await fuzz(fc.constantFrom(...yamlTraps), read, {
    runs: yamlTraps.length,
    always: yamlTraps.map((text) => () => text),
  });
  expectBoth(
    await fuzz(
      mutated(lock).map((value) => stringify(value) ?? ''),
      read,
      { runs: 250 },
    ),
  );
  await fuzz(jsonOf(lock), read, {
    runs: 100,
    always: [...hugeDocuments.slice(0, 2), ...hugeDocuments.slice(5)],
  });
});

it('a catalog of YAML traps is loaded or refused', async () => {
  const file = join(folder, 'models.yaml');
  await fuzz(
    fc.constantFrom(...yamlTraps),
    async (text) => {
      await writeFile(file, text);
      await loadCatalog(file);
    },
    { runs: yamlTraps.length, always: yamlTraps.map((text) => () => text), failure: isCatalogError },
  );
});

/** Whether an error is a catalog error, whose lines (one per diagnostic) can exceed the length checkFailure allows. */
function isCatalogError(error: unknown): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    error.code === 'catalog' &&
    !/TypeError|RangeError/.test(error.message)
  );
}

const auth = {
  auths: {
    'quay.io': { auth: Buffer.from('me:secret').toString('base64') },
    'https://index.docker.io/v1/': { username: 'me', password: 'secret' },
    'ghcr.io/me': { identitytoken: 'token' },
  },
  credHelpers: { 'ecr.example': 'ecr-login' },
  credsStore: 'none',
};

it('a fuzzed credentials file is read or refused', async () => {
  const path = join(folder, 'auth.json');
  const env = { REGISTRY_AUTH_FILE: path, HOME: folder, PATH: '/nonexistent' };
  expectBoth(
    await fuzz(
      jsonOf(auth),
      async (bytes) => {
        await writeFile(path, bytes);
        for (const file of await readAuthFiles(env))
          for (const host of ['docker.io', '__proto__'])
            await findInFile(file, host, 'me/iris', { env, onMissing: () => undefined });
      },
      { runs: 500, always: [...hugeDocuments, ...withHugeValues(auth)] },
    ),
  );
});

it("a credential helper's fuzzed output is read or refused", { timeout: 120_000 }, async () => {
  const program = join(folder, 'docker-credential-fuzz');
  await writeFile(program, `#!/bin/sh\ncat ${join(folder, 'answer')}\nexit $(cat ${join(folder, 'code')})\n`);
  await chmod(program, 0o755);
  const env = { PATH: `${folder}:/usr/bin:/bin` };
  const valid = { ServerURL: 'quay.io', Username: 'me', Secret: 'secret' };
  const ask = async ([bytes, code]: readonly [Buffer, number]) => {
    await writeFile(join(folder, 'answer'), bytes);
    await writeFile(join(folder, 'code'), `${code}`);
    const credential = await askHelper('fuzz', 'quay.io', { env, onMissing: () => undefined });
    if (credential?.kind === 'basic') expect(typeof credential.password).toBe('string');
  };
  const always = hugeDocuments.map((huge) => () => [huge(), 0] as const);
  expectBoth(
    await fuzz(fc.tuple(jsonOf(valid), fc.constantFrom(0, 0, 0, 1)), ask, {
      runs: 60,
      always: always.slice(0, 1),
    }),
  );
});

it("a token server's fuzzed response gives a printable token or a refusal", async () => {
  const valid = { token: 'abc', access_token: 'def', expires_in: 300, issued_at: '2024-01-01T00:00:00Z' };
  const ask = async ([bytes, status]: readonly [Buffer, number]) => {
    const token = await fetchToken({
      registry: 'quay.io',
      realm: new URL('https://quay.io/token'),
      service: 'quay.io',
      scopes: ['repository:me/iris:pull'],
      credential: undefined,
      request: async () => ({ status, text: bytes.toString('utf8') }),
    });
    expect(token.text).toMatch(/^[\x21-\x7e]+$/);
    expect(token.expires).toBeGreaterThan(0);
  };
  const always = hugeDocuments.map((huge) => () => [huge(), 200] as const);
  expectBoth(
    await fuzz(fc.tuple(jsonOf(valid), fc.constantFrom(200, 200, 401, 403, 404)), ask, {
      runs: 800,
      always,
    }),
  );
});

const cached = {
  manifestVersion: 1,
  complete: true,
  source: 'hf://org/name',
  revision: 'r',
  whole: true,
  files: [{ path: 'a', size: 1, sha256: hex, etag: '"e"' }],
};

it('a fuzzed cache manifest is accepted whole or not at all', async () => {
  await fuzz(
    jsonOf(cached),
    async (bytes) => {
      const bucket = { readSmall: async () => bytes } as unknown as Bucket;
      const found = await readManifest(bucket, 'm/');
      const objects = new Map([['m/a', { key: 'm/a', size: 1, etag: '"e"' }]]);
      for (const [path, file] of presentFiles(found, 'm/', objects)) {
        expect(path).toBe('a');
        expect(file.sha256).toMatch(/^[0-9a-f]{64}$/);
      }
    },
    { runs: 800, always: [...hugeDocuments, ...withHugeValues(cached)] },
  );
});

const card = {
  cardData: {
    license: 'other',
    license_name: 'llama2',
    license_link: 'https://example.invalid',
    base_model: ['a/b', 'c/d'],
    pipeline_tag: 'text-generation',
    library_name: 'transformers',
  },
  library: 'transformers',
  task: 'text-generation',
};

it('a fuzzed model card gives lines of plain text or nothing', async () => {
  const deep = () => ({ cardData: { license: JSON.parse('['.repeat(100_000) + ']'.repeat(100_000)) } });
  const wide = () => ({ cardData: { base_model: Array.from({ length: 1_000_000 }, () => 'x') } });
  await fuzz(
    mutated(card),
    (value) => {
      const found = cardOf((value ?? {}) as object);
      for (const text of Object.values(found)) {
        expect(text).toMatch(/^[^\p{Cc}]{1,256}$/u);
        expect(text.isWellFormed()).toBe(true);
      }
      expect(spdxOf(found) ?? 'LicenseRef-x').toMatch(/^[A-Za-z0-9.+-]+(?: AND [A-Za-z0-9.+-]+)*$/);
    },
    { runs: 1000, always: [deep, wide] },
  );
});
