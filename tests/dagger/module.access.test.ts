/**
 * The access that every function's steps have: credentials and network, the program without tests, and the steps that
 * run on every call.
 */
import { describe, expect, test } from 'vitest';
import { call, callChain, shown, source } from './_calls.ts';
import { given, missingSdk, type Step } from './_module.ts';
import { calls, execs, isModelcars, lastOf, waysOf, within, words } from './_reading.ts';
import type { Call, Recorded } from './session.ts';

const missing = await missingSdk();

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
