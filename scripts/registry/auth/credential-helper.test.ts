import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { refuse, startFake, testClient } from '../../../tests/support/fake-registry.ts';
import { askHelper } from './credential-helper.ts';
import { defaultCredentials } from './credentials.ts';

let folder: string;
let env: NodeJS.ProcessEnv;
const auth = { auth: Buffer.from('file:secret').toString('base64') };
const fromFile = expect.objectContaining({ kind: 'basic', username: 'file', password: 'secret' });

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelcars-helper-'));
  await mkdir(join(folder, 'bin'));
  await mkdir(join(folder, '.docker'));
  const PATH = `${join(folder, 'bin')}:${process.env.PATH}`;
  env = { HOME: folder, XDG_RUNTIME_DIR: folder, PATH };
});
afterEach(async () => await rm(folder, { recursive: true }));

async function helper(name: string, script: string): Promise<void> {
  const file = join(folder, 'bin', `docker-credential-${name}`);
  await writeFile(file, `#!/bin/sh\n${script}\n`);
  await chmod(file, 0o755);
}

const config = (content: unknown) => writeFile(join(folder, '.docker/config.json'), JSON.stringify(content));
const answer = `echo '{"Username":"me","Secret":"s3cret-s3cret"}'`;
const answered = { kind: 'basic', username: 'me', password: 's3cret-s3cret' };

const ask = (name: string, timeout?: number, signal?: AbortSignal) =>
  askHelper(name, 'a.example', {
    env,
    onMissing: () => {},
    signal,
    ...(timeout !== undefined && { timeout }),
  });

/** Whether a process exists and is not a zombie. */
async function isRunning(pid: string): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  return stat !== undefined && !/^\d+ \(.*\) Z/.test(stat);
}

describe('a wrapper script', () => {
  test.each([
    ['waits for its child', 'sleep 300 & echo $! > "$HOME/child"; wait'],
    ['has exited, but its child holds the output', 'sleep 300 & echo $! > "$HOME/child"'],
    ['holds back its answer', `echo $$ > "$HOME/child"; printf '{"Username":'; exec sleep 300`],
  ])('that %s: times out, and is killed with its children', async (_, script) => {
    await helper('slow', script);
    await expect(ask('slow', 1500)).rejects.toMatchObject({
      code: 'auth',
      message: 'ask docker-credential-slow for a.example: it did not answer within 2 s',
    });
    const child = (await readFile(join(folder, 'child'), 'utf8')).trim();
    await vi.waitFor(async () => expect(await isRunning(child)).toBe(false), 5000);
  });

  test('that has answered is not waited for, and its child continues', async () => {
    await helper('agent', `sleep 300 & echo $! > "$HOME/child"; ${answer}`);
    expect(await ask('agent', 60_000)).toEqual(answered);
    const child = (await readFile(join(folder, 'child'), 'utf8')).trim();
    expect(await isRunning(child)).toBe(true);
    process.kill(Number(child));
  });

  test('can leave the answer to a child', async () => {
    await helper('late', `(sleep 1; ${answer}) & exit 0`);
    expect(await ask('late', 60_000)).toEqual(answered);
  });

  test('that refuses is handled although a child holds its output', async () => {
    await helper('none', 'sleep 300 & echo $! > "$HOME/child"; echo credentials not found in store; exit 1');
    expect(await ask('none', 60_000)).toBeUndefined();
    process.kill(Number((await readFile(join(folder, 'child'), 'utf8')).trim()));
  });

  test('that writes endlessly is stopped', async () => {
    await helper('loud', 'exec cat /dev/zero');
    await expect(ask('loud', 60_000)).rejects.toMatchObject({
      message: expect.stringContaining('more than 256 KiB'),
    });
  });

  test('is killed on abort', async () => {
    await helper('slow', 'echo $$ > "$HOME/child"; exec sleep 300');
    const stop = new AbortController();
    const asking = ask('slow', 60_000, stop.signal);
    const failed = expect(asking).rejects.toMatchObject({ code: 'cancelled' });
    let child = '';
    await vi.waitFor(async () => {
      child = (await readFile(join(folder, 'child'), 'utf8')).trim();
      expect(child).not.toBe('');
    }, 5000);
    stop.abort();
    await failed;
    await vi.waitFor(async () => expect(await isRunning(child)).toBe(false), 5000);
  });
});

describe('the output of a helper', () => {
  test('on stderr is printed on one line, without secrets', async () => {
    env.MY_TOKEN = 'tok-0123456789';
    await helper(
      'bad',
      'echo "key s3cret-word"; printf "no luck\\nwith s3cret-word and $MY_TOKEN \\033[2J" >&2; exit 3',
    );
    const error = (await ask('bad').catch((reason: unknown) => reason)) as Error;
    expect(error).toMatchObject({ code: 'auth' });
    expect(error.message).toMatch(
      /^ask docker-credential-bad for a\.example: it ended with 3 \(no luck with \S*\*{4}\S* and \*{4}\s+\[2J\)$/,
    );
    expect(error.message).not.toMatch(/s3cret-word|0123456789/);
  });

  test('is truncated when long', async () => {
    await helper('bad', 'head -c 5000 /dev/zero | tr "\\0" x >&2; exit 1');
    const error = (await ask('bad').catch((reason: unknown) => reason)) as Error;
    expect(error.message.length).toBeLessThan(400);
  });

  test('includes the cause when it cannot be run', async () => {
    await writeFile(join(folder, 'bin/docker-credential-plain'), '');
    await expect(ask('plain')).rejects.toMatchObject({
      message: expect.stringContaining('it could not be run: EACCES'),
    });
  });
});

describe('config.json', () => {
  const find = (registry: string) => defaultCredentials(env).find(registry, 'me/iris', 'pull');

  test.each([
    ['docker.io', 'https://index.docker.io/v1/', 'https://index.docker.io/v1/'],
    ['docker.io', 'index.docker.io', 'https://index.docker.io/v1/'],
    ['a.example', 'https://a.example', 'a.example'],
    ['a.example', 'https://A.example/v2/', 'a.example'],
    ['a.example:5000', 'http://a.example:5000/', 'a.example:5000'],
    ['a.example', 'a.example/', 'a.example'],
  ])('names the helper of %s as %s', async (registry, key, host) => {
    await helper('echo', `read host; echo "{\\"Username\\":\\"$host\\",\\"Secret\\":\\"secret\\"}"`);
    await config({ credHelpers: { 'b.example': 'other', [key]: 'echo' } });
    expect(await find(registry)).toMatchObject({ kind: 'basic', username: host, password: 'secret' });
  });

  test.each([
    ['has no entry', 'echo "credentials not found in native keychain"; exit 1'],
    ['returns an empty one', `echo '{"Username":"","Secret":""}'`],
    ['is not installed', undefined],
  ])('falls back to auths when the helper %s', async (_, script) => {
    if (script !== undefined) await helper('one', script);
    await config({ auths: { 'a.example': auth }, credHelpers: { 'a.example': 'one' } });
    expect(await find('a.example')).toEqual(fromFile);
  });

  test('can be in DOCKER_AUTH_CONFIG, before the files and after REGISTRY_AUTH_FILE', async () => {
    const entry = (name: string) => ({ auth: Buffer.from(`${name}:secret`).toString('base64') });
    await config({ auths: { 'a.example': auth, 'b.example': auth, 'c.example': auth } });
    env.DOCKER_AUTH_CONFIG = JSON.stringify({
      auths: { 'a.example': entry('gitlab'), 'b.example': entry('gitlab') },
    });
    expect(await find('a.example')).toMatchObject({ username: 'gitlab' });
    expect(await find('c.example')).toEqual(fromFile);
    env.REGISTRY_AUTH_FILE = join(folder, 'job.json');
    await writeFile(env.REGISTRY_AUTH_FILE, JSON.stringify({ auths: { 'a.example': entry('job') } }));
    expect(await find('a.example')).toMatchObject({ username: 'job' });
    expect(await find('b.example')).toMatchObject({ username: 'gitlab' });
    expect(await find('c.example')).toBeUndefined();
  });

  test('with a syntax error in DOCKER_AUTH_CONFIG is reported, and not printed', async () => {
    env.DOCKER_AUTH_CONFIG = '{"auths": {"a.example": {"auth": s3cret}}}';
    const error = await find('a.example').catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'auth', message: expect.stringContaining('DOCKER_AUTH_CONFIG') });
    expect(`${error} ${(error as Error).cause}`).not.toContain('s3cret');
  });
});

describe('a helper that is not installed', () => {
  test.each([401, 403])('is named when the registry responds %i', async (status) => {
    await using fake = await startFake({
      intercept: (request, response, { host }) => {
        if (request.url?.startsWith('/token')) {
          response.end('{"token":"anonymous"}');
          return true;
        }
        const challenge = status === 401 ? 'Basic realm="x"' : `Bearer realm="http://${host}/token"`;
        if (request.headers.authorization) return refuse(response, 403, 'DENIED');
        return refuse(response, 401, '', { 'www-authenticate': challenge });
      },
    });
    await config({ credHelpers: { [fake.host]: 'absent' } });
    await using client = testClient({ env });
    const error = await client
      .repository(`${fake.host}/me/iris`)
      .tags()
      .catch((reason: unknown) => reason);
    const file = join(folder, '.docker/config.json');
    expect(error).toMatchObject({
      code: 'auth',
      message: expect.stringContaining(
        `docker-credential-absent, which ${file} names for it, is not installed`,
      ),
      next: expect.stringMatching(/^install docker-credential-absent, or log in with/),
    });
  });

  test('is named when the token server refuses', async () => {
    await using fake = await startFake({
      intercept: (request, response, { host }) =>
        request.url?.startsWith('/token')
          ? refuse(response, 401)
          : refuse(response, 401, '', { 'www-authenticate': `Bearer realm="http://${host}/token"` }),
    });
    await config({ credsStore: 'absent' });
    await using client = testClient({ env });
    const error = await client
      .repository(`${fake.host}/me/iris`)
      .tags()
      .catch((reason: unknown) => reason);
    expect((error as Error).message.match(/docker-credential-absent/g)).toHaveLength(1);
  });

  test('is ignored when the registry requires no credentials', async () => {
    await using fake = await startFake();
    await config({ credsStore: 'absent' });
    await using client = testClient({ env });
    expect(await client.repository(`${fake.host}/me/iris`).tags()).toEqual([]);
  });
});

test('the name of a helper, which a file may say at any length, is cut in the error', async () => {
  const name = 'é'.repeat(5000);
  const error = await askHelper(name, 'quay.io', { env, onMissing: () => {} }).catch(
    (reason: unknown) => reason,
  );
  expect((error as Error).message).toMatch(/^ask credential helper "é{79}…": not a helper's name$/);
});
