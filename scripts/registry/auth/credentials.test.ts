import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { defaultCredentials } from './credentials.ts';

let folder: string;
let env: NodeJS.ProcessEnv;
const basic = (username: string, password = 'secret') =>
  expect.objectContaining({ kind: 'basic', username, password });
const auth = (username: string, password = 'secret') => ({
  auth: Buffer.from(`${username}:${password}`).toString('base64'),
});

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelcars-credentials-'));
  env = {
    HOME: folder,
    XDG_RUNTIME_DIR: join(folder, 'run'),
    PATH: `${join(folder, 'bin')}:${process.env.PATH}`,
  };
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function write(path: string, content: unknown): Promise<string> {
  const file = join(folder, path);
  await mkdir(join(file, '..'), { recursive: true });
  await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

async function writeHelper(name: string, script: string): Promise<void> {
  await chmod(await write(`bin/docker-credential-${name}`, `#!/bin/sh\n${script}\n`), 0o755);
}

const find = (registry: string, repository = 'me/iris') =>
  defaultCredentials(env).find(registry, repository, 'pull');

describe('files', () => {
  test("are searched in Podman's order, or only REGISTRY_AUTH_FILE", async () => {
    const entry = (name: string) => ({ auths: { 'quay.io': auth(name) } });
    await write('.docker/config.json', entry('docker'));
    expect(await find('quay.io')).toEqual(basic('docker'));
    await write('.config/containers/auth.json', entry('podman'));
    expect(await find('quay.io')).toEqual(basic('podman'));
    await write('run/containers/auth.json', entry('login'));
    expect(await find('quay.io')).toEqual(basic('login'));
    env.REGISTRY_AUTH_FILE = await write('mine.json', { auths: { 'ghcr.io': auth('mine') } });
    expect(await find('ghcr.io')).toEqual(basic('mine'));
    expect(await find('quay.io')).toBeUndefined();
  });

  test('are read from the folder in DOCKER_CONFIG', async () => {
    await write('elsewhere/config.json', { auths: { 'quay.io': auth('me', 'a:b') } });
    env.DOCKER_CONFIG = join(folder, 'elsewhere');
    expect(await find('quay.io')).toEqual(basic('me', 'a:b'));
  });

  test('match the longest key, by path components', async () => {
    await write('.config/containers/auth.json', {
      auths: { 'quay.io': auth('host'), 'quay.io/me': auth('space'), 'quay.io/me/iris': auth('repository') },
    });
    expect(await find('quay.io', 'me/iris')).toEqual(basic('repository'));
    expect(await find('quay.io', 'me/other')).toEqual(basic('space'));
    expect(await find('quay.io', 'mean/iris')).toEqual(basic('host'));
    expect(await find('quay.io.evil.example', 'me/iris')).toBeUndefined();
    expect(await find('quay.io:8443', 'me/iris')).toBeUndefined();
  });

  test('can have URLs as keys, as Docker Hub has', async () => {
    await write('.docker/config.json', {
      auths: { 'https://index.docker.io/v1/': auth('hub'), 'https://old.example/v2/': auth('old') },
    });
    expect(await find('docker.io', 'library/ubuntu')).toEqual(basic('hub'));
    expect(await find('old.example')).toEqual(basic('old'));
  });

  test('can hold tokens and empty entries', async () => {
    await write('.docker/config.json', {
      auths: {
        'a.example': { ...auth('00000000', ''), identitytoken: 'id' },
        'b.example': { registrytoken: 'rt' },
        'c.example': {},
      },
    });
    expect(await find('a.example')).toMatchObject({ kind: 'identity', token: 'id' });
    expect(await find('b.example')).toMatchObject({ kind: 'bearer', token: 'rt' });
    expect(await find('c.example')).toBeUndefined();
  });

  test.each(['{"auths": {"quay.io": {"auth": "c2VjcmV0"}}}', '{"auths": ["secret"]}', '{"auths": secret}'])(
    'with invalid content (%s) are reported by name, without the content',
    async (content) => {
      const file = await write('.docker/config.json', content);
      const error = await find('quay.io').catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: 'auth', message: expect.stringContaining(file) });
      expect(`${error} ${JSON.stringify(error)} ${(error as Error).cause}`).not.toMatch(/secret|c2VjcmV0/);
    },
  );

  test('named by REGISTRY_AUTH_FILE must exist', async () => {
    env.REGISTRY_AUTH_FILE = join(folder, 'nope.json');
    await expect(find('quay.io')).rejects.toMatchObject({
      code: 'auth',
      next: expect.stringContaining('REGISTRY_AUTH_FILE'),
    });
  });
});

describe('helpers', () => {
  test('get their host over stdin', async () => {
    await writeHelper('one', `read host; echo "{\\"Username\\":\\"$1-$host\\",\\"Secret\\":\\"secret\\"}"`);
    await write('.docker/config.json', { credHelpers: { 'ecr.example': 'one' }, credsStore: 'one' });
    expect(await find('ecr.example')).toEqual(basic('get-ecr.example'));
    expect(await find('docker.io')).toEqual(basic('get-https://index.docker.io/v1/'));
  });

  test('can return an identity token or nothing', async () => {
    await writeHelper('acr', `echo '{"Username":"<token>","Secret":"id"}'`);
    await writeHelper('none', 'echo "credentials not found in native keychain"; exit 1');
    await write('.docker/config.json', {
      credHelpers: { 'a.example': 'acr', 'b.example': 'none', 'c.example': 'absent' },
    });
    expect(await find('a.example')).toMatchObject({ kind: 'identity', token: 'id' });
    expect(await find('b.example')).toBeUndefined();
    expect(await find('c.example')).toBeUndefined();
  });

  test.each([
    ['fails', 'echo secret; exit 3'],
    ['returns no JSON', 'echo secret'],
  ])('give an error, without the output, when one %s', async (_, script) => {
    await writeHelper('bad', script);
    await write('.docker/config.json', { credsStore: 'bad' });
    const error = await find('quay.io').catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'auth', message: expect.stringContaining('docker-credential-bad') });
    expect(`${error}${(error as Error).cause}`).not.toContain('secret');
  });

  test.each(['../evil', 'a b', '', '/bin/sh', '-x'])('cannot be called %j', async (name) => {
    await write('.docker/config.json', { credHelpers: { 'a.example': name } });
    if (name === '') expect(await find('a.example')).toBeUndefined();
    else await expect(find('a.example')).rejects.toMatchObject({ code: 'auth' });
  });
});

describe('the environment', () => {
  const credentials = (more: NodeJS.ProcessEnv) => defaultCredentials({ ...env, ...more });
  const pair = { MODELCARS_REGISTRY_USERNAME: 'me', MODELCARS_REGISTRY_PASSWORD: 'secret' };

  test('is used for the registry of the push, unless it names another', async () => {
    expect(await credentials(pair).find('quay.io', 'a', 'push')).toEqual(basic('me'));
    expect(await credentials(pair).find('base.example', 'a', 'pull')).toBeUndefined();
    const named = credentials({ ...pair, MODELCARS_REGISTRY_HOST: 'quay.io' });
    expect(await named.find('quay.io', 'a', 'pull')).toEqual(basic('me'));
    expect(await named.find('other.example', 'a', 'push')).toBeUndefined();
  });

  test('is used for the registry of the catalog, also to pull', async () => {
    const own = defaultCredentials({ ...env, ...pair }, ['quay.io']);
    expect(await own.find('quay.io', 'a', 'pull')).toEqual(basic('me'));
    expect(await own.find('base.example', 'a', 'pull')).toBeUndefined();
  });

  test('can hold a token, and rejects a user without password', async () => {
    expect(await credentials({ MODELCARS_REGISTRY_TOKEN: 't' }).find('quay.io', 'a', 'push')).toMatchObject({
      kind: 'bearer',
      token: 't',
    });
    await expect(
      credentials({ MODELCARS_REGISTRY_USERNAME: 'me' }).find('quay.io', 'a', 'push'),
    ).rejects.toMatchObject({
      code: 'auth',
    });
  });
});
