import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { startEcr } from '../../../tests/parts/ecr.ts';
import { type Hub, startHub } from '../../../tests/parts/hub.ts';
import { ApiServer } from '../../../tests/support/fake-apiserver.ts';
import { type FakeRegistry, startFake } from '../../../tests/support/fake-registry.ts';
import { modelcars } from '../../../tests/support/run-program.ts';
import { doctor } from './doctor.ts';
import type { CheckResult, DoctorOptions } from './types.ts';

vi.setConfig({ testTimeout: 120_000 });

const password = 'a-planted-password-7391';
const token = 'hf_APlantedTokenOfTheTest0001';
const unknownToken = 'hf_NobodyKnowsThisOne00000002';
const basic = Buffer.from(`me:${password}`).toString('base64');

let folder: string;
let registry: FakeRegistry;
let hub: Hub;
let cluster: ApiServer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelcars-doctor-'));
  registry = await startFake({
    intercept(request, response) {
      const given = request.headers.authorization;
      if (request.url === '/v2/' && given === `Basic ${basic}`) {
        response.end('{}');
        return true;
      }
      // Some registries repeat what they were sent.
      response.writeHead(401, { 'www-authenticate': 'Basic realm="x"', 'content-type': 'application/json' });
      response.end(JSON.stringify({ errors: [{ code: 'UNAUTHORIZED', message: `no: ${given}` }] }));
      return true;
    },
  });
  hub = await startHub({
    models: {
      'org/open': { files: { 'config.json': '{}', 'model.safetensors': 'x' } },
      'org/gated': { files: { 'README.md': 'x', 'model.safetensors': 'x' }, gated: 'auto' },
    },
    tokens: { [token]: { user: 'somebody', accepted: [] } },
  });
  cluster = await ApiServer.start();
  await writeFile(join(folder, 'kubeconfig'), cluster.kubeconfig);
  await mkdir(join(folder, 'iris'));
  await writeFile(join(folder, 'iris', 'model.joblib'), 'a model');
  await writeFile(
    join(folder, 'models.yaml'),
    `registry: ${registry.host}/me
defaults: {base: embedded}
models:
  - {name: iris, framework: sklearn, source: "file:iris"}
  - {name: open, framework: vllm, source: "hf://org/open"}
  - {name: gated, framework: vllm, source: "hf://org/gated"}
`,
  );
});
afterAll(async () => {
  await Promise.all([registry[Symbol.asyncDispose](), hub.stop(), cluster[Symbol.asyncDispose]()]);
  await rm(folder, { recursive: true, force: true });
});
beforeEach(() => {
  registry.requests.length = 0;
});

/** Writes the auth file in which the credentials of the registry are planted. */
async function logIn(auth: string): Promise<void> {
  await writeFile(join(folder, 'config.json'), JSON.stringify({ auths: { [registry.host]: { auth } } }));
}

/** An environment of its own: nothing of the machine that runs the test. */
const environment = (more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({
  PATH: process.env.PATH,
  HOME: folder,
  XDG_RUNTIME_DIR: folder,
  DOCKER_CONFIG: folder,
  HF_ENDPOINT: hub.url,
  HF_TOKEN: token,
  MODELCARS_STORE: join(folder, 'store'),
  ...more,
});

function options(more: Partial<DoctorOptions> = {}): DoctorOptions {
  return {
    file: join(folder, 'models.yaml'),
    overrides: {},
    output: join(folder, 'out'),
    registry: {},
    kubeconfig: join(folder, 'kubeconfig'),
    offline: false,
    versions: { modelcars: '1.2.3', node: 'v24.0.0' },
    env: environment(),
    patience: 10_000,
    signal: new AbortController().signal,
    ...more,
  };
}

const of = (checks: CheckResult[], name: CheckResult['check']) =>
  checks.filter(({ check }) => check === name).map(({ check: _, ...rest }) => rest);

describe('doctor', () => {
  it('reports what works, with where each credential comes from', async () => {
    await logIn(basic);
    const { healthy, checks } = await doctor(options());
    expect(healthy).toBe(true);
    expect(of(checks, 'modelcars')[0]?.message).toMatch(/^1\.2\.3 on /);
    expect(of(checks, 'node')).toEqual([{ status: 'ok', message: 'v24.0.0 (needs >=24)' }]);
    expect(of(checks, 'catalog')[0]).toMatchObject({
      status: 'ok',
      message: expect.stringContaining('3 models'),
    });
    expect(of(checks, 'lock')[0]).toMatchObject({
      status: 'warn',
      next: expect.stringContaining('modelcars lock'),
    });
    expect(of(checks, 'hub')).toEqual([
      { status: 'ok', message: `token hf_A****0001 from HF_TOKEN, account somebody at ${hub.url}` },
    ]);
    expect(of(checks, 'registry')).toEqual([
      {
        subject: registry.host,
        status: 'ok',
        message: `to push to: accepts the credentials from ${join(folder, 'config.json')}`,
      },
    ]);
    expect(registry.requests.every(({ method, path }) => method === 'GET' && path === '/v2/')).toBe(true);
    expect(of(checks, 'store')[0]).toMatchObject({ status: 'ok', message: expect.stringContaining(' free') });
    expect(of(checks, 'output')[0]).toMatchObject({
      status: 'ok',
      message: expect.stringContaining(' free'),
    });
    expect(of(checks, 'cluster')[0]).toEqual({
      status: 'ok',
      message: expect.stringMatching(/^context test at https:\/\/localhost:\d+: KServe, serves oci:/),
    });
  });

  it('names a gated model that the token cannot read, and its next step', async () => {
    const { checks } = await doctor(options());
    expect(of(checks, 'hub-model')).toEqual([
      { status: 'ok', message: '1 model of the catalog can be read' },
      {
        subject: 'gated',
        status: 'fail',
        message: expect.stringContaining('has not accepted its licence'),
        next: expect.stringContaining('accept it with that account'),
      },
    ]);
  });

  it('reports credentials that the registry and the hub reject', async () => {
    await logIn(Buffer.from('me:wrong-password').toString('base64'));
    const { healthy, checks } = await doctor(options({ env: environment({ HF_TOKEN: unknownToken }) }));
    expect(healthy).toBe(true);
    expect(of(checks, 'registry')[0]).toMatchObject({
      status: 'fail',
      message: expect.stringContaining(`rejected the credentials from ${join(folder, 'config.json')}`),
    });
    expect(of(checks, 'hub')[0]).toMatchObject({
      status: 'fail',
      message: expect.stringContaining('rejected the token from HF_TOKEN'),
    });
  });

  it('requests no login of Amazon ECR with --offline', async () => {
    await using ecr = await startEcr();
    const variables = { ...ecr.env, AWS_ENDPOINT_URL_ECR: ecr.endpoint, NO_PROXY: '*' };
    for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
    try {
      const overrides = { registry: '123456789012.dkr.ecr.eu-west-1.amazonaws.com/team' };
      const file = join(folder, 'models.yaml');
      const { checks } = await doctor(options({ offline: true, overrides, file }));
      expect(checks).toContainEqual(expect.objectContaining({ check: 'registry', status: 'ok' }));
      expect(ecr.calls).toEqual([]);
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it('sends no request with --offline, and still names the credentials', async () => {
    await logIn(basic);
    const [asked, called] = [hub.requests().length, cluster.requests.length];
    const { checks } = await doctor(options({ offline: true }));
    expect([registry.requests.length, hub.requests().length, cluster.requests.length]).toEqual([
      0,
      asked,
      called,
    ]);
    expect(of(checks, 'registry')[0]?.message).toContain(`credentials from ${join(folder, 'config.json')}`);
    expect(of(checks, 'hub')[0]?.message).toContain('hf_A****0001 from HF_TOKEN');
    expect(of(checks, 'hub-model')).toEqual([]);
  });

  it('ends in time when a registry does not answer, and reports the others', async () => {
    const silent = createServer(() => {}).listen(0, '127.0.0.1');
    await new Promise((resolve) => silent.once('listening', resolve));
    const address = silent.address();
    const host = `127.0.0.1:${address !== null && typeof address === 'object' ? address.port : 0}`;
    const start = performance.now();
    const { checks } = await doctor(options({ overrides: { registry: `${host}/me` }, patience: 3000 }));
    expect(performance.now() - start).toBeLessThan(8000);
    silent.close();
    expect(of(checks, 'registry')).toEqual([
      {
        subject: host,
        status: 'fail',
        message: 'no result within 3 s',
        next: expect.stringContaining('--offline'),
      },
    ]);
    expect(of(checks, 'hub')[0]?.status).toBe('ok');
  });

  it('turns every failure into a result', async () => {
    const { checks } = await doctor(
      options({
        kubeconfig: join(folder, 'nowhere'),
        output: '/proc/nowhere',
        env: environment({ HF_ENDPOINT: 'ftp://x', DOCKER_AUTH_CONFIG: '{' }),
      }),
    );
    const failed = checks.filter(({ status }) => status === 'fail').map(({ check }) => check);
    expect(failed).toEqual(expect.arrayContaining(['hub', 'hub-model', 'registry', 'cluster']));
  });

  it('fails when Node is too old or models.yaml cannot be read', async () => {
    const old = await doctor(options({ offline: true, versions: { modelcars: '1.2.3', node: 'v22.9.0' } }));
    expect([old.healthy, of(old.checks, 'node')[0]?.status]).toEqual([false, 'fail']);
    await writeFile(join(folder, 'wrong.yaml'), 'models:\n  - {name: A}\n');
    for (const file of ['wrong.yaml', 'nowhere.yaml']) {
      const { healthy, checks } = await doctor(options({ offline: true, file: join(folder, file) }));
      expect([file, healthy, of(checks, 'catalog')[0]?.status]).toEqual([file, false, 'fail']);
    }
  });

  it('stops with `cancelled` on Ctrl-C', async () => {
    const stop = new AbortController();
    const running = doctor(options({ signal: stop.signal }));
    stop.abort();
    await expect(running).rejects.toMatchObject({ code: 'cancelled' });
  });
});

describe('modelcars doctor', () => {
  const run = async (words: string[], env: NodeJS.ProcessEnv = {}) =>
    await modelcars(['doctor', ...words], {
      cwd: folder,
      env: { ...environment(), KUBECONFIG: join(folder, 'kubeconfig'), ...env },
    });

  it('works without a models.yaml', async () => {
    const empty = await mkdtemp(join(tmpdir(), 'modelcars-doctor-empty-'));
    const { code, stdout } = await modelcars(['doctor', '--offline'], { cwd: empty, env: environment() });
    await rm(empty, { recursive: true });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^warn {2}catalog +models\.yaml: no such file\n +next: /m);
  });

  it.each([
    ['text', []],
    ['JSON', ['--json']],
  ])('shows no secret, also when the registry and the hub repeat it, as %s', async (_, words) => {
    for (const wrong of [false, true]) {
      const secret = wrong ? 'a-wrong-password-that-is-repeated' : password;
      const auth = Buffer.from(`me:${secret}`).toString('base64');
      await logIn(auth);
      const sent = wrong ? unknownToken : token;
      const { code, stdout, stderr } = await run(words, { HF_TOKEN: sent });
      expect(code).toBe(0);
      expect(stdout).toContain(join(folder, 'config.json'));
      for (const text of [stdout, stderr])
        for (const planted of [secret, auth, sent, 'secret-token-of-the-test'])
          expect(text).not.toContain(planted);
    }
  });
});
