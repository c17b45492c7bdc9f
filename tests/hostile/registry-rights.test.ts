import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { tryModelcars } from '../parts/cli.ts';
import { missingParts } from '../parts/parts.ts';
import { startRegistry } from '../parts/registry.ts';
import {
  type ProxiedAnswer,
  type ProxiedRequest,
  type RegistryProxy,
  registryError,
  startProxy,
} from '../parts/registry-proxy.ts';
import { tagDigest, tagsOf } from '../parts/tags.ts';
import { makeProject, type Project, startUpstream, tagsIn, type Upstream } from './_releases.ts';

const amazonUser = 'User: arn:aws:sts::123456789012:assumed-role/ci/build is not authorized to perform:';
const amazonDenies = (action: string) =>
  registryError(
    403,
    'DENIED',
    `${amazonUser} ${action} on resource: arn:aws:ecr:eu-west-1:123456789012:repository/team/iris because no identity-based policy allows the ${action} action`,
  );

/** Registries' responses to moving an existing tag. */
const immutable: [string, ProxiedAnswer][] = [
  [
    'ECR',
    registryError(
      400,
      'TAG_INVALID',
      "The image tag already exists in the 'team/iris' repository and cannot be overwritten because the tag is immutable.",
    ),
  ],
  [
    'Harbor',
    registryError(412, 'PRECONDITION', "Failed to process request due to 'iris' configured as immutable."),
  ],
  ['Quay', registryError(409, 'TAG_IMMUTABLE', 'tag is immutable and cannot be overwritten')],
];

describe('a registry that forbids', () => {
  let iris: Project;
  let upstream: Upstream;
  let proxy: RegistryProxy;
  /** The forbidden requests, each with the response that replaces the registry's. */
  let rule: (request: ProxiedRequest) => ProxiedAnswer | undefined | Promise<ProxiedAnswer | undefined>;

  beforeAll(async () => {
    iris = await makeProject();
  });
  afterAll(() => iris?.[Symbol.asyncDispose]());
  beforeEach(async () => {
    rule = () => undefined;
    upstream = await startUpstream('fake');
    proxy = await startProxy(upstream.host, { before: (request) => rule(request) });
  });
  afterEach(async () => {
    await proxy[Symbol.asyncDispose]();
    await upstream[Symbol.asyncDispose]();
  });

  const digestOf = (tag: string) => tagDigest(upstream.host, 'team/iris', tag);

  test('to list tags gets every tag, and keeps latest at the newer release', async () => {
    rule = ({ path }) => (path.includes('/tags/list') ? amazonDenies('ecr:ListImages') : undefined);
    for (const version of ['v1.2.0', 'v1.3.0']) {
      const { code, stderr } = await iris.push(proxy.host, '--version', version);
      expect({ code, stderr }).toEqual({
        code: 0,
        stderr: expect.stringContaining('denies this account ecr:ListImages on team/iris'),
      });
      const expected = await digestOf(version);
      for (const tag of [version.slice(0, 4), 'v1', 'latest'])
        expect(await digestOf(tag), tag).toBe(expected);
    }
    const older = await iris.push(proxy.host, '--version', 'v1.2.1', '--json');
    expect(older.code).toBe(0);
    expect(tagsIn(older)).toMatchObject({
      'v1.2.1': { current: true, moved: true },
      'v1.2': { current: true, moved: true },
      v1: { current: false, moved: false, why: expect.stringContaining('v1.3.0: that is newer') },
      latest: { current: false, moved: false },
    });
    expect(await digestOf('latest')).toBe(await digestOf('v1.3.0'));
    expect(await digestOf('v1.2')).toBe(await digestOf('v1.2.1'));
    const planned = await iris.push(proxy.host, '--version', 'v1.2.2', '--json', '--dry-run');
    expect(tagsIn(planned)).toMatchObject({ 'v1.2': { moved: true }, latest: { moved: false } });
  });

  test('to list tags keeps a floating tag whose image names no version', async () => {
    rule = ({ path }) => (path.includes('/tags/list') ? registryError(403, 'DENIED', 'denied') : undefined);
    const index = '{"schemaVersion":2,"manifests":[]}';
    const headers = { 'content-type': 'application/vnd.oci.image.index.v1+json' };
    const url = `http://${upstream.host}/v2/team/iris/manifests/latest`;
    await fetch(url, { method: 'PUT', headers, body: index });
    const { code, stderr } = await iris.push(proxy.host);
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: expect.stringMatching(
        /tag latest stays: it points at sha256:\w+, which names no version of this release line/,
      ),
    });
    expect(await digestOf('v1')).toBe(await digestOf('v1.0.0'));
  });

  test.each(immutable)(
    'to move tags, as %s does, gets the version; the rest is a warning',
    async (_, answer) => {
      rule = async ({ method, path }) => {
        const tag = method === 'PUT' && /\/manifests\/([^:]+)$/.exec(path)?.[1];
        return tag && (await digestOf(tag)) !== undefined ? answer : undefined;
      };
      expect(await iris.push(proxy.host, '--version', 'v1.2.0')).toMatchObject({ code: 0 });
      const first = await digestOf('v1.2.0');
      const second = await iris.push(proxy.host, '--version', 'v1.3.0', '--json');
      expect(second.code).toBe(0);
      expect(second.stderr).toMatch(
        /warning: iris: tag latest stays: \S+ does not let this tag move \(tag immutability\): 4/,
      );
      expect(tagsIn(second)).toEqual({
        'v1.3.0': expect.objectContaining({ current: true, moved: true }),
        'v1.3': expect.objectContaining({ current: true, moved: true }),
        v1: expect.objectContaining({ current: false, moved: false, refused: 'immutable' }),
        latest: expect.objectContaining({ current: false, moved: false, refused: 'immutable' }),
      });
      expect(await digestOf('v1.3.0')).not.toBe(first);
      expect(await digestOf('latest')).toBe(first);

      // For the second run only the immovable tags are left.
      const again = await iris.push(proxy.host, '--version', 'v1.3.0', '--json');
      expect(again.code).toBe(0);
      expect(JSON.parse(again.stdout)).toMatchObject({ ok: true, models: [{ status: 'unchanged' }] });

      const off = await iris.push(proxy.host, '--version', 'v1.4.0', '--no-floating-tags', '--json');
      expect(off).toMatchObject({ code: 0, stderr: expect.not.stringMatching(/warning: iris: tag/) });
      expect(Object.keys(tagsIn(off))).toEqual(['v1.4.0']);
      expect(await digestOf('v1.4')).toBeUndefined();

      const stable = await iris.push(proxy.host, '--version', 'v1.5.0', '--tag', 'v1.2,stable');
      expect(stable).toMatchObject({ code: 1, stderr: expect.stringContaining('tag immutability') });
      expect(await digestOf('stable')).toBe(await digestOf('v1.5.0'));
    },
  );

  test('to set a version that another job has just set fails with both digests', async () => {
    await using other = await makeProject('another iris');
    rule = async ({ method, path }) => {
      if (method !== 'PUT' || !path.endsWith('/manifests/v1.0.0')) return undefined;
      await other.push(upstream.host);
      return immutable[0]?.[1];
    };
    const { code, stderr } = await iris.push(proxy.host);
    const winner = await digestOf('v1.0.0');
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(
        new RegExp(`another job published ${winner} .* this one published sha256:`),
      ),
    });
  });

  test.each([
    ['POST', /\/blobs\/uploads\//, 'ecr:InitiateLayerUpload'],
    ['PUT', /\/blobs\/uploads\//, 'ecr:CompleteLayerUpload'],
    ['PUT', /\/manifests\//, 'ecr:PutImage'],
  ])('%s of %s names the action %s', async (method, path, action) => {
    rule = (request) =>
      request.method === method && path.test(request.path) ? amazonDenies(action) : undefined;
    const { code, stderr } = await withPassword(proxy.host);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringContaining(`denies this account ${action} on team/iris: 403`),
    });
    expect(await tagsOf(upstream.host, 'team/iris')).toEqual([]);
  });

  test('more bytes than a quota is reported as such', async () => {
    const text =
      'adding 1.0 MiB of storage resource, which when updated to current usage of 10.0 GiB will exceed the configured upper limit of 10.0 GiB.';
    rule = ({ method, path }) =>
      method === 'PUT' && path.includes('/blobs/') ? registryError(403, 'DENIED', text) : undefined;
    const { code, stderr } = await iris.push(proxy.host);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringContaining('has no room for it, a quota is reached'),
    });
    expect(stderr).toContain('raise the quota');
  });

  test('to push without credentials is reported as missing credentials', async () => {
    rule = ({ method }) => (method === 'POST' ? registryError(403, 'DENIED', 'denied') : undefined);
    const { code, stderr } = await iris.push(proxy.host);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringContaining('requires credentials and got none: 403'),
    });
    expect(stderr).toContain('podman login');
  });

  test('floatingTags: false sets the version alone', async () => {
    await using fixed = await makeProject('iris', { floatingTags: false, tags: ['stable'] });
    expect(await fixed.push(proxy.host)).toMatchObject({ code: 0 });
    expect(await tagsOf(upstream.host, 'team/iris')).toEqual(['stable', 'v1.0.0']);
  });

  /** A push to a registry that requires a password and accepts this one. */
  async function withPassword(host: string) {
    const inner = rule;
    rule = (request) =>
      request.headers.authorization === undefined
        ? {
            ...registryError(401, 'UNAUTHORIZED', 'who?'),
            headers: { 'www-authenticate': 'Basic realm="test"' },
          }
        : inner(request);
    const env = { MODELCARS_REGISTRY_USERNAME: 'AWS', MODELCARS_REGISTRY_PASSWORD: 'correct-horse' };
    return await tryModelcars(['push', '--registry', `${host}/team`], { cwd: iris.folder, env });
  }
});

describe.each(['docker-registry', 'distribution'] as const)('%s', async (kind) => {
  const missing = await missingParts(kind);

  describe.skipIf(missing)('with accounts', () => {
    let iris: Project;
    beforeAll(async () => {
      iris = await makeProject();
    });
    afterAll(() => iris?.[Symbol.asyncDispose]());

    const push = (host: string, env: Record<string, string>) =>
      tryModelcars(['push', '--registry', `${host}/team`], { cwd: iris.folder, env });

    test('a token with less scope than requested is not reported as a wrong password', async () => {
      const tokens = { grant: () => ['pull'] };
      await using registry = await startRegistry({ kind, auth: 'token', tokens });
      const { username = '', password = '' } = registry;
      const env = { MODELCARS_REGISTRY_USERNAME: username, MODELCARS_REGISTRY_PASSWORD: password };
      const { code, stderr } = await push(registry.host, env);
      expect({ code, stderr }).toEqual({
        code: 1,
        stderr: expect.stringContaining('denies this account the right to push to team/iris: 401'),
      });
      expect(stderr).toContain('come from MODELCARS_REGISTRY_USERNAME and MODELCARS_REGISTRY_PASSWORD');
    });

    test.each(['basic', 'token'] as const)(
      'a rejected password is reported with its origin: %s',
      async (auth) => {
        await using registry = await startRegistry({ kind, auth });
        const wrong = 'wr0ng-passw0rd';
        const file = join(iris.folder, 'auth.json');
        const encoded = Buffer.from(`tester:${wrong}`).toString('base64');
        const bin = join(iris.folder, 'bin');
        await mkdir(bin, { recursive: true });
        await writeFile(
          join(bin, 'docker-credential-vault'),
          `#!/bin/sh\ncat >/dev/null\necho '{"Username":"tester","Secret":"${wrong}"}'\n`,
        );
        await chmod(join(bin, 'docker-credential-vault'), 0o755);
        const cases: [string, Record<string, string>, object | undefined][] = [
          [
            'MODELCARS_REGISTRY_USERNAME and MODELCARS_REGISTRY_PASSWORD',
            { MODELCARS_REGISTRY_USERNAME: 'tester', MODELCARS_REGISTRY_PASSWORD: wrong },
            undefined,
          ],
          [file, { REGISTRY_AUTH_FILE: file }, { auths: { [registry.host]: { auth: encoded } } }],
          [
            `docker-credential-vault, which ${file} names`,
            { REGISTRY_AUTH_FILE: file, PATH: `${bin}:${process.env.PATH}` },
            { credHelpers: { [registry.host]: 'vault' } },
          ],
        ];
        for (const [origin, env, content] of cases) {
          if (content) await writeFile(file, JSON.stringify(content));
          const { code, stderr } = await push(registry.host, env);
          expect({ code, stderr }).toEqual({
            code: 1,
            stderr: expect.stringContaining(`rejected the credentials from ${origin}: 401`),
          });
          expect(stderr).not.toContain(wrong);
          expect(stderr).not.toContain(encoded);
        }
      },
    );

    test('without credentials the next step is to log in', async () => {
      await using registry = await startRegistry({ kind, auth: 'token' });
      const { code, stderr } = await push(registry.host, {});
      expect({ code, stderr }).toEqual({
        code: 1,
        stderr: expect.stringContaining('requires credentials and got none'),
      });
    });
  });
});
