/** Credential helpers that hang, fail, print to stderr or are missing, for a registry that requires a password. */
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { tryModelcars } from '../parts/cli.ts';
import { type FakeRegistry, refuse, startFake } from '../support/fake-registry.ts';

const password = 'pa55-w0rd-of-the-registry';
const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

let folder: string;
let fake: FakeRegistry;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelcars-helpers-'));
  await mkdir(join(folder, 'bin'));
  fake = await startFake({
    intercept: (request, response) =>
      request.headers.authorization === basic(`me:${password}`)
        ? refuse(response, 404, 'MANIFEST_UNKNOWN')
        : refuse(response, 401, 'UNAUTHORIZED', { 'www-authenticate': 'Basic realm="x"' }),
  });
});
afterAll(async () => {
  await fake?.[Symbol.asyncDispose]();
  if (folder) await rm(folder, { recursive: true, force: true });
});

async function helper(name: string, script: string): Promise<void> {
  const file = join(folder, 'bin', `docker-credential-${name}`);
  await writeFile(file, `#!/bin/sh\n${script}\n`);
  await chmod(file, 0o755);
}

/** Runs `inspect` with a separate config.json. */
async function inspect(name: string, config: unknown, env: Record<string, string | undefined> = {}) {
  const home = join(folder, `home-${name}`);
  await mkdir(join(home, '.docker'), { recursive: true });
  await writeFile(join(home, '.docker', 'config.json'), JSON.stringify(config));
  return await tryModelcars(['inspect', `${fake.host}/me/iris:v1`], {
    cwd: folder,
    timeout: 120_000,
    env: {
      HOME: home,
      XDG_RUNTIME_DIR: home,
      XDG_CONFIG_HOME: home,
      DOCKER_CONFIG: join(home, '.docker'),
      PATH: `${join(folder, 'bin')}:${process.env.PATH}`,
      MODELCARS_REGISTRY_USERNAME: undefined,
      MODELCARS_REGISTRY_PASSWORD: undefined,
      MODELCARS_REGISTRY_TOKEN: undefined,
      ...env,
    },
  });
}

const answer = `echo '{"Username":"me","Secret":"${password}"}'`;
/** Asserts that the login worked: the registry only lacks the image. */
const letIn = (stderr: string) => expect(stderr).not.toMatch(/401|log in|credential/);

describe('a credential helper', () => {
  test.concurrent('that hangs in a child process is killed after 30 s, with its child', async () => {
    await helper('wrapper', `sleep 600 & echo $! > ${folder}/child; wait`);
    const { code, stderr } = await inspect('wrapper', { credsStore: 'wrapper' });
    expect(stderr).toContain(`ask docker-credential-wrapper for ${fake.host}: it did not answer within 30 s`);
    expect(code).toBe(1);
    const child = (await readFile(join(folder, 'child'), 'utf8')).trim();
    await vi.waitFor(async () => {
      const stat = await readFile(`/proc/${child}/stat`, 'utf8').catch(() => ' Z ');
      expect(stat).toMatch(/ Z /);
    }, 10_000);
  });

  test.concurrent('whose child keeps the output open is not waited for', async () => {
    await helper('agent', `sleep 200 & echo $! > ${folder}/agent; ${answer}`);
    const begun = performance.now();
    letIn((await inspect('agent', { credHelpers: { [`https://${fake.host}`]: 'agent' } })).stderr);
    expect(performance.now() - begun).toBeLessThan(100_000);
    process.kill(Number((await readFile(join(folder, 'agent'), 'utf8')).trim()));
  });

  test.concurrent('that fails is reported with the reason, without its secrets', async () => {
    await helper(
      'talks',
      `echo '{"Secret":"${password}"'; echo "vault is sealed, tried ${password} and $MY_API_KEY" >&2; exit 4`,
    );
    const { code, stderr } = await inspect(
      'talks',
      { credsStore: 'talks' },
      { MY_API_KEY: 'key-of-somebody-else-42' },
    );
    expect(stderr).toMatch(
      /docker-credential-talks for \S+: it ended with 4 \(vault is sealed, tried \S+ and \S+\)/,
    );
    expect(stderr).not.toMatch(new RegExp(`${password}|of-somebody-else`));
    expect(code).toBe(1);
  });

  test.concurrent('that is not installed is named where the password is missing', async () => {
    const { code, stderr } = await inspect('absent', { credHelpers: { [fake.host]: 'ecr-login' } });
    expect(stderr).toMatch(
      /401.*; docker-credential-ecr-login, which \S+config\.json names for it, is not installed/,
    );
    expect(stderr).toContain('next: install docker-credential-ecr-login, or ');
    expect(code).toBe(1);
  });

  test.concurrent('without credentials falls back to auths', async () => {
    await helper('empty', 'echo "credentials not found in native keychain"; exit 1');
    const auths = { [fake.host]: { auth: Buffer.from(`me:${password}`).toString('base64') } };
    letIn((await inspect('empty', { auths, credHelpers: { [fake.host]: 'empty' } })).stderr);
  });

  test.concurrent('is not needed with DOCKER_AUTH_CONFIG', async () => {
    const auths = { [fake.host]: { auth: Buffer.from(`me:${password}`).toString('base64') } };
    letIn((await inspect('variable', {}, { DOCKER_AUTH_CONFIG: JSON.stringify({ auths }) })).stderr);
    const { code, stderr } = await inspect('broken', {}, { DOCKER_AUTH_CONFIG: `{"auths": "${password}"}` });
    expect(stderr).toContain('read DOCKER_AUTH_CONFIG: it is no registry configuration');
    expect(stderr).not.toContain(password);
    expect(code).toBe(1);
  });
});
