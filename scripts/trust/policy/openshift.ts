import { ModelcarsError } from '../../errors.ts';
import { plain } from '../../text/format.ts';
import type { Policy, PolicyIdentity, PolicyInput, PolicyKey, PolicySigner, PrivateRoot } from './types.ts';

/**
 * A ClusterImagePolicy of OpenShift (config.openshift.io/v1, stable since 4.20): every node's CRI-O then checks what it
 * pulls, by the older signature layout. It has one signer, a key or an e-mail address with its Fulcio; other signers of
 * `trust:` are left out, which makes the policy narrower, never wider. Fails with code `trust` when none or several are
 * left.
 */
export function openshiftPolicy({ name, prefixes, signers, root }: PolicyInput): Policy {
  const usable = signers.filter((signer) => 'key' in signer || isEmail(signer));
  const left = signers.filter((signer) => !usable.includes(signer));
  const [signer, ...more] = usable;
  if (signer === undefined || more.length > 0)
    throw new ModelcarsError(
      'trust',
      `make OpenShift's policy: \`trust:\` has ${more.length + (signer ? 1 : 0)} signers that it can name, and it takes exactly one`,
      {
        next: 'sign with one key, or with the identity of one e-mail address; it cannot name the URL of a CI workflow',
      },
    );
  return {
    notes: [
      'For OpenShift 4.20 and later; CRI-O reads the older signatures, the tags sha256-….sig.',
      'Checks what nodes pull: containers and image volumes, but not `oci+fetch://`, which a container downloads itself.',
      ...left.map((one) => `Left out: ${nameOf(one)}. OpenShift names e-mail addresses only.`),
    ],
    objects: [
      {
        apiVersion: 'config.openshift.io/v1',
        kind: 'ClusterImagePolicy',
        metadata: { name },
        spec: {
          scopes: prefixes,
          policy: {
            rootOfTrust: 'key' in signer ? keyRoot(signer, root) : identityRoot(signer, root),
            signedIdentity: { matchPolicy: 'MatchRepoDigestOrExact' },
          },
        },
      },
    ],
  };
}

function keyRoot({ key, transparencyLog }: PolicyKey, root: PrivateRoot | undefined): object {
  const rekor = transparencyLog ? { rekorKeyData: base64(needRoot(root).rekor.key) } : {};
  return { policyType: 'PublicKey', publicKey: { keyData: base64(key), ...rekor } };
}

function identityRoot({ issuer, subject }: PolicyIdentity, root: PrivateRoot | undefined): object {
  const { authorities, rekor } = needRoot(root);
  return {
    policyType: 'FulcioCAWithRekor',
    fulcioCAWithRekor: {
      fulcioCAData: base64(authorities.map(({ chain }) => chain).join('')),
      rekorKeyData: base64(rekor.key),
      fulcioSubject: { oidcIssuer: issuer, signedEmail: subject },
    },
  };
}

/** The policy has the certificates and the key of the log in it, also those of the public Sigstore. */
function needRoot(root: PrivateRoot | undefined): PrivateRoot & Required<Pick<PrivateRoot, 'rekor'>> {
  if (root?.rekor !== undefined && root.authorities.length > 0) return { ...root, rekor: root.rekor };
  const problem =
    root === undefined ? '`trust:` has no `trustedRoot`' : 'the trusted root has no authority with a log';
  throw new ModelcarsError('trust', `make OpenShift's policy: ${problem}`, {
    next: 'set `trustedRoot:` to the file of `cosign trusted-root create --with-default-services`, or of your Sigstore',
  });
}

function isEmail(signer: PolicyIdentity): boolean {
  return /^[^\s@/]+@[^\s@/]+$/.test(signer.subject ?? '');
}

function nameOf(signer: PolicySigner): string {
  return 'key' in signer ? 'a key' : plain(signer.subject ?? signer.pattern ?? '', 200);
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
