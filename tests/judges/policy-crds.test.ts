/** The policies of `modelcars policy`, validated against the definitions of their kinds by Kubernetes' own code. */
import { describe, expect, test } from 'vitest';
import { makePolicy } from '../../scripts/trust/policy/make-policy.ts';
import type { PolicyInput, PolicyKind, PolicyObject } from '../../scripts/trust/policy/types.ts';
import { crdJudge, type Definition } from './_crds.ts';

const judge = await crdJudge();

/** Kind of an object → the module with its definition, and the file in it. */
const definitions: Record<string, Definition> = {
  'config.openshift.io/v1 ClusterImagePolicy': {
    module: 'github.com/openshift/api',
    version: 'v0.0.0-20260728120005-8ba0b25b0f29',
    file: 'config/v1/zz_generated.crd-manifests/0000_10_config-operator_01_clusterimagepolicies.crd.yaml',
  },
  'policy.sigstore.dev/v1beta1 ClusterImagePolicy': {
    module: 'github.com/sigstore/policy-controller',
    version: 'v0.13.1',
    file: 'config/300-clusterimagepolicy.yaml',
  },
  'policy.sigstore.dev/v1alpha1 TrustRoot': {
    module: 'github.com/sigstore/policy-controller',
    version: 'v0.13.1',
    file: 'config/300-trustroot.yaml',
  },
  'kyverno.io/v1 ClusterPolicy': {
    module: 'github.com/kyverno/kyverno',
    version: 'v1.19.1',
    file: 'config/crds/kyverno/kyverno.io_clusterpolicies.yaml',
  },
  'policies.kyverno.io/v1 ImageValidatingPolicy': {
    module: 'github.com/kyverno/api',
    version: 'v0.0.1-alpha.3.0.20260723090831-fb2785727f98',
    file: 'config/crds/policies.kyverno.io_imagevalidatingpolicies.yaml',
  },
};

async function check(object: PolicyObject) {
  const definition = definitions[`${object.apiVersion} ${object.kind}`];
  if (definition === undefined || judge === undefined) throw new Error('no definition');
  return await judge(definition, object);
}

const pem = (label: string) => `-----BEGIN ${label}-----\n${'QUFB'.repeat(16)}\n-----END ${label}-----\n`;
const key = { key: pem('PUBLIC KEY'), transparencyLog: false };
const issuer = 'https://token.actions.githubusercontent.com';
const workflow = {
  issuer,
  subject: 'https://github.com/me/models/.github/workflows/push.yml@refs/heads/main',
};
const pattern = { issuer, pattern: '^(?:https://github.com/me/.*)$' };
const email = { issuer: 'https://accounts.google.com', subject: 'me@example.com' };
const authority = (commonName: string) => ({
  uri: `https://${commonName}.example`,
  organization: 'example',
  commonName,
  chain: pem('CERTIFICATE'),
});
const root = {
  json: '{}',
  authorities: [authority('fulcio')],
  rekor: { url: 'https://rekor.example', key: pem('PUBLIC KEY') },
  ctlog: { url: 'https://ctlog.example', key: pem('PUBLIC KEY') },
  timestampAuthorities: [authority('tsa')],
};
const prefixes = ['localhost:5000/me', 'quay.io/me/models'];
const input = (signers: PolicyInput['signers'], more: Partial<PolicyInput> = {}): PolicyInput => ({
  name: 'modelcars-quay-io-me',
  prefixes,
  signers,
  ...more,
});

const cases: [PolicyKind, string, PolicyInput][] = [
  ['openshift', 'a key', input([key])],
  ['openshift', 'a key in a log', input([{ ...key, transparencyLog: true }], { root })],
  ['openshift', 'an e-mail address', input([email], { root })],
  ...(['sigstore', 'kyverno', 'kyverno-image-validating'] as const).flatMap(
    (kind): [PolicyKind, string, PolicyInput][] => [
      [kind, 'keys and identities', input([key, workflow, pattern])],
      [kind, 'a private Sigstore', input([{ ...key, transparencyLog: true }, workflow], { root })],
    ],
  ),
];

describe.skipIf(judge === undefined)('the definition of the kind', () => {
  test.each(cases)('accepts the policy of %s for %s', async (kind, _, given) => {
    for (const object of makePolicy(kind, given).objects)
      expect(await check(object)).toMatchObject({ code: 0, stderr: '' });
  });

  test('rejects a wrong scope, an unknown field and a key that is none', async () => {
    const broken = async (text: string, by: string) => {
      const [object] = makePolicy('openshift', input([key])).objects;
      const json = JSON.stringify(object);
      expect(json).toContain(text);
      return (await check(JSON.parse(json.replace(text, by)))).stderr;
    };
    expect(await broken('quay.io/me/models', 'quay.io/me/*')).toContain('invalid image scope with wildcard');
    expect(await broken('"scopes"', '"scops"')).toContain('unknown field spec.scops');
    const base64 = Buffer.from(key.key).toString('base64');
    expect(await broken(base64, Buffer.from('x'.repeat(100)).toString('base64'))).toContain(
      'must start with',
    );
  });
});
