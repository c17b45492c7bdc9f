import type {
  Authority,
  Log,
  Policy,
  PolicyInput,
  PolicyObject,
  PolicySigner,
  PrivateRoot,
} from './types.ts';

/**
 * A ClusterImagePolicy of Sigstore's policy-controller 0.13 (policy.sigstore.dev/v1beta1), and its TrustRoot for a
 * private Sigstore. It reads bundles for identities alone (policy-controller issue 1406), so all signers are read in
 * the older layout.
 */
export function sigstorePolicy({ name, prefixes, signers, root }: PolicyInput): Policy {
  const policy: PolicyObject = {
    apiVersion: 'policy.sigstore.dev/v1beta1',
    kind: 'ClusterImagePolicy',
    metadata: { name },
    spec: {
      mode: 'enforce',
      images: prefixes.map((prefix) => ({ glob: `${prefix}/**` })),
      // Any of them is enough.
      authorities: signers.map((signer, at) => ({ name: `signer-${at}`, ...authority(signer, name, root) })),
    },
  };
  return {
    notes: [
      'For policy-controller 0.13; it reads the older signatures, the tags sha256-….sig.',
      'Checks containers (`oci://`) in namespaces with the label policy.sigstore.dev/include=true, but neither image volumes nor InferenceServices.',
    ],
    objects: root !== undefined ? [trustRoot(name, root), policy] : [policy],
  };
}

function authority(signer: PolicySigner, name: string, root: PrivateRoot | undefined): object {
  const ref = root && { trustRootRef: name };
  const ctlog = { ctlog: { url: root?.rekor?.url ?? 'https://rekor.sigstore.dev', ...ref } };
  if ('key' in signer)
    return { key: { data: signer.key, hashAlgorithm: 'sha256' }, ...(signer.transparencyLog && ctlog) };
  const { issuer, subject, pattern } = signer;
  const identity = { issuer, ...(pattern === undefined ? { subject } : { subjectRegExp: pattern }) };
  const url = root?.authorities[0]?.uri ?? 'https://fulcio.sigstore.dev';
  const unlogged = root !== undefined && root.ctlog === undefined ? { insecureIgnoreSCT: true } : {};
  return { keyless: { url, identities: [identity], ...ref, ...unlogged }, ...ctlog };
}

function trustRoot(name: string, root: PrivateRoot): PolicyObject {
  const { authorities, rekor, ctlog, timestampAuthorities } = root;
  return {
    apiVersion: 'policy.sigstore.dev/v1alpha1',
    kind: 'TrustRoot',
    metadata: { name },
    spec: {
      sigstoreKeys: {
        certificateAuthorities: authorities.map(certificateAuthority),
        ...(rekor && { tLogs: [logInstance(rekor)] }),
        ...(ctlog && { ctLogs: [logInstance(ctlog)] }),
        ...(timestampAuthorities.length > 0 && {
          timestampAuthorities: timestampAuthorities.map(certificateAuthority),
        }),
      },
    },
  };
}

function certificateAuthority({ uri, organization, commonName, chain }: Authority): object {
  return { subject: { organization, commonName }, uri, certChain: Buffer.from(chain).toString('base64') };
}

function logInstance({ url, key }: Log): object {
  return { baseURL: url, hashAlgorithm: 'sha-256', publicKey: Buffer.from(key).toString('base64') };
}
