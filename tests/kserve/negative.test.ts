import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SmokeResult } from '../../scripts/kserve/types.ts';
import { makeCatalog, modelcars } from '../parts/cli.ts';
import type { Registry } from '../parts/registry.ts';
import { run } from '../parts/run.ts';
import { pushBroken, sampleFile } from './_broken.ts';
import { kubectl, missingClusters, ready, startNodeRegistry } from './_cluster.ts';
import { fieldsOf, type Negative, negatives } from './_negatives.ts';
import { expectAllPassed, smoke } from './_smoke.ts';

const cluster = 'modelcars-negative';

describe.skipIf(missingClusters())('images that do not serve', () => {
  let folder: string;
  let open: Registry;
  let locked: Registry;
  let results: SmokeResult[];
  const own = ['--keep-cluster', '--cluster-name', cluster];
  const from = ({ host }: Registry): string[] => [
    '--remote',
    ...['--registry', `${host}/broken`, '--insecure', host],
  ];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'modelcars-negative-'));
    const sample = await readFile(sampleFile);
    const names = ['good', 'private', ...Object.keys(negatives)];
    await makeCatalog(
      folder,
      names.map((name) => ({
        name,
        framework: 'sklearn',
        files: { 'model.joblib': sample },
        more: fieldsOf(name),
      })),
    );
    await modelcars(['build', 'good', '--base', 'embedded', '--platform', 'linux/amd64'], { cwd: folder });
    expectAllPassed(await smoke(['good', '--security', 'openshift', ...own], { cwd: folder }), 1);
    open = await startNodeRegistry(cluster);
    locked = await startNodeRegistry(cluster, { auth: 'basic' });
    for (const [name, { image }] of Object.entries(negatives)) {
      await pushBroken(open.host, `broken/${name}`, 'v1.0.0', await image(folder));
    }
    await pushBroken(open.host, 'broken/good', 'v1.0.0', {});
    const broken = ['good', ...Object.keys(negatives)];
    const which = [
      ...broken,
      ...from(open),
      '--security',
      'openshift',
      '--timeout',
      '8m',
      '--concurrency',
      '4',
    ];
    ({ results } = await smoke([...which, ...own], { cwd: folder }));
  });
  afterAll(async () => {
    const { kind, env } = ready();
    await run(kind, ['delete', 'cluster', '--name', cluster], { env });
    await open?.stop();
    await locked?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const of = (name: string): SmokeResult | undefined => results.find(({ model }) => model === name);

  test('the image that the broken ones derive from serves', () => {
    expect(of('good')).toMatchObject({ status: 'passed' });
  });

  test.each(Object.keys(negatives))('%s', (name) => {
    const { stage, cause } = negatives[name] as Negative;
    expect(of(name), JSON.stringify(of(name)?.diagnosis, undefined, 1)).toMatchObject({
      status: 'failed',
      diagnosis: { stage, cause: expect.stringMatching(cause), fix: expect.any(String) },
    });
  });

  test('a private registry: the pull fails without a secret, the model serves with one', async () => {
    const { host, username = '', password = '' } = locked;
    const auth = Buffer.from(`${username}:${password}`).toString('base64');
    const credentials = JSON.stringify({ auths: { [host]: { auth } } });
    await mkdir(join(folder, '.docker'), { recursive: true });
    await writeFile(join(folder, '.docker', 'config.json'), credentials);
    const push = [
      '--registry',
      `${host}/broken`,
      '--insecure',
      host,
      '--platform',
      'linux/amd64',
      '--base',
      'embedded',
    ];
    await modelcars(['push', 'private', ...push], { cwd: folder });
    const which = ['private', ...from(locked), '--security', 'openshift', ...own];
    const refused = await smoke(which, { cwd: folder });
    expect(refused, JSON.stringify(refused.document.error)).toMatchObject({
      code: 1,
      results: [
        {
          status: 'failed',
          diagnosis: {
            stage: 'pull',
            cause: expect.stringContaining('credentials'),
            fix: expect.any(String),
          },
        },
      ],
    });
    expect(refused.results[0]?.diagnosis?.fix).toContain('--pull-secret');
    await kubectl(cluster, 'create', 'namespace', 'private');
    const secret = [
      '--type',
      'kubernetes.io/dockerconfigjson',
      `--from-literal=.dockerconfigjson=${credentials}`,
    ];
    await kubectl(cluster, '-n', 'private', 'create', 'secret', 'generic', 'quay', ...secret);
    const allowed = ['--namespace', 'private', '--pull-secret', 'quay'];
    expectAllPassed(await smoke([...which, ...allowed], { cwd: folder }), 1);
  });

  test('a wrong prediction is printed beside the expected one', () => {
    const { expected = [], got } = of('wrong-answer')?.diagnosis ?? {};
    expect(expected.length).toBeGreaterThan(2);
    expect(got).toEqual(expected.map((label) => 2 - label));
  });
});
