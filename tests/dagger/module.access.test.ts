/**
 * The access that every function's steps have: credentials and network, the program without tests, and the steps that
 * run on every call.
 */
import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { developerPackages, programFiles } from '../../dagger/src/program-files.ts';
import { call, callChain, shown, source } from './_calls.ts';
import { given, missingSdk, type Step } from './_module.ts';
import { calls, execs, isModelcars, lastOf, waysOf, within, words } from './_reading.ts';
import type { Call, Recorded } from './session.ts';

const missing = await missingSdk();
const root = fileURLToPath(new URL('../..', import.meta.url));

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
    // The calls before it are the same, so that only the work itself runs again.
    const before = once.calls.slice(0, once.calls.findIndex(isRun));
    expect(execs({ ...once, calls: before })).toEqual([]);
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
    hfEndpoint: 'https://mirror.example.com/hf',
  };
  const network = { httpsProxy: 'http://proxy:3128', noProxy: '.local', insecure: ['mirror:5000'] };

  test.each(['push', 'lock', 'buildAll'])(
    'of %s knows region, servers, proxies, login file, authorities and hosts without TLS',
    async (name) => {
      const args = { source, ...(name === 'push' && { registry: 'quay.io/me' }) };
      const { result, asked } = await callChain(
        [
          ['withBuckets', buckets],
          ['withNetwork', network],
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
      expect(lastOf(container, 'withEnvVariable', 'HF_ENDPOINT')?.value).toBe(own.hfEndpoint);
      expect(lastOf(container, 'withEnvVariable', 'HTTPS_PROXY')?.value).toBe('http://proxy:3128');
      expect(lastOf(container, 'withEnvVariable', 'NO_PROXY')?.value).toBe('.local');
      const login = container.calls.find(({ field }) => field === 'withMountedSecret')?.args;
      expect(login?.source).toEqual(own.dockerConfig);
      expect(lastOf(container, 'withEnvVariable', 'REGISTRY_AUTH_FILE')?.value).toBe(login?.path);
      const authorities = container.calls.find(({ field }) => field === 'withMountedFile')?.args;
      expect(authorities?.source).toEqual(own.caFile);
      expect(words(container).join(' ')).toContain(`--ca-file ${authorities?.path}`);
      expect(words(container).join(' ')).toContain('--insecure mirror:5000');
    },
  );
});

describe.skipIf(missing)('the program', () => {
  const built = async (own = {}) => {
    const container = shown(await call('list', { source }, own));
    const program = lastOf(container, 'withDirectory', '/modelcars')?.source as Recorded;
    return { container, program };
  };

  test('is that of the module, whatever folder the caller is in', async () => {
    const { program } = await built();
    const roots = within(program).filter(({ type }) => type === 'Directory');
    expect(roots.map(({ calls: [first] }) => first?.field)).toContain('modelcarsProgram');
    expect(JSON.stringify(program)).not.toContain('"context"');
  });

  test('is that of --code in development, without its tests', async () => {
    const code = given('Directory', '.');
    const { program } = await built({ code });
    expect(JSON.stringify(program)).not.toContain('modelcarsProgram');
    const [filter] = calls(program, 'filter').filter(({ args }) =>
      (args.include as string[]).includes('scripts'),
    );
    expect(filter?.args.exclude).toContain('**/*.test.ts');
  });

  test('is built once, with the packages of the registry that the caller names', async () => {
    const { container, program } = await built({ npmRegistry: 'https://npm.example.com' });
    const [builder] = within(program).filter((one) => execs(one).length > 0);
    const left = developerPackages.map((name) => `devDependencies.${name}`);
    expect(builder && execs(builder)).toEqual([
      ['sh', '-c', 'npm pkg delete "$@" && npm ci --no-audit --no-fund', 'sh', ...left],
      ['npm', 'run', 'build'],
    ]);
    const registry = builder && lastOf(builder, 'withEnvVariable', 'npm_config_registry');
    expect(registry?.value).toBe('https://npm.example.com');
    expect(builder && lastOf(builder, 'withEnvVariable', 'MODELCARS_BUILD')?.value).toBe('program');
    // None of the packages, but the pinned Node.
    expect(execs(container)).toHaveLength(1);
    expect(program.calls.at(-1)?.args.path).toBe('bin/node');
  });

  test('is built without the packages that only tests and checks import', async () => {
    const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
    const names = Object.keys(manifest.devDependencies as Record<string, string>);
    const sources = globSync('{scripts,frameworks}/**/*.ts', { cwd: root });
    const files = ['rolldown.config.ts', ...sources.filter((file) => !file.endsWith('.test.ts'))];
    const texts = await Promise.all(files.map((file) => readFile(join(root, file), 'utf8')));
    const isImported = (name: string) => texts.some((text) => new RegExp(`['"]${name}['"/]`).test(text));
    // It runs in Node's package.
    const left = names.filter((name) => name !== 'node' && !isImported(name));
    expect(developerPackages).toEqual(left.toSorted());
  });

  test('has the files of the published package, from the same places in both ways', async () => {
    const { program } = await built();
    const include = program.calls.find(({ field }) => field === 'withDirectory')?.args.include as string[];
    const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { files: string[] };
    for (const file of manifest.files.filter((one) => !one.startsWith('!') && one !== 'CHANGELOG.md'))
      expect(include.some((part) => file === part || file.startsWith(`${part}/`))).toBe(true);
    const dang = await readFile(join(root, 'dagger/program/main.dang'), 'utf8');
    const patterns = [...dang.matchAll(/^ +"([^"]+)",$/gm)].map(([, pattern = '']) => pattern);
    const { include: files, exclude } = programFiles;
    expect(patterns).toEqual(['*', ...files.map((file) => `!${file}`), ...exclude]);
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
