/** `push` and the chain `registry … push`: one command, with its words, credentials and connections to the registry. */
import { describe, expect, test } from 'vitest';
import { cacheOf, call, callChain, shown, source, well } from './_calls.ts';
import { given, missingSdk, type Step, type Values } from './_module.ts';
import { calls, lastOf, waysOf, words } from './_reading.ts';
import { type Answer, type Call, ExecFailure } from './session.ts';

const missing = await missingSdk();

describe.skipIf(missing)('push', () => {
  const password = given('Secret', 'env:QUAY_TOKEN');
  const args = { source, registry: 'quay.io/me', version: 'v1.2.0', username: 'me', password };

  test('is one command in a container with the catalog, the program and the caches', async () => {
    const ran = await callChain([
      ['registry', { address: 'quay.io/me' }],
      ['push', { source, version: 'v1.2.0', models: ['iris', 'wine'], only: ['name=i*'], tags: ['stable'] }],
    ]);
    expect(ran.result).toBe('push said this');
    const container = shown(ran);
    expect(words(container)).toEqual([
      ...['push', 'iris', 'wine', '--only', 'name=i*', '--version', 'v1.2.0'],
      ...['--tag', 'stable', '--registry', 'quay.io/me'],
    ]);
    expect(ran.asked.filter(({ field }) => field === 'stdout' || field === 'sync')).toHaveLength(1);
    expect(lastOf(container, 'withDirectory', '/catalog')?.source).toEqual(source);
    expect(container.calls.findLast(({ field }) => field === 'withWorkdir')?.args.path).toBe('/catalog');
    expect(cacheOf(lastOf(container, 'withMountedCache', '/store'))).toBe('modelcars-store');
    expect(lastOf(container, 'withEnvVariable', 'MODELCARS_STORE')?.value).toBe('/store');
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
    const refused = await pushTo('');
    expect(refused.error).toMatch(/^--service needs the address of a registry.*\nnext: /);
  });

  test.each([
    ['localhost:5000/me', 'registry0'],
    ['192.0.2.7:5000/me', 'registry0'],
    ['[::1]:5000/me', 'regis'],
  ])('%s is called %s within, which is as long, and not in what is shown', async (address, alias) => {
    const service = given('Service', 'tcp://localhost:5000');
    const answer: Answer = (asked) =>
      asked.field === 'stdout' ? `pushed ${alias}:5000/me/iris` : well(asked);
    const ran = await callChain(
      [
        ['registry', { address, service }],
        ['push', { source }],
      ],
      {},
      answer,
    );
    const container = shown(ran);
    expect(container.calls.find(({ field }) => field === 'withServiceBinding')?.args).toMatchObject({
      alias,
    });
    expect(words(container).join(' ')).toContain(`--registry ${alias}:5000/me --insecure ${alias}:5000`);
    expect(ran.result).toBe(`pushed ${address}/iris`);
  });

  test('to this machine without a service names the service', async () => {
    const { error, asked } = await call('push', { source, registry: 'localhost:5000/me' });
    expect(error).toMatch(/^reach localhost:5000\/me: .*\nnext: .*--service tcp:\/\/localhost:5000 push/);
    expect(asked).toEqual([]);
  });

  test.each(['push', 'all'])(
    '%s refuses the example models of modelcars unless they are named',
    async (name) => {
      const answer: Answer = (asked) => (asked.field === 'exists' ? true : well(asked));
      const refused = await call(name, { source, registry: 'quay.io/me' }, {}, answer);
      expect(refused.error).toMatch(/example models\nnext: .*--source/);
      expect(refused.asked.map(({ field }) => field)).toEqual(['exists']);
      const named = await call(name, { source, registry: 'quay.io/me', models: ['iris'] }, {}, answer);
      expect(named.error).toBe('');
    },
  );

  test('signs with a key or an identity, given as secrets', async () => {
    const key = given('Secret', 'env:KEY');
    const keyPassword = given('Secret', 'env:PASSWORD');
    const identityToken = given('Secret', 'env:ID_TOKEN');
    const push = async (signing: Values) =>
      shown(
        await callChain([
          ['withSigning', signing],
          ['push', { source, registry: 'quay.io/me' }],
        ]),
      );
    const byKey = await push({ key, keyPassword, attest: true });
    expect(waysOf(byKey, key)).toEqual(['withSecretVariable MODELCARS_SIGNING_KEY']);
    expect(waysOf(byKey, keyPassword)).toEqual(['withSecretVariable MODELCARS_KEY_PASSWORD']);
    expect(words(byKey).join(' ')).toContain('--sign --key env://MODELCARS_SIGNING_KEY --attest');
    const byIdentity = await push({ identityToken });
    const [way = ''] = waysOf(byIdentity, identityToken);
    expect(way).toMatch(/^withMountedSecret /);
    expect(words(byIdentity).join(' ')).toContain(`--sign --identity-token ${way.split(' ')[1]}`);
    const neither = await callChain([
      ['withSigning', {}],
      ['push', { source }],
    ]);
    expect(neither.error).toMatch(/^with-signing takes a key or an identity token\nnext: /);
  });

  test('signs by a private Sigstore, whose files verify too', async () => {
    const trustedRoot = given('File', 'root.json');
    const sigstore: Step = [
      'withSigstore',
      { fulcioUrl: 'https://fulcio', rekorUrl: 'https://rekor', trustedRoot },
    ];
    const signing: Step = ['withSigning', { identityToken: given('Secret', 'env:ID_TOKEN') }];
    const pushed = shown(await callChain([sigstore, signing, ['push', { source, registry: 'a.example' }]]));
    expect(words(pushed).join(' ')).toContain(
      '--fulcio-url https://fulcio --rekor-url https://rekor --trusted-root /run/sigstore/trusted-root.json',
    );
    const chain: Step[] = [sigstore, ['registry', { address: 'a.example' }], ['verify', { source }]];
    const verified = shown(await callChain(chain));
    expect(words(verified)).toEqual([
      ...['verify', '--trusted-root', '/run/sigstore/trusted-root.json'],
      ...['--remote', '--registry', 'a.example'],
    ]);
    expect(lastOf(verified, 'withMountedFile', '/run/sigstore/trusted-root.json')?.source).toEqual(
      trustedRoot,
    );
  });

  test('of one model gives its image, for other modules', async () => {
    const printed = {
      models: [
        {
          name: 'quay.io/me/iris',
          digest: 'sha256:1',
          tags: [
            { tag: 'v1.0.0', current: true },
            { tag: 'latest', current: false },
          ],
        },
      ],
    };
    const answer: Answer = (asked) => (asked.field === 'stdout' ? JSON.stringify(printed) : well(asked));
    const chain: Step[] = [
      ['model', { name: 'iris', source }],
      ['push', { registry: 'quay.io/me', version: 'v1.0.0' }],
    ];
    const ran = await callChain(chain, {}, answer);
    expect(ran.error).toBe('');
    expect({ ...ran.result }).toEqual({
      name: 'quay.io/me/iris',
      digest: 'sha256:1',
      ref: 'quay.io/me/iris@sha256:1',
      tags: ['v1.0.0'],
    });
    expect(words(shown(ran))).toEqual([
      ...['push', 'iris', '--version', 'v1.0.0', '--registry', 'quay.io/me', '--json'],
    ]);
  });

  test('that fails with --json has the words of the document', async () => {
    const failing: Answer = (asked) => {
      if (asked.field !== 'stdout') return well(asked);
      const error = { message: 'push iris: refused', next: 'run `modelcars lock`' };
      throw new ExecFailure(['node'], 1, JSON.stringify({ models: [{ error }] }), '');
    };
    const { error } = await callChain(
      [
        ['model', { name: 'iris', source }],
        ['push', { registry: 'a.example' }],
      ],
      {},
      failing,
    );
    expect(error).toBe('push iris: refused\nnext: run `dagger call lock export --path models.lock.yaml`');
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
