import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Folder, failure } from '../../tests/support/catalog-folder.ts';
import { loadCatalog } from './load.ts';
import { lockProblems } from './lock-check.ts';

let folder: Folder;
beforeAll(async () => {
  folder = await Folder.make();
});
afterAll(() => folder[Symbol.asyncDispose]());

const load = async (text: string, base?: string) =>
  loadCatalog(await folder.catalog(text), base === undefined ? {} : { base });
const mistake = async (text: string): Promise<string> =>
  (await failure(loadCatalog(await folder.catalog(text)))).message;

describe('image: loader', () => {
  const entry = 'models:\n  - name: model-loader\n    image: loader\n';

  it('needs no framework and no source, and ignores the base and files of `defaults:`', async () => {
    const defaults =
      'defaults: {base: embedded, include: ["*"], licenses: MIT, maxLayerSize: 1GB, compression: gzip, tags: [a]}\n';
    const { models } = await load(`version: v1.0.0\n${defaults}${entry}`);
    expect(models[0]).toEqual({
      name: 'model-loader',
      image: 'loader',
      base: 'docker.io/library/node:24-slim',
      platforms: ['linux/amd64', 'linux/arm64'],
      compression: 'gzip',
      tags: ['a'],
      annotations: {},
      version: 'v1.0.0',
    });
    expect((await load(`${entry}    base: quay.io/me/node:24\n`)).models[0]?.base).toBe('quay.io/me/node:24');
    expect((await load(entry, 'localhost/node')).models[0]?.base).toBe('localhost/node');
  });

  it('rejects fields of a model, with their position', async () => {
    expect(await mistake(`${entry}    framework: testing\n`)).toMatch(/:4:5: unknown key `framework`/);
    expect(await mistake(`${entry}    include: ["*"]\n`)).toMatch(/:4:5: unknown key `include`/);
    expect(await mistake('models:\n  - name: x\n    image: loadr\n')).toMatch(
      /:3:12: `image`: expected one of model or loader, got `loadr`; did you mean `loader`\?/,
    );
    // Without `image` it is treated as a model, and the error reports it as one.
    expect(await mistake('models:\n  - name: x\n')).toMatch(/`framework`: missing/);
    expect(await mistake('models: [3]\n')).toMatch(/expected a model: a map with/);
  });

  it('is out of date only when its base is not locked', async () => {
    const { models } = await load(`${entry}    platforms: [linux/amd64]\n`);
    const lock = { lockVersion: 1 as const, bases: {}, models: {} };
    expect(lockProblems(models, lock, new Map())).toEqual([
      'base `docker.io/library/node:24-slim`: linux/amd64 is not in the lock',
    ]);
    const bases = { 'docker.io/library/node:24-slim': { 'linux/amd64': `sha256:${'a'.repeat(64)}` } };
    expect(lockProblems(models, { ...lock, bases }, new Map())).toEqual([]);
  });
});

describe('cache', () => {
  const models = 'models: [{name: x, framework: testing, source: "hf://a/b"}]\n';

  it('is a location in S3', async () => {
    expect((await load(`cache: s3://my-bucket/models\n${models}`)).cache).toBe('s3://my-bucket/models');
    expect((await load(models)).cache).toBeUndefined();
  });

  it.each(['my-bucket', 's3://My-Bucket/x', 's3://b', 's3://my-bucket/../x', 'https://host/x', '3'])(
    'cannot be %s',
    async (cache) => {
      expect(await mistake(`cache: ${cache}\n${models}`)).toMatch(/:1:8: `cache`: expected /);
    },
  );
});
