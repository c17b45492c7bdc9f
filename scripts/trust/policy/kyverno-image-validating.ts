import { signaturePredicate, storageFields, storageLists } from './kyverno.ts';
import type { Policy, PolicyInput, PolicySigner, PrivateRoot } from './types.ts';

/**
 * An ImageValidatingPolicy for Kyverno 1.19: its expressions find images anywhere, so that one policy covers pods,
 * image volumes and InferenceServices. It requires the signature's predicate type, as an attestation: a check of image
 * signatures alone accepts any bundle, also one with mere provenance.
 */
export function kyvernoImageValidatingPolicy({ name, prefixes, signers, root }: PolicyInput): Policy {
  const attestors = signers.map((signer, at) => ({ name: `signer${at}`, cosign: attestor(signer, root) }));
  const any = attestors.map((one) => `attestors.${one.name}`).join(', ');
  const images = ['podimages', 'volumes', 'storage'].map((list) => `images.${list}`).join(' + ');
  return {
    notes: [
      'For Kyverno 1.19, which checks bundles in this kind; for older ones there is `--kyverno`.',
      'Checks containers, image volumes and the storageUri of InferenceServices; an image must be named by digest.',
      ...(root !== undefined || signers.some((signer) => !('key' in signer))
        ? [
            'Kyverno also asks the TUF repository of its Sigstore: without network it must have its own mirror.',
          ]
        : []),
    ],
    objects: [
      {
        apiVersion: 'policies.kyverno.io/v1',
        kind: 'ImageValidatingPolicy',
        metadata: { name },
        spec: {
          validationActions: ['Deny'],
          failurePolicy: 'Fail',
          webhookConfiguration: { timeoutSeconds: 30 },
          evaluation: { background: { enabled: false } },
          autogen: { podControllers: { controllers: [] } },
          matchConstraints: {
            resourceRules: [
              rule('', 'v1', ['pods', 'pods/ephemeralcontainers']),
              rule('serving.kserve.io', 'v1beta1', ['inferenceservices']),
            ],
          },
          matchImageReferences: prefixes.map((prefix) => ({ glob: `${prefix}/*` })),
          validationConfigurations: { mutateDigest: false, verifyDigest: true, required: true },
          images: [
            { name: 'podimages', expression: podImages },
            { name: 'volumes', expression: volumes },
            { name: 'storage', expression: storage() },
          ],
          attestors,
          attestations: [{ name: 'signature', intoto: { type: signaturePredicate } }],
          validations: [
            {
              expression: `(${images}).all(image, verifyAttestationSignatures(image, attestations.signature, [${any}]) > 0)`,
              message: 'the image is not signed by a signer that models.yaml trusts',
            },
          ],
        },
      },
    ],
  };
}

function rule(group: string, version: string, resources: string[]): object {
  return { apiGroups: [group], apiVersions: [version], operations: ['CREATE', 'UPDATE'], resources };
}

const ifPod = (expression: string) => `object.kind == 'Pod' ? ${expression} : []`;
const podImages = ifPod(
  ['containers', 'initContainers', 'ephemeralContainers']
    .map((list) => `object.spec.?${list}.orValue([]).map(e, e.image)`)
    .join(' + '),
);
const volumes = ifPod(
  'object.spec.?volumes.orValue([]).filter(v, has(v.image) && has(v.image.reference)).map(v, v.image.reference)',
);

/** The images of every URI that begins with `oci`: `oci://`, `oci+native://`, `oci+fetch://`. */
function storage(): string {
  const fields = storageFields.map((field) => `[object.spec.?${field.join('.?')}.orValue('')]`);
  const lists = storageLists.map(
    (list) => `object.spec.?${list.join('.?')}.orValue([]).map(e, e.?uri.orValue(''))`,
  );
  const uris = `(${[...fields, ...lists].join(' + ')})`;
  const found = `${uris}.filter(uri, uri.startsWith('oci') && uri.contains('://')).map(uri, uri.split('://')[1])`;
  return `object.kind == 'InferenceService' ? ${found} : []`;
}

function attestor(signer: PolicySigner, root: PrivateRoot | undefined): object {
  const trustedRoot = root && { trustedRoot: { value: root.json } };
  const ctlog = root?.rekor && {
    ctlog: { url: root.rekor.url, rekorPubKey: root.rekor.key, ...ctlogOf(root) },
  };
  if ('key' in signer) {
    const key = { key: { data: signer.key } };
    if (signer.transparencyLog) return { ...key, ...ctlog, ...trustedRoot };
    return { ...key, ctlog: { insecureIgnoreTlog: true, insecureIgnoreSCT: true } };
  }
  const { issuer, subject, pattern } = signer;
  const identity = { issuer, ...(pattern === undefined ? { subject } : { subjectRegExp: pattern }) };
  return { keyless: { identities: [identity] }, ...ctlog, ...trustedRoot };
}

function ctlogOf({ ctlog }: PrivateRoot): object {
  return ctlog === undefined ? { insecureIgnoreSCT: true } : { ctLogPubKey: ctlog.key };
}
