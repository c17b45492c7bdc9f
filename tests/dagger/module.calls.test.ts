/**
 * The requests of `build-all`, `build`, `verify` and the other functions to an engine, and the handling of failures.
 */
import { describe, expect, test } from 'vitest';
import { call, callChain, loadedModule, type Ran, shown, source, well } from './_calls.ts';
import { missingSdk } from './_module.ts';
import { calls, execs, isModelcars, lastOf, within, words } from './_reading.ts';
import { type Answer, ExecFailure, type Recorded } from './session.ts';

const missing = await missingSdk();

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
      // The caller's folder enters only through the model's files: a change of another file changes nothing here.
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

  test.each([
    ['two causes', (model: string) => `${model} is gone`, ['iris is gone', 'wine is gone']],
    ['one cause', () => '503', ['503']],
  ])(
    'when models fail for %s gives one message for each, in the words of the program',
    async (_, cause, all) => {
      const failing: Answer = (asked) => {
        if (asked.field !== 'sync') return well(asked);
        const model = words(asked.object)[1] ?? '';
        const stderr = `npm warn whatever\nerror: ${model}: read hf://org/${model}: ${cause(model)}\nnext: wait\n`;
        throw new ExecFailure(['node'], 1, 'table', stderr);
      };
      const { error } = await call('buildAll', { source }, {}, failing);
      const [iris, wine] = ['iris: read hf://org/iris', 'error: wine: read hf://org/wine'];
      expect(error.split('\n')).toEqual(
        all.length === 1
          ? [`${iris}: 503`, 'The same stopped wine.', 'next: wait']
          : [`${iris}: ${all[0]}`, 'next: wait', `${wine}: ${all[1]}`, 'next: wait'],
      );
    },
  );
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
    expect(words(container)).toEqual(['verify', '--layout', '/layout']);
    const layout = lastOf(container, 'withMountedDirectory', '/layout')?.source as Recorded;
    expect(
      calls(layout, 'withExec').filter(
        ({ args: { args } }) => isModelcars(args as string[]) && (args as string[])[2] === 'build',
      ),
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
    expect(result.calls.at(-1)).toEqual({ field: 'file', args: { path: '/catalog/models.lock.yaml' } });
    expect(words(result)).toEqual(['lock', 'iris']);
    const { result: upgraded } = await call('lock', {
      source,
      models: ['iris'],
      upgrade: true,
      only: ['name=i*'],
    });
    expect(words(upgraded)).toEqual(['lock', 'iris', '--upgrade', '--only', 'name=i*']);
  });

  test('list shows the catalog and makes a matrix', async () => {
    expect(words(shown(await call('list', { source })))).toEqual(['list']);
    const matrix = shown(await call('list', { source, matrix: 'github', only: ['name=i*'] }));
    expect(words(matrix)).toEqual(['list', '--only', 'name=i*', '--matrix', 'github']);
    const ofModelcars: Answer = (asked) => (asked.field === 'exists' ? true : well(asked));
    const named = await call('list', { source }, {}, ofModelcars);
    expect(named.result).toMatch(/^list said this\nThese are the example models of modelcars itself/);
    expect((await call('list', { source, matrix: 'plain' }, {}, ofModelcars)).result).toBe('list said this');
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

  test('a failure without our words is shown as it is', async () => {
    const broken: Answer = () => {
      throw new ExecFailure(['npm', 'ci'], 1, '', 'npm error network\n');
    };
    expect((await call('list', { source }, {}, broken)).error).toBe('npm error network');
  });
});

describe.skipIf(missing)('checks', () => {
  const catalog =
    (text: string): Answer =>
    (asked) =>
      asked.field === 'contents' && asked.object.calls.at(-1)?.args.path === 'models.yaml'
        ? text
        : well(asked);
  const commands = (ran: Ran) => {
    expect(ran.error).toBe('');
    const ends = ran.asked.filter(({ field }) => field === 'stdout' || field === 'sync');
    return ends.map(({ object }) => words(object).join(' '));
  };

  test('are about the models of the caller', async () => {
    const { functions } = await loadedModule();
    const checks = Object.values(functions).filter(({ isCheck }) => isCheck);
    expect(checks.map(({ name }) => name)).toEqual([
      ...['lockIsCurrent', 'imageContract', 'licences', 'signatures'],
    ]);
    for (const { arguments: list } of checks) expect(Object.keys(list)).toEqual(['source']);
  });

  test('run the commands that find a stale lock and a broken image', async () => {
    expect(commands(await call('lockIsCurrent', { source }))).toEqual(['lock --frozen']);
    expect(commands(await call('imageContract', { source })).at(-1)).toBe('verify --layout /layout');
  });

  test('of licences and signatures ask only what the catalog wants', async () => {
    const bare = catalog('models: []\n');
    expect(commands(await call('licences', { source }, {}, bare))).toEqual([]);
    expect(commands(await call('signatures', { source }, {}, bare))).toEqual([]);
    const full = catalog('registry: a.example\ntrust: {}\nallowLicenses: [MIT]\n');
    expect(commands(await call('licences', { source }, {}, full))).toEqual(['build --dry-run']);
    expect(commands(await call('signatures', { source }, {}, full))).toEqual(['verify --remote']);
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
    expect(layout.calls.at(-1)).toEqual({ field: 'directory', args: { path: '/modelcars/base/layout' } });
    expect(execs(archive)).toEqual([
      ['tar', '-C', '/layout', '-cf', '/image.tar', 'oci-layout', 'index.json', 'blobs'],
    ]);
  });
});
