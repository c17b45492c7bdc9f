/** What the module's functions ask an engine for: commands, mounts, caches, secrets, and what becomes of a failure. */
import { beforeAll, describe, expect, test } from 'vitest';
import { cacheOf, call, callChain, loadedModule, shown, source, well } from './_calls.ts';
import { given, type Module, missingSdk, type Step } from './_module.ts';
import { calls, execs, isModelcars, lastOf, waysOf, within, words } from './_reading.ts';
import { type Answer, type Call, ExecFailure, type Recorded } from './session.ts';

const missing = await missingSdk();

let module: Module;
beforeAll(async () => {
  if (!missing) module = await loadedModule();
});

describe.skipIf(missing)('push', () => {
  const password = given('Secret', 'env:QUAY_TOKEN');
  const args = { source, registry: 'quay.io/me', version: 'v1.2.0', username: 'me', password };

  test('is one command in a container with the catalog, the program and the caches', async () => {
    const ran = await callChain([
      ['registry', { address: 'quay.io/me' }],
      ['push', { source, version: 'v1.2.0', models: ['iris', 'wine'], only: ['name=i*'], tag: ['stable'] }],
    ]);
    expect(ran.result).toBe('push said this');
    const container = shown(ran);
    expect(words(container)).toEqual([
      ...['push', 'iris', 'wine', '--only', 'name=i*', '--version', 'v1.2.0'],
      ...['--tag', 'stable', '--registry', 'quay.io/me'],
    ]);
    expect(ran.asked.filter(({ field }) => field === 'stdout' || field === 'sync')).toHaveLength(1);
    expect(lastOf(container, 'withDirectory', '/work')?.source).toEqual(source);
    expect(container.calls.findLast(({ field }) => field === 'withWorkdir')?.args.path).toBe('/work');
    expect(cacheOf(lastOf(container, 'withMountedCache', '/store'))).toBe('modelcars-store');
    expect(lastOf(container, 'withEnvVariable', 'MODELCARS_STORE')?.value).toBe('/store');
    expect(cacheOf(lastOf(container, 'withMountedCache', '/root/.npm'))).toBe('modelcars-npm');
    expect(lastOf(container, 'withEnvVariable', 'CI')?.value).toBe('true');
  });

  test('streams: no image goes through the engine', async () => {
    const { asked } = await call('push', args);
    for (const field of ['publish', 'import', 'export', 'asTarball'])
      expect(
        calls(
          asked.map(({ object }) => object),
          field,
        ),
      ).toEqual([]);
    expect(asked.filter(({ field }) => ['publish', 'export', 'contents'].includes(field))).toEqual([]);
  });

  test('gets the password as a secret variable, and as nothing else', async () => {
    const container = shown(await call('push', args));
    expect(waysOf(container, password)).toEqual(['withSecretVariable MODELCARS_REGISTRY_PASSWORD']);
    expect(lastOf(container, 'withEnvVariable', 'MODELCARS_REGISTRY_USERNAME')?.value).toBe('me');
    expect(words(container)).not.toContain('me');
  });

  test.each([
    { username: 'me', password: undefined },
    { username: '', password },
  ])('wants both or neither of user name and password: %j', async (half) => {
    const { error, asked } = await call('push', { ...args, ...half });
    expect(error).toMatch(/^.*--username and --password.*\nnext: /);
    expect(asked).toEqual([]);
  });

  test('of the module itself is that of its registry with the usual options', async () => {
    const short = shown(await call('push', { ...args, models: ['iris'] }));
    const { registry: address, username } = args;
    const chain = shown(
      await callChain([
        ['registry', { address, username, password }],
        ['push', { source, version: 'v1.2.0', models: ['iris'] }],
      ]),
    );
    const isRun = ({ args }: Call) => args.name === 'MODELCARS_RUN';
    expect(short.calls.filter((one) => !isRun(one))).toEqual(chain.calls.filter((one) => !isRun(one)));
    expect(words(short)).toEqual(['push', 'iris', '--version', 'v1.2.0', '--registry', 'quay.io/me']);
  });

  test('reaches a registry that is a service under the name that it has in its address', async () => {
    const service = given('Service', 'tcp://localhost:5000');
    const pushTo = (address: string) =>
      callChain([
        ['registry', { address, service, insecure: ['mirror:5000'] }],
        ['push', { source }],
      ]);
    const container = shown(await pushTo('registry:5000/me'));
    expect(container.calls.find(({ field }) => field === 'withServiceBinding')?.args).toEqual({
      alias: 'registry',
      service,
    });
    expect(words(container).join(' ')).toContain('--insecure mirror:5000 --insecure registry:5000');
    const refused = await pushTo('localhost:5000');
    expect(refused.error).toMatch(/^--service needs a registry with a name.*\nnext: /);
  });

  test('with --dry-run says so', async () => {
    const push = (dryRun: boolean) =>
      callChain([
        ['registry', { address: 'quay.io/me' }],
        ['push', { source, dryRun }],
      ]);
    expect(words(shown(await push(true)))).toContain('--dry-run');
    expect(words(shown(await push(false)))).not.toContain('--dry-run');
  });

  test('passes every override on', async () => {
    const overrides = { base: 'embedded', platforms: ['linux/amd64'], compression: 'zstd', mirrors: ['a=b'] };
    const pushed = await callChain([
      ['withOverrides', overrides],
      ['registry', { address: 'quay.io/me' }],
      ['push', { source }],
    ]);
    expect(words(shown(pushed)).join(' ')).toBe(
      'push --base embedded --platform linux/amd64 --compression zstd --mirror a=b --registry quay.io/me',
    );
  });
});

describe.skipIf(missing)('build-all', () => {
  test('builds each model in a chain of its own, which no other model can change', async () => {
    const { result, error, asked } = await call('buildAll', { source, version: 'v1.0.0' });
    expect(error).toBe('');
    const [first, ...more] = asked.filter(({ field }) => field === 'sync').map(({ object }) => object);
    const [second] = more;
    if (!first || !second) throw new Error('two models, two layouts');
    expect(more).toHaveLength(1);
    expect([words(first).slice(0, 2), words(second).slice(0, 2)]).toEqual([
      ['build', 'iris'],
      ['build', 'wine'],
    ]);
    for (const [layout, own, other] of [
      [first, 'iris', 'wine'],
      [second, 'wine', 'iris'],
    ] as const) {
      const text = JSON.stringify(layout);
      expect(text).toContain(`catalog of ${own}`);
      expect(text).toContain(`models/${own}/**`);
      expect(text).not.toContain(other);
      // The caller's folder comes in through its files alone: a change of another file changes nothing here.
      const ofSource = within(layout).filter((one) => one.calls[0]?.field === 'given');
      const filter = { field: 'filter', args: { include: [`models/${own}/**`] } };
      expect(ofSource).toEqual([{ type: 'Directory', calls: [...source.calls, filter] }]);
    }
    expect(calls(result, 'withDirectory').filter(({ args }) => args.path === 'blobs')).toHaveLength(2);
    const index = calls(result, 'withNewFile').find(({ args }) => args.path === 'index.json');
    expect(JSON.parse(String(index?.args.contents)).manifests).toHaveLength(2);
  });

  test('pulls a base in a step of its own, which the model does not change', async () => {
    const { asked } = await call('buildAll', { source });
    const layouts = asked.filter(({ field }) => field === 'sync').map(({ object }) => object);
    const [iris, wine] = layouts;
    if (!iris || !wine) throw new Error('two models, two layouts');
    const mounted = lastOf(wine, 'withMountedDirectory', '/store/blobs')?.source as Recorded;
    expect(words(mounted)[0]).toBe('bases');
    expect(JSON.stringify(mounted)).toContain('base lock of wine');
    expect(JSON.stringify(mounted)).not.toContain('models/wine');
    expect(lastOf(iris, 'withMountedDirectory', '/store/blobs')).toBeUndefined();
  });

  test('gives the tables of all models as one', async () => {
    const { asked } = await call('buildAll', { source });
    for (const { object } of asked.filter(({ field }) => field === 'sync')) {
      const build = object.calls.findLast(
        ({ field, args }) => field === 'withExec' && isModelcars(args.args as string[]),
      );
      expect(execs(object).at(-1)).toEqual(['mv', build?.args.redirectStdout, '/layout/summary.txt']);
    }
    const { result } = await call('buildAll', { source });
    const [summary] = calls(result, 'withNewFile').filter(({ args }) => args.path === 'summary.txt');
    expect(summary?.args.contents).toBe('NAME  DIGEST\nsome  sha256:0\nsome  sha256:0\n');
  });

  test('passes every override on, to the choice of models and to each build', async () => {
    const overrides = {
      base: 'embedded',
      platforms: ['linux/amd64'],
      compression: 'zstd',
      mirrors: ['a.example=b.example'],
    };
    const { asked } = await callChain([
      ['withOverrides', overrides],
      ['buildAll', { source, only: ['framework=sklearn'], version: 'v2.0.0' }],
    ]);
    const built = asked.filter(({ field }) => field === 'sync').map(({ object }) => words(object).join(' '));
    for (const line of built) {
      for (const flag of [
        '--version v2.0.0',
        '--base embedded',
        '--platform linux/amd64',
        '--compression zstd',
        '--mirror a.example=b.example',
      ])
        expect(line).toContain(flag);
    }
    const [chosen] = asked
      .filter(({ field }) => field === 'stdout')
      .map(({ object }) => words(object).join(' '));
    expect(chosen).toContain('--only framework=sklearn');
    expect(chosen).toContain('--base embedded --platform linux/amd64 --mirror a.example=b.example');
  });

  test('when models fail tells of each, in the words of the program', async () => {
    const failing: Answer = (asked) => {
      if (asked.field !== 'sync') return well(asked);
      const model = words(asked.object)[1];
      const stderr = `npm warn whatever\nerror: ${model}: read hf://org/${model}: 401\nnext: set HF_TOKEN\n`;
      throw new ExecFailure(['node'], 1, 'table', stderr);
    };
    const { error } = await call('buildAll', { source }, {}, failing);
    expect(error.split('\n')).toEqual([
      'iris: read hf://org/iris: 401',
      'next: set HF_TOKEN',
      'error: wine: read hf://org/wine: 401',
      'next: set HF_TOKEN',
    ]);
  });
});

describe.skipIf(missing)('the others', () => {
  test('build imports one platform of one model', async () => {
    const { result } = await call('build', { source, model: 'iris' });
    expect(result.type).toBe('Container');
    expect(result.calls[0]).toEqual({ field: 'container', args: { platform: 'linux/arm64' } });
    const archive = result.calls.find(({ field }: { field: string }) => field === 'import').args.source;
    expect(JSON.stringify(archive)).toContain('"build","iris"');
    expect(JSON.stringify(archive)).toContain('"--platform","linux/arm64"');
    expect(JSON.stringify(archive)).not.toContain('wine');
  });

  test('verify looks at what build-all built, and that of a registry at what it holds', async () => {
    const container = shown(await call('verify', { source }));
    expect(words(container)).toEqual(['verify', '--output', '/layout']);
    const layout = lastOf(container, 'withMountedDirectory', '/layout')?.source as Recorded;
    expect(
      calls(layout, 'withExec').filter(({ args }) => (args.args as string[])[2] === 'build'),
    ).toHaveLength(2);
    const remote = shown(
      await callChain([
        ['registry', { address: 'quay.io/me' }],
        ['verify', { source }],
      ]),
    );
    expect(words(remote)).toEqual(['verify', '--remote', '--registry', 'quay.io/me']);
    expect(lastOf(remote, 'withMountedDirectory', '/layout')).toBeUndefined();
  });

  test('lock returns the new lock', async () => {
    const { result } = await call('lock', { source, models: ['iris'] });
    expect(result.type).toBe('File');
    expect(result.calls.at(-1)).toEqual({ field: 'file', args: { path: '/work/models.lock.yaml' } });
    expect(words(result)).toEqual(['lock', 'iris']);
  });

  test('list shows the catalog and makes a matrix', async () => {
    expect(words(shown(await call('list', { source })))).toEqual(['list']);
    const matrix = shown(await call('list', { source, matrix: 'github', only: ['name=i*'] }));
    expect(words(matrix)).toEqual(['list', '--only', 'name=i*', '--matrix', 'github']);
  });

  test('cache brings models into the bucket', async () => {
    const args = { source, modelName: 'org/name', bucket: 'b', prefix: 'p/' };
    expect(words(shown(await call('cache', args)))).toEqual([
      'cache',
      '--model-name',
      'org/name',
      '--bucket',
      'b',
      '--prefix',
      'p/',
    ]);
  });

  test.each([
    ['lint', 'biome'],
    ['types', 'tsc'],
    ['tests', 'vitest'],
  ])('%s is a check that runs %s on the repository', async (name, tool) => {
    const container = shown(await call(name));
    expect(execs(container).at(-1)?.join(' ')).toContain(tool);
    expect(module.functions[name]?.isCheck).toBe(true);
  });

  test('a failure without our words is shown as it is', async () => {
    const broken: Answer = () => {
      throw new ExecFailure(['npm', 'ci'], 1, '', 'npm error network\n');
    };
    expect((await call('list', { source }, {}, broken)).error).toBe('npm error network');
  });
});

describe.skipIf(missing)('what acts outside the engine', () => {
  const isRun = ({ args }: Call) => args.name === 'MODELCARS_RUN';

  test.each<[string, Step[]]>([
    ['push', [['push', { source, registry: 'quay.io/me' }]]],
    ['lock', [['lock', { source }]]],
    ['cache', [['cache', { source }]]],
    [
      'verify of a registry',
      [
        ['registry', { address: 'quay.io/me' }],
        ['verify', { source }],
      ],
    ],
    [
      'smoke in a cluster',
      [
        ['cluster', { kubeconfig: given('Secret', 'file:config') }],
        ['smoke', { source }],
      ],
    ],
  ])('%s runs each time, whatever the engine remembers', async (_, chain) => {
    const run = async () => {
      const ran = await callChain(chain);
      return ran.result?.calls ? (ran.result as Recorded) : shown(ran);
    };
    const [once, again] = [await run(), await run()];
    expect(once).not.toEqual(again);
    expect(once.calls.filter((one) => !isRun(one))).toEqual(again.calls.filter((one) => !isRun(one)));
    // What comes before is the same, so that only the work itself runs again.
    const before = once.calls.slice(0, once.calls.findIndex(isRun));
    expect(execs({ ...once, calls: before })).toEqual([expect.arrayContaining(['npm', 'ci'])]);
  });

  test('what the engine can remember is the same each time', async () => {
    const layouts = async () => {
      const { asked } = await call('buildAll', { source });
      return asked.filter(({ field }) => field === 'sync').map(({ object }) => object);
    };
    expect(await layouts()).toEqual(await layouts());
  });
});

describe.skipIf(missing)('every run', () => {
  const buckets = { region: 'eu-central-1', endpoint: 'https://s3.example.com' };
  const own = {
    dockerConfig: given('Secret', 'file:config.json'),
    caFile: given('File', 'ca.pem'),
    plainHttp: ['mirror:5000'],
  };

  test.each(['push', 'lock', 'buildAll'])(
    'of %s knows region, server, login file, authorities and hosts without TLS',
    async (name) => {
      const args = { source, ...(name === 'push' && { registry: 'quay.io/me' }) };
      const { result, asked } = await callChain(
        [
          ['withBuckets', buckets],
          [name, args],
        ],
        own,
      );
      const all: Recorded[] = [...asked.map(({ object }) => object), ...(result?.calls ? [result] : [])];
      const container = all.find(
        (one) => execs(one).some((argv) => isModelcars(argv)) && words(one)[0] !== 'split',
      );
      if (!container) throw new Error('nothing ran');
      expect(lastOf(container, 'withEnvVariable', 'AWS_REGION')?.value).toBe('eu-central-1');
      expect(lastOf(container, 'withEnvVariable', 'S3_ENDPOINT_URL')?.value).toBe('https://s3.example.com');
      const login = container.calls.find(({ field }) => field === 'withMountedSecret')?.args;
      expect(login?.source).toEqual(own.dockerConfig);
      expect(lastOf(container, 'withEnvVariable', 'REGISTRY_AUTH_FILE')?.value).toBe(login?.path);
      const authorities = container.calls.find(({ field }) => field === 'withMountedFile')?.args;
      expect(authorities?.source).toEqual(own.caFile);
      expect(words(container).join(' ')).toContain(`--ca-file ${authorities?.path}`);
      expect(words(container).join(' ')).toContain('--insecure mirror:5000');
    },
  );

  test('is of the program without its tests, so that a changed one rebuilds no image', async () => {
    const container = shown(await call('list', { source }));
    const program = calls(container, 'filter').find(({ args }) =>
      (args.include as string[]).includes('scripts'),
    );
    expect(program?.args.exclude).toContain('**/*.test.ts');
    const copied = container.calls.filter(
      ({ field, args }) => field === 'withDirectory' && args.path === '/modelcars',
    );
    for (const { args } of copied) expect((args.source as Recorded).calls.at(-1)?.field).toBe('filter');
  });
});

describe.skipIf(missing)('secrets', () => {
  const ways = {
    hfToken: 'withSecretVariable HF_TOKEN',
    dockerConfig: 'withMountedSecret /run/secrets/registry/config.json',
    accessKeyId: 'withSecretVariable AWS_ACCESS_KEY_ID',
    secretAccessKey: 'withSecretVariable AWS_SECRET_ACCESS_KEY',
    sessionToken: 'withSecretVariable AWS_SESSION_TOKEN',
  };
  const secrets = Object.fromEntries(Object.keys(ways).map((name) => [name, given('Secret', `env:${name}`)]));
  const { hfToken, dockerConfig, ...buckets } = secrets;
  const own = { hfToken, dockerConfig };

  test.each(['push', 'lock', 'cache', 'buildAll'])('reach %s as secrets, each by one way', async (name) => {
    const args = { source, ...(name === 'push' && { registry: 'quay.io/me' }) };
    const { result, asked } = await callChain(
      [
        ['withBuckets', buckets],
        [name, args],
      ],
      own,
    );
    const containers = [...asked.map(({ object }) => object), ...(result?.calls ? [result] : [])];
    const all = containers.flatMap(within).filter((one) => execs(one).some((argv) => isModelcars(argv)));
    expect(all).not.toEqual([]);
    for (const [secret, way] of Object.entries(ways)) {
      const found = all.flatMap((container) => waysOf(container, secrets[secret] as Recorded));
      expect([...new Set(found)]).toEqual([way]);
    }
  });

  test('are never asked for in plain text', async () => {
    const push: Step = ['push', { source, registry: 'quay.io/me' }];
    const { queries } = await callChain([['withBuckets', buckets], push], own);
    for (const query of queries) expect(query).not.toMatch(/plaintext|setSecret|withNewFile.*env:/);
  });
});

describe.skipIf(missing)('images of our own', () => {
  test('loader is built as a model is, on the given base', async () => {
    const { result } = await call('loader', { base: 'mirror/node:24' });
    expect(result.calls[0]).toEqual({ field: 'container', args: { platform: 'linux/arm64' } });
    const archive = result.calls.at(-1).args.source as Recorded;
    expect(archive.calls.at(-1)).toEqual({ field: 'file', args: { path: '/image.tar' } });
    expect(words(archive)).toEqual([
      ...['build', '--no-frozen', '--platform', 'linux/arm64', '--output', '/image.tar'],
    ]);
    const [catalog] = calls(archive, 'withNewFile');
    expect(JSON.parse(String(catalog?.args.contents)).models).toEqual([
      { name: 'model-loader', image: 'loader', base: 'mirror/node:24', version: 'v0.0.0' },
    ]);
  });

  test('base is the layout that is in the repository', async () => {
    const { result } = await call('base');
    const archive = result.calls.at(-1).args.source as Recorded;
    const layout = lastOf(archive, 'withMountedDirectory', '/layout')?.source as Recorded;
    expect(layout.calls.at(-1)).toEqual({ field: 'directory', args: { path: 'base/layout' } });
    expect(execs(archive)).toEqual([
      ['tar', '-C', '/layout', '-cf', '/image.tar', 'oci-layout', 'index.json', 'blobs'],
    ]);
  });
});
