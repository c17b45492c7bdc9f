/**
 * `push --create-repository` and the login to Amazon ECR: ECR's own host names, which only a proxy of the test knows,
 * lead to a real registry with ECR's manners and to the API that creates its repositories.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request as send } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { makeCatalog, tryModelcars } from '../parts/cli.ts';
import { denied, type FakeEcr, startEcr } from '../parts/ecr.ts';
import { missingParts } from '../parts/parts.ts';
import { type PublicHosts, startPublicHosts } from '../parts/public.ts';
import { type Registry, startRegistry } from '../parts/registry.ts';
import { type RegistryProxy, registryError, startProxy } from '../parts/registry-proxy.ts';
import { tagsOf } from '../parts/tags.ts';

const host = '123456789012.dkr.ecr.eu-west-1.amazonaws.com';
const missing = await missingParts('docker-registry');

describe.skipIf(missing)('Amazon ECR', () => {
  let folder: string;
  let registry: Registry;
  let proxy: RegistryProxy;
  let hosts: PublicHosts;
  let ecr: FakeEcr;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'modelcars-ecr-'));
    const model = (name: string) => ({
      name,
      framework: 'sklearn',
      files: { 'model.joblib': `${name}'s model` },
      more: { platforms: ['linux/amd64'], base: 'embedded' },
    });
    await makeCatalog(folder, [model('iris'), model('wine')]);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  beforeEach(async () => {
    registry = await startRegistry({ kind: 'docker-registry' });
    ecr = await startEcr();
    proxy = await startProxy(registry.host, {
      before({ headers, path }) {
        const login = `Basic ${Buffer.from(`AWS:${ecr.password}`).toString('base64')}`;
        if (headers.authorization !== login)
          return {
            ...registryError(401, 'UNAUTHORIZED', 'Not Authorized'),
            headers: { 'www-authenticate': `Basic realm="https://${host}/",service="ecr.amazonaws.com"` },
          };
        const [, repository = ''] = /^\/v2\/(.+)\/(?:blobs|manifests|tags)\//.exec(path) ?? [];
        if (ecr.repositories.has(repository)) return undefined;
        const text = `The repository with name '${repository}' does not exist in the registry with id '123456789012'`;
        return registryError(404, 'NAME_UNKNOWN', text);
      },
    });
    const [name, port] = proxy.host.split(':');
    hosts = await startPublicHosts(folder, {
      [host]: (request, response) => {
        const { method, url, headers } = request;
        const onward = send({ host: name, port, method, path: url, headers }, (answer) => {
          response.writeHead(answer.statusCode ?? 502, answer.headers);
          answer.pipe(response);
        });
        onward.on('error', () => response.destroy());
        request.pipe(onward);
      },
      // Where the SDK looks for the API of this region by itself.
      'api.ecr.eu-west-1.amazonaws.com': (request, response) => ecr.listener(request, response),
    });
  });
  afterEach(async () => {
    for (const part of [hosts, proxy, ecr, registry]) await part?.[Symbol.asyncDispose]();
  });

  async function run(command: string[], env: Record<string, string | undefined> = {}) {
    const result = await tryModelcars([...command, '--registry', `${host}/team`], {
      cwd: folder,
      env: {
        ...hosts.env,
        ...ecr.env,
        NODE_EXTRA_CA_CERTS: hosts.caFile,
        HOME: folder,
        XDG_RUNTIME_DIR: folder,
        XDG_CONFIG_HOME: folder,
        MODELCARS_REGISTRY_USERNAME: undefined,
        MODELCARS_REGISTRY_PASSWORD: undefined,
        ...env,
      },
    });
    for (const secret of [ecr.password, ecr.env.AWS_SECRET_ACCESS_KEY ?? ''])
      expect(result.stdout + result.stderr).not.toContain(secret);
    return result;
  }
  const push = (...args: string[]) => run(['push', '--create-repository', ...args]);
  const uploads = () => registry.requests().filter(({ method }) => !/^(GET|HEAD)$/.test(method));

  test('gets the missing repositories, with AWS credentials alone', async () => {
    const first = await push('--json');
    expect(first, first.stderr).toMatchObject({ code: 0 });
    expect(JSON.parse(first.stdout).models).toMatchObject([
      { name: `${host}/team/iris`, status: 'done', createdRepository: true },
      { name: `${host}/team/wine`, status: 'done', createdRepository: true },
    ]);
    expect(ecr.operations().toSorted()).toEqual([
      'CreateRepository',
      'CreateRepository',
      'GetAuthorizationToken',
    ]);
    expect(await tagsOf(registry.host, 'team/iris')).toContain('v1.0.0');
    expect(hosts.connects).toContain('api.ecr.eu-west-1.amazonaws.com:443');

    // The repositories have tags, so the API is not asked again.
    ecr.calls.length = 0;
    const second = await push();
    expect(second).toMatchObject({ code: 0, stderr: expect.not.stringContaining('created repository') });
    expect(second.stdout).toContain('unchanged');
    expect(ecr.operations()).toEqual(['GetAuthorizationToken']);
  });

  test('gets nothing in a dry run, which reports what is missing', async () => {
    ecr.repositories.add('team/wine');
    const { code, stdout, stderr } = await push('--dry-run', '--json');
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: expect.stringContaining(`would create repository ${host}/team/iris`),
    });
    const [iris, wine] = JSON.parse(stdout).models;
    expect([iris.createdRepository, wine.createdRepository]).toEqual([true, undefined]);
    expect([...ecr.repositories]).toEqual(['team/wine']);
    expect(uploads()).toEqual([]);
    const all = await run(['all', '--create-repository', '--dry-run']);
    expect(all.stderr).toContain(`would create repository ${host}/team/iris`);
  });

  test('lets two jobs push to a repository that both find missing', async () => {
    ecr.fault = ({ operation, input }) => {
      if (operation === 'CreateRepository') ecr.repositories.add(String(input.repositoryName));
      return undefined;
    };
    const { code, stderr } = await push();
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.not.stringContaining('created repository') });
    expect(await tagsOf(registry.host, 'team/wine')).toContain('v1.0.0');
  });

  test('without the option says how to get a repository', async () => {
    const { code, stderr } = await run(['push']);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('NAME_UNKNOWN') });
    expect(stderr).toContain('next: pass `--create-repository`, or create the repository in ECR');
    expect(ecr.operations()).not.toContain('CreateRepository');
  });

  test.each(['ecr:CreateRepository', 'ecr:GetAuthorizationToken'])(
    'without the right %s names it, and gets no byte',
    async (action) => {
      ecr.fault = ({ operation }) => (action.endsWith(operation) ? denied(action) : undefined);
      const { code, stderr } = await push();
      expect({ code, stderr }).toEqual({
        code: 1,
        stderr: expect.stringContaining(`AWS denies this account ${action}: User: arn:aws:sts::`),
      });
      expect(stderr).toContain(`next: allow ${action} to the account of the AWS credentials`);
      expect(uploads()).toEqual([]);
    },
  );

  test('without any credentials says which to set', async () => {
    const { code, stderr } = await run(['push'], { AWS_ACCESS_KEY_ID: undefined });
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringContaining(`${host} requires credentials and got none`),
    });
    expect(stderr).toContain('next: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE');
  });

  test('gets the password in the variables rather than a new one', async () => {
    ecr.repositories.add('team/iris').add('team/wine');
    const own = { MODELCARS_REGISTRY_USERNAME: 'AWS', MODELCARS_REGISTRY_PASSWORD: ecr.password };
    expect(await run(['push'], own)).toMatchObject({ code: 0 });
    expect(ecr.calls).toEqual([]);
  });

  test('gets no repository for a model that fails before its upload', async () => {
    const other = await mkdtemp(join(tmpdir(), 'modelcars-ecr-'));
    try {
      await makeCatalog(other, [{ name: 'gone', framework: 'sklearn', files: { 'model.joblib': 'x' } }]);
      await writeFile(join(other, 'files/gone/model.joblib'), 'changed after `lock`');
      const { code } = await push('-f', join(other, 'models.yaml'), '--frozen');
      expect([code, ecr.operations()]).toEqual([1, expect.not.arrayContaining(['CreateRepository'])]);
    } finally {
      await rm(other, { recursive: true, force: true });
    }
  });
});
