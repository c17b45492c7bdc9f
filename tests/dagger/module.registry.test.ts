/** The functions of a registry besides `push` and `verify`: their command lines. */
import { describe, expect, test } from 'vitest';
import { callChain, shown, source } from './_calls.ts';
import { given, missingSdk, type Step } from './_module.ts';
import { words } from './_reading.ts';

const missing = await missingSdk();

describe.skipIf(missing)('the other functions of a registry', () => {
  const registry: Step = ['registry', { address: 'a.example/me' }];
  const identityToken = given('Secret', 'env:ID_TOKEN');
  const signing: Step = ['withSigning', { identityToken }];
  const place = '--registry a.example/me';

  test.each<[string, Step[], string]>([
    [
      'sign',
      [signing, registry, ['sign', { source, models: ['iris'], dryRun: true }]],
      `sign iris --identity-token /run/secrets/identity/token --dry-run ${place}`,
    ],
    [
      'promote',
      [registry, ['promote', { source, from: 'b.example', images: ['iris@v1.2.3'] }]],
      'promote iris@v1.2.3 --from b.example --to a.example/me',
    ],
    [
      'rebase',
      [signing, registry, ['rebase', { source, pull: true, version: 'v1.2.4' }]],
      `rebase --version v1.2.4 --pull --sign --identity-token /run/secrets/identity/token ${place}`,
    ],
    [
      'register',
      [registry, ['register', { source, modelRegistry: 'https://mr.example' }]],
      `register --model-registry https://mr.example ${place}`,
    ],
    [
      'manifest',
      [registry, ['manifest', { source, namespace: 'models', pullSecrets: ['quay'] }]],
      `manifest --remote --namespace models --pull-secret quay ${place}`,
    ],
    ['bom', [registry, ['bom', { source, model: 'iris' }]], `bom iris --remote ${place}`],
    [
      'diff',
      [registry, ['diff', { source, from: 'iris@v1.2.3', to: ':v1.2.4', readLayers: true }]],
      `diff iris@v1.2.3 :v1.2.4 --read-layers ${place}`,
    ],
    [
      'ECR',
      [
        ['registry', { address: 'a.example/me', createRepository: true }],
        ['push', { source }],
      ],
      `push --create-repository ${place}`,
    ],
  ])('%s', async (_, chain, expected) => {
    expect(words(shown(await callChain(chain))).join(' ')).toBe(expected);
  });

  test('catalog gives the pages', async () => {
    const { result, error } = await callChain([registry, ['catalog', { source, title: 'Models' }]]);
    expect(error).toBe('');
    expect(result.calls.at(-1)).toEqual({ field: 'directory', args: { path: '/site' } });
    expect(words(result).join(' ')).toBe(`catalog --title Models --remote --output /site ${place}`);
  });

  test('pull gives the model files', async () => {
    const selected = { include: ['*.json'], exclude: ['b*'], platform: 'linux/arm64' };
    const chain: Step[] = [
      ['withSigstore', { trustedRoot: given('File', 'root.json') }],
      registry,
      ['pull', { source, image: 'iris@v1.2.3', ...selected }],
    ];
    const { result, error } = await callChain(chain);
    expect(error).toBe('');
    expect(result.calls.at(-1)).toEqual({ field: 'directory', args: { path: '/model' } });
    const line = 'pull iris@v1.2.3 --include *.json --exclude b* --platform linux/arm64 --output /model';
    expect(words(result).join(' ')).toBe(`${line} --trusted-root /run/sigstore/trusted-root.json ${place}`);
  });

  test('pull and diff take images as the caller names them in a service', async () => {
    const local: Step = [
      'registry',
      { address: 'localhost:5000/me', service: given('Service', 'tcp://localhost:5000') },
    ];
    const image = 'localhost:5000/me/iris:v1';
    const { result } = await callChain([local, ['pull', { source, image }]]);
    expect(words(result)[1]).toBe('registry0:5000/me/iris:v1');
    const compared = await callChain([local, ['diff', { source, from: image, to: ':v2' }]]);
    expect(words(shown(compared)).slice(1, 3)).toEqual(['registry0:5000/me/iris:v1', ':v2']);
  });

  test('sign without a signer names the function that sets one', async () => {
    const { error, asked } = await callChain([registry, ['sign', { source }]]);
    expect(error).toMatch(/^sign: no signer\nnext: .*with-signing/);
    expect(asked).toEqual([]);
  });
});
