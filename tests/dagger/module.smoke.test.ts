/** `smoke`, `all`, `kind`, `kubeconfig` and `cluster`: which cluster, its parts, and what is cached. */
import { beforeAll, describe, expect, test } from 'vitest';
import { cacheOf, call, callChain, loadedModule, shown, source, well } from './_calls.ts';
import { given, type Module, missingSdk, type Values } from './_module.ts';
import { calls, execs, isModelcars, lastOf, waysOf, words } from './_reading.ts';
import { type Answer, ExecFailure, type Recorded } from './session.ts';

const missing = await missingSdk();

let module: Module;
beforeAll(async () => {
  if (!missing) module = await loadedModule();
});

const hasRoot = (container: Recorded) =>
  container.calls
    .filter(({ field }) => field === 'withExec')
    .map(({ args }) => args.insecureRootCapabilities);
const bound = (container: Recorded) =>
  container.calls.find(({ field }) => field === 'withServiceBinding')?.args as
    | { alias: string; service: Recorded }
    | undefined;
const builds = (container: Recorded) =>
  calls(container, 'withExec').filter(
    ({ args: { args } }) => isModelcars(args as string[]) && (args as string[])[2] === 'build',
  );

describe.skipIf(missing)('smoke', () => {
  test('is in a kind cluster of a container engine that is a service, with what build-all built', async () => {
    const ran = await call('smoke', { source, models: ['iris'], version: 'v1.0.0' });
    expect(ran.result).toBe('smoke said this');
    const container = shown(ran);
    expect(words(container)).toEqual([
      ...['smoke', 'iris', '--version', 'v1.0.0', '--layout', '/layout', '--cache-images'],
    ]);
    expect(builds(container)).toHaveLength(1);
    const layout = lastOf(container, 'withMountedDirectory', '/layout')?.source;
    expect(JSON.stringify(layout)).toContain('catalog of iris');
    // Only the files these models need from the caller's folder: changing another file invalidates no cache.
    const include = ['models.yaml', 'models.lock.yaml', 'models/iris/**'];
    expect(lastOf(container, 'withDirectory', '/catalog')?.source).toEqual({
      ...source,
      calls: [...source.calls, { field: 'filter', args: { include } }],
    });
    // The name is in the cluster's certificate: scripts/kserve/kind/remote-engine.ts takes it from the variable.
    const { alias, service } = bound(container) ?? {};
    expect(alias).toBe('docker');
    expect(lastOf(container, 'withEnvVariable', 'DOCKER_HOST')?.value).toBe('tcp://docker:2375');
    const asService = service?.calls.at(-1);
    expect(asService).toEqual({
      field: 'asService',
      args: expect.objectContaining({ insecureRootCapabilities: true, useEntrypoint: true }),
    });
    // The smoke test itself needs no privileges.
    expect(hasRoot(container).some(Boolean)).toBe(false);
  });

  test("keeps the engine's images in a volume that one engine at a time uses", async () => {
    const { service } = bound(shown(await call('smoke', { source }))) ?? {};
    const mounted = service && lastOf(service, 'withMountedCache', '/var/lib/docker');
    expect(cacheOf(mounted)).toBe('modelcars-docker-smoke');
    expect(mounted?.sharing).toBe('LOCKED');
    expect(service && lastOf(service, 'withEnvVariable', 'DOCKER_TLS_CERTDIR')?.value).toBe('');
  });

  test('takes away first what a killed run left there', async () => {
    const container = shown(await call('smoke', { source }));
    const entry = container.calls.find(({ field }) => field === 'withEntrypoint')?.args.args as string[];
    expect(entry.slice(0, 2)).toEqual(['sh', '-c']);
    expect(entry[2]).toMatch(/docker rm --force --volumes.*\nexec "\$@"$/);
    expect(container.calls.at(-1)?.args.useEntrypoint).toBe(true);
  });

  test('builds kind in a step of its own, or takes the one that is given', async () => {
    const kindOf = (container: Recorded) => lastOf(container, 'withFile', '/usr/local/bin/kind')?.source;
    const built = kindOf(shown(await call('smoke', { source }))) as Recorded;
    expect(execs(built)).toEqual([['go', 'install', expect.stringMatching(/^sigs\.k8s\.io\/kind@v\d/)]]);
    expect(JSON.stringify(built)).not.toContain('given');
    const program = given('File', 'kind');
    const smoked = await callChain([
      ['withKind', { program }],
      ['smoke', { source }],
    ]);
    expect(kindOf(shown(smoked))).toEqual(program);
  });

  test('takes every part of the cluster from elsewhere, for where there is no way out', async () => {
    const parts = {
      nodeImage: 'mirror/kindest/node:v1.34.2',
      config: given('File', 'kind.yaml'),
      kserveVersion: 'v0.16.0',
      kserveManifest: [given('File', 'kserve.yaml'), given('File', 'resources.yaml')],
    };
    const container = shown(
      await callChain([
        ['withKind', parts],
        ['withImages', { docker: 'mirror/docker:dind', go: 'mirror/golang' }],
        ['smoke', { source }],
      ]),
    );
    const line = words(container).join(' ');
    expect(line).toContain('--node-image mirror/kindest/node:v1.34.2');
    expect(line).toContain('--kserve-version v0.16.0');
    const pathsOf = (flag: string) => words(container).filter((_, at, all) => all[at - 1] === flag);
    const sourceAt = (path: string) => lastOf(container, 'withMountedFile', path)?.source;
    expect(pathsOf('--kind-config').map(sourceAt)).toEqual([parts.config]);
    expect(pathsOf('--kserve-manifest').map(sourceAt)).toEqual(parts.kserveManifest);
    const images = calls(container, 'from').map(({ args }) => args.address);
    expect(images).toEqual(expect.arrayContaining(['mirror/docker:dind', 'mirror/golang']));
    expect(images.filter((image) => /library\/(docker|golang)/.test(String(image)))).toEqual([]);
  });

  test("pulls the cluster's images with the logins that are given, as a secret", async () => {
    const dockerConfig = given('Secret', 'file:config.json');
    const container = shown(await call('smoke', { source }, { dockerConfig }));
    const [way, ...more] = waysOf(container, dockerConfig);
    expect(more).toEqual([]);
    const folder = lastOf(container, 'withEnvVariable', 'DOCKER_CONFIG')?.value;
    expect(way).toBe(`withMountedSecret ${folder}/config.json`);
  });

  test('with --local needs no cluster, but a pod of its own', async () => {
    const container = shown(
      await callChain([
        ['withImages', { python: 'mirror/python' }],
        ['smoke', { source, local: true }],
      ]),
    );
    expect(words(container)).toEqual(['smoke', '--layout', '/layout', '--local']);
    expect(container.calls.find(({ field }) => field === 'from')?.args.address).toBe('mirror/python');
    expect(hasRoot(container).at(-1)).toBe(true);
    expect(cacheOf(lastOf(container, 'withMountedCache', '/root/.cache'))).toBe('modelcars-servers');
    expect(bound(container)).toBeUndefined();
    expect(builds(container)).toHaveLength(2);
  });

  test('of an existing cluster takes what the registry holds', async () => {
    const kubeconfig = given('Secret', 'file:config');
    const container = shown(
      await callChain([
        ['cluster', { kubeconfig, context: 'prod', namespace: 'models' }],
        ['smoke', { source, registry: 'quay.io/me', version: 'v1.0.0', models: ['iris'] }],
      ]),
    );
    expect(waysOf(container, kubeconfig)).toEqual(['withMountedSecret /run/secrets/kubeconfig']);
    expect(words(container).join(' ')).toBe(
      'smoke iris --version v1.0.0 --remote --registry quay.io/me --context prod --namespace models --kubeconfig /run/secrets/kubeconfig',
    );
    expect(bound(container)).toBeUndefined();
    expect(builds(container)).toEqual([]);
    expect(lastOf(container, 'withEnvVariable', 'MODELCARS_RUN')).toBeDefined();
  });

  test.each<[string, Values]>([
    ['a kind cluster', {}],
    ['--local', { local: true }],
  ])(
    'in %s is the same each time for the same images, so that what passed is remembered',
    async (_, args) => {
      const once = shown(await call('smoke', { source, ...args }));
      expect(shown(await call('smoke', { source, ...args }))).toEqual(once);
    },
  );

  test('that fails says why in the words of the program', async () => {
    const failing: Answer = (asked) => {
      if (asked.field !== 'stdout' || words(asked.object)[0] !== 'smoke') return well(asked);
      throw new ExecFailure(['node'], 1, 'table', 'npm warn\nerror: run kind create: failed\nnext: see\n');
    };
    expect((await call('smoke', { source }, {}, failing)).error).toBe('run kind create: failed\nnext: see');
  });

  test.each([
    [
      'a model that fails, begins with what failed',
      'cluster modelcars-smoke: ready\niris oci openshift: failed: answer: wrong\n\nfailed: iris by oci\n  seen     wrong\n\n1 failed\n',
      'failed: iris by oci\n  seen     wrong\n\n1 failed',
    ],
    [
      'a model that is skipped, has the table with the reason',
      'cluster modelcars-smoke: ready\n\n1 skipped\n',
      'cluster modelcars-smoke: ready\n\n1 skipped\n\nRESULT   WHY\nskipped  no image volumes',
    ],
  ])('of %s', async (_, stderr, message) => {
    const failing: Answer = (asked) => {
      if (asked.field !== 'stdout' || words(asked.object)[0] !== 'smoke') return well(asked);
      throw new ExecFailure(['node'], 1, 'RESULT   WHY\nskipped  no image volumes\n', stderr);
    };
    expect((await call('smoke', { source }, {}, failing)).error).toBe(message);
  });
});

describe.skipIf(missing)('all', () => {
  const args = { source, registry: 'quay.io/me', version: 'v1.0.0', models: ['iris'] };
  const steps = ({ asked }: { asked: { object: Recorded; field: string }[] }) =>
    asked
      .filter(({ field, object }) => field === 'stdout' && execs(object).some(isModelcars))
      .map(({ object }) => object)
      .filter((object) => words(object)[0] !== 'split');

  test('verifies, smokes in a cluster, then pushes', async () => {
    const ran = await call('all', args);
    expect(ran.error).toBe('');
    expect(steps(ran).map((object) => words(object)[0])).toEqual(['verify', 'smoke', 'push']);
    expect(ran.result).toBe('verify said this\nsmoke said this\npush said this');
    const [, smoked] = steps(ran);
    expect(smoked && bound(smoked)?.alias).toBe('docker');
  });

  test('with --local smokes without one', async () => {
    const chain = await callChain([
      ['withImages', { python: 'mirror/python' }],
      ['registry', { address: 'quay.io/me' }],
      ['all', { source, only: ['name=i*'], tags: ['stable'], local: true }],
    ]);
    const [, smoked, pushed] = steps(chain);
    expect(smoked && words(smoked)).toContain('--local');
    expect(pushed && words(pushed).join(' ')).toBe('push --only name=i* --tag stable --registry quay.io/me');
    expect(smoked?.calls.find(({ field }) => field === 'from')?.args.address).toBe('mirror/python');
  });

  test.each(['verify', 'smoke'])('pushes nothing after a %s that failed', async (step) => {
    const failing: Answer = (asked) => {
      if (asked.field !== 'stdout' || words(asked.object)[0] !== step) return well(asked);
      throw new ExecFailure(['node'], 1, '', `error: ${step}: wrong\n`);
    };
    const ran = await call('all', args, {}, failing);
    expect(ran.error).toBe(`${step}: wrong`);
    expect(steps(ran).at(-1) && words(steps(ran).at(-1) as Recorded)[0]).toBe(step);
  });
});

describe.skipIf(missing)('kind', () => {
  test('starts the engine, makes a cluster with KServe in it, and is the service with its API', async () => {
    const { result, error, asked } = await call('kind');
    expect(error).toBe('');
    expect(result.type).toBe('Service');
    expect(asked.map(({ field }) => field)).toEqual(['start', 'sync']);
    const [started, made] = asked.map(({ object }) => object);
    expect(started).toEqual(result);
    const ports = calls(result, 'withExposedPort').map(({ args }) => args);
    // `up` opens all ports: Docker's must not be among them. The API's port responds later, so there is no health
    // check.
    expect(ports).toEqual([{ port: 6443, experimentalSkipHealthcheck: true }]);
    if (!made) throw new Error('nothing was made');
    expect(bound(made)?.service).toEqual(result);
    expect(words(made)).toEqual([
      ...['cluster', '--cluster-name', 'modelcars', '--api-port', '6443'],
      ...['--kubeconfig', '/run/kubeconfig/config', '--cache-images'],
    ]);
    // It blocks no smoke test, and no smoke test blocks it.
    expect(cacheOf(lastOf(result, 'withMountedCache', '/var/lib/docker'))).toBe('modelcars-docker-developer');
    expect(lastOf(made, 'withEnvVariable', 'MODELCARS_RUN')).toBeDefined();
    expect(module.functions.kind?.cache).toBe('never');
  });

  test('leaves the way in for kubeconfig, which turns it to this machine', async () => {
    const { asked } = await call('kind');
    const made = asked.at(-1)?.object as Recorded;
    // To a file: stdout would be shown, and the text contains a key.
    const writes = words(made)[words(made).indexOf('--kubeconfig') + 1];
    const { result, error } = await call('kubeconfig', { port: 16443 });
    expect(error).toBe('');
    expect(result.type).toBe('File');
    const folder = '/run/kubeconfig';
    expect(writes).toBe(`${folder}/config`);
    expect(cacheOf(lastOf(made, 'withMountedCache', folder))).toBe('modelcars-kubeconfig');
    expect(cacheOf(lastOf(result, 'withMountedCache', folder))).toBe('modelcars-kubeconfig');
    expect(execs(result).at(-1)?.at(-1)).toContain('https://localhost:16443,');
    expect(module.functions.kubeconfig?.cache).toBe('never');
  });

  test('without a cluster kubeconfig says what to do', async () => {
    const none: Answer = (asked) => {
      if (asked.field !== 'sync') return well(asked);
      const script = execs(asked.object).at(-1)?.at(-1) ?? '';
      const [, said = ''] = /printf '([^']+)'/.exec(script) ?? [];
      throw new ExecFailure(['sh'], 1, '', said.replaceAll('\\n', '\n'));
    };
    expect((await call('kubeconfig', {}, {}, none)).error).toBe(
      'read the kubeconfig: no cluster was brought up\nnext: dagger call kind up',
    );
  });
});
