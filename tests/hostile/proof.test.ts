import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ProxiedAnswer, type ProxiedRequest, startProxy } from '../parts/registry-proxy.ts';
import { type FakeRegistry, startFake } from '../support/fake-registry.ts';
import { makeProject, type Project } from './_releases.ts';

const other = Buffer.from(
  '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}',
);
const isIndex = ({ headers }: ProxiedRequest) => headers['content-type']?.includes('image.index') ?? false;
const stored: ProxiedAnswer = { status: 201, headers: {}, body: Buffer.alloc(0) };

/** Handles a request that gets a 201 regardless; true: nothing is stored. */
type DishonestHandler = (request: ProxiedRequest, fake: FakeRegistry) => boolean;
/** Changes the stored content afterwards. */
type Damage = (request: ProxiedRequest, fake: FakeRegistry) => void;

const putOf = (kind: RegExp) => (request: ProxiedRequest) =>
  request.method === 'PUT' && kind.test(request.path);
const blobPut = putOf(/\/blobs\/uploads\//);
const byDigest = putOf(/\/manifests\/sha256:/);
const versionPut = putOf(/\/manifests\/v1\.0\.0$/);
const latestPut = putOf(/\/manifests\/latest$/);

describe('a registry that responds 201', () => {
  let iris: Project;
  beforeAll(async () => {
    iris = await makeProject();
  });
  afterAll(() => iris?.[Symbol.asyncDispose]());

  const pushTo = async (handler: DishonestHandler, damage: Damage) => {
    await using fake = await startFake();
    await using proxy = await startProxy(fake.host, {
      before: (request) => (handler(request, fake) ? stored : undefined),
      after: (request) => {
        damage(request, fake);
        return undefined;
      },
    });
    const result = await iris.push(proxy.host);
    const tags = [...fake.manifests.keys()].flatMap((key) => /^team\/iris ([^:]+)$/.exec(key)?.[1] ?? []);
    return { ...result, tags };
  };

  test.each<[string, DishonestHandler, RegExp]>([
    [
      'a blob',
      blobPut,
      /push blob sha256:\w+ to \S+: the registry answered that it is stored, and does not have it/,
    ],
    [
      'a manifest',
      (one) => byDigest(one) && !isIndex(one),
      /push manifest sha256:\w+ to \S+: .* does not have it/,
    ],
    [
      'the index',
      (one) => byDigest(one) && isIndex(one),
      /push manifest sha256:\w+ to \S+: .* does not have it/,
    ],
    ['the version tag', versionPut, /tag \S+:v1\.0\.0: .* there is no such tag/],
  ])('and does not store %s fails the push, and has no tag', async (_, handler, message) => {
    const { code, stderr, tags } = await pushTo(handler, () => {});
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(message) });
    expect(tags).toEqual([]);
  });

  test('and does not move latest fails the push', async () => {
    const { code, stderr } = await pushTo(latestPut, () => {});
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(
        /tag \S+:latest: the registry answered that it points at sha256:\w+, and there is no such tag/,
      ),
    });
  });

  const replaceManifest: Damage = (request, fake) => {
    const key = `team/iris ${request.path.split('/').at(-1)}`;
    const found = fake.manifests.get(key);
    if (found) fake.manifests.set(key, { ...found, bytes: other });
  };

  test.each<[string, Damage, RegExp]>([
    [
      'a part of a blob',
      (request, fake) => {
        if (!blobPut(request)) return;
        for (const [key, bytes] of fake.blobs) fake.blobs.set(key, bytes.subarray(0, bytes.length - 1));
      },
      /push blob sha256:\w+ to \S+: the registry answered that it is stored, and has \d+ bytes of \d+/,
    ],
    [
      'another manifest',
      (request, fake) => byDigest(request) && !isIndex(request) && replaceManifest(request, fake),
      /read back sha256:\w+ from \S+: the registry has sha256:\w+, not sha256:\w+/,
    ],
    [
      'another index',
      (request, fake) => byDigest(request) && isIndex(request) && replaceManifest(request, fake),
      /read back sha256:\w+ from \S+: the registry has sha256:\w+, not sha256:\w+/,
    ],
    [
      'another image under the version',
      (request, fake) => versionPut(request) && replaceManifest(request, fake),
      /another job published sha256:\w+ under this version while this one published sha256:\w+/,
    ],
    [
      'the index until the tags are set',
      (request, fake) => {
        const [key] = latestPut(request)
          ? ([...fake.manifests].find(([, { type }]) => type.includes('index')) ?? [])
          : [];
        if (key)
          for (const name of [...fake.manifests.keys()])
            if (name.includes('sha256:')) fake.manifests.delete(name);
      },
      /push manifest sha256:\w+ to \S+: the registry had it before the tags were set, and has it no more/,
    ],
  ])('and stores %s fails the push', async (_, damage, message) => {
    const { code, stderr } = await pushTo(() => false, damage);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(message) });
  });

  test('and stores the blob passes', async () => {
    const { code, tags } = await pushTo(
      () => false,
      () => {},
    );
    expect(code).toBe(0);
    expect(tags.sort()).toEqual(['latest', 'v1', 'v1.0', 'v1.0.0']);
  });

  test('before the blob is visible is polled', async () => {
    await using fake = await startFake();
    let hidden = 0;
    await using proxy = await startProxy(fake.host, {
      after: ({ method, path }, answer) => {
        const looks =
          /^(GET|HEAD)$/.test(method) && path.includes('/manifests/v1.0.0') && answer.status === 200;
        return looks && hidden++ < 2 ? { status: 404, headers: {}, body: Buffer.alloc(0) } : undefined;
      },
    });
    expect(await iris.push(proxy.host)).toMatchObject({ code: 0 });
    expect(hidden).toBeGreaterThan(2);
  });
});
