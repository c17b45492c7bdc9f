import { mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SmokeResult } from '../../scripts/kserve/types.ts';
import { type BrokenImage, pushBroken, sampleFile } from '../kserve/_broken.ts';
import { fieldsOf, type Negative, negatives } from '../kserve/_negatives.ts';
import { launchModelcars, makeCatalog, modelcars, root, tryModelcars } from '../parts/cli.ts';
import { missingMlserver } from '../parts/mlserver.ts';
import { missingParts, missingRoot, partsFolder } from '../parts/parts.ts';
import { type Registry, startRegistry } from '../parts/registry.ts';

const lacking =
  missingRoot('modelcars smoke --local, as the users of a cluster,') ??
  (await missingMlserver()) ??
  (await missingParts('distribution', 'busybox'));

describe.skipIf(lacking)('modelcars smoke --local', () => {
  let folder: string;
  let registry: Registry;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'modelcars-local-'));
    // The store uses the tests' MLServer.
    await mkdir(join(folder, '.store'), { recursive: true });
    await symlink(partsFolder(), join(folder, '.store', 'servers'));
    registry = await startRegistry({ kind: 'distribution' });
  });
  afterAll(async () => {
    await registry?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  async function smoke(args: string[]): Promise<SmokeResult[]> {
    const { stdout, stderr } = await tryModelcars(['smoke', '--local', '--json', ...args], { cwd: folder });
    expect(stdout, stderr).toMatch(/^\{/);
    return (JSON.parse(stdout) as { results: SmokeResult[] }).results;
  }

  test.each(['sklearn', 'xgboost', 'lightgbm'])(
    'the %s model of our models.yaml answers right, as any user',
    async (name) => {
      const own = [`mlserver-${name}`, '--file', join(root, 'models.yaml')];
      await modelcars(['build', ...own, '--base', 'embedded', '--platform', 'linux/amd64'], { cwd: folder });
      const results = await smoke([...own, '--security', 'openshift,modelcar']);
      expect(results.map(({ security, status, diagnosis }) => ({ security, status, diagnosis }))).toEqual([
        { security: 'openshift', status: 'passed', diagnosis: undefined },
        { security: 'modelcar', status: 'passed', diagnosis: undefined },
      ]);
    },
  );

  test.each([
    ['sklearn', 'iris'],
    ['own-framework', 'churn'],
  ])('the example %s passes its smoke test', async (example, model) => {
    const catalog = ['--file', join(root, 'examples', example, 'models.yaml')];
    await modelcars(['build', ...catalog, '--platform', 'linux/amd64'], { cwd: folder });
    const results = await smoke(catalog);
    expect(results.map(({ model, status, diagnosis }) => ({ model, status, diagnosis }))).toEqual([
      { model, status: 'passed', diagnosis: undefined },
    ]);
  });

  /** Smoke-tests an image of this name that differs from modelcars' images. */
  async function smokeBroken(name: string, image: BrokenImage): Promise<SmokeResult | undefined> {
    const files = { 'model.joblib': await readFile(sampleFile) };
    await makeCatalog(folder, [{ name, framework: 'sklearn', files, more: fieldsOf(name) }]);
    await pushBroken(registry.host, `broken/${name}`, 'v1.0.0', image);
    const [result] = await smoke([name, '--remote', '--registry', `${registry.host}/broken`]);
    return result;
  }

  test('the image that the broken ones derive from serves', async () => {
    expect(await smokeBroken('good', {})).toMatchObject({ model: 'good', status: 'passed' });
  });

  test.each(Object.keys(negatives))('%s is reported, with the fix', async (name) => {
    const { image, stage, cause } = negatives[name] as Negative;
    const result = await smokeBroken(name, await image(folder));
    expect(result).toMatchObject({
      status: 'failed',
      diagnosis: { stage, cause: expect.stringMatching(cause), fix: expect.any(String) },
    });
    const { expected, got } = result?.diagnosis ?? {};
    if (stage === 'answer') expect(got).toEqual(expected?.map((label) => 2 - label));
  });

  test('a model without a local server is skipped, with the name of the server it needs', async () => {
    const model = await readFile(join(root, 'frameworks/onnx/model.onnx'));
    await makeCatalog(folder, [{ name: 'iris', framework: 'onnx', files: { 'model.onnx': model } }]);
    await modelcars(['build', '--base', 'embedded', '--platform', 'linux/amd64'], { cwd: folder });
    expect(await smoke([])).toMatchObject([
      { status: 'skipped', reason: expect.stringContaining('--server-image') },
    ]);
  });

  test.each(['SIGINT', 'SIGKILL'] as const)(
    '%s: no process stays, and no file, or the next run takes it away',
    async (signal) => {
      const flags = ['mlserver-sklearn', '--file', join(root, 'models.yaml')];
      const child = launchModelcars(['smoke', '--local', ...flags], { cwd: folder });
      const ended = new Promise((resolve) => child.once('close', resolve));
      const work = await until(async () => {
        const made = (await leftovers()).find((name) => name.includes(`-${child.pid}-`));
        return made !== undefined && (await processesOf(made)).length > 2 ? made : undefined;
      });
      child.kill(signal);
      await ended;
      await until(async () => ((await processesOf(work)).length === 0 ? true : undefined));
      if (signal === 'SIGKILL') expect(await smoke(flags)).toMatchObject([{ status: 'passed' }]);
      expect(await leftovers()).not.toContain(work);
    },
  );
});

async function leftovers(): Promise<string[]> {
  return (await readdir(tmpdir())).filter((name) => name.startsWith('modelcars-smoke-')).sort();
}

/** IDs of processes that have the folder in their command line or environment. */
async function processesOf(work: string): Promise<string[]> {
  const found: string[] = [];
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue;
    const [line = '', variables = ''] = await Promise.all(
      ['cmdline', 'environ'].map((name) => readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => '')),
    );
    if (line.includes(work) || variables.includes(work)) found.push(pid);
  }
  return found;
}

/** Polls until the server responds, for at most two minutes. */
async function until<T>(ask: () => Promise<T | undefined>): Promise<T> {
  for (let tries = 0; tries < 1200; tries++) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    await sleep(100);
  }
  throw new Error('nothing came of it in two minutes');
}
