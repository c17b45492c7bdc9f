/** `push` and the chain `registry … push`: one command, with its words, credentials and connections to the registry. */
import { describe, expect, test } from 'vitest';
import { cacheOf, call, callChain, shown, source } from './_calls.ts';
import { given, missingSdk } from './_module.ts';
import { calls, lastOf, waysOf, words } from './_reading.ts';
import type { Call } from './session.ts';

const missing = await missingSdk();

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
