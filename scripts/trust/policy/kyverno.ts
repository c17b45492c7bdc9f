import type { Policy, PolicyIdentity, PolicyInput, PolicySigner, PrivateRoot } from './types.ts';

/** The predicate type of a signature; other bundles of an image are attestations (cosign, pkg/types). */
export const signaturePredicate = 'https://sigstore.dev/cosign/sign/v1';

/** Fields of an InferenceService that have a URI, by the names of KServe 0.20's predictors (pkg/apis/serving/v1beta1). */
export const storageFields = [
  ...['model', 'sklearn', 'xgboost', 'lightgbm', 'onnx', 'huggingface', 'tensorflow', 'triton'],
  ...['pytorch', 'pmml', 'paddle'],
].map((predictor) => ['predictor', predictor, 'storageUri']);

/** The same for lists of URIs. */
export const storageLists = [
  ['predictor', 'storageUris'],
  ['predictor', 'model', 'storageUris'],
];

/** Kyverno reads the part after `://` of `oci://`, `oci+native://` and `oci+fetch://`, and no other URI. */
const imageOfUri = "starts_with(@, 'oci') && split(@, '://')[1] || 'other.invalid/other'";

/**
 * A ClusterPolicy for Kyverno 1.13 to 1.19. Without own extractors a rule looks at containers only, and with them at
 * nothing besides (kyverno issue 17555): one rule per place. Bundles are required as attestations of the signature's
 * predicate type, since `attestors` alone accept any bundle, also one with mere provenance. Kyverno has no place for a
 * private Sigstore in bundles, so there it reads the older layout.
 */
export function kyvernoPolicy(input: PolicyInput): Policy {
  const verifyImages = [verification(input)];
  const pods = { any: [{ resources: { kinds: ['Pod'] } }] };
  const services = { any: [{ resources: { kinds: ['serving.kserve.io/v1beta1/InferenceService'] } }] };
  const rules = [
    { name: 'containers', match: pods, verifyImages },
    {
      name: 'image-volumes',
      match: pods,
      imageExtractors: { Pod: [{ name: 'volumes', path: '/spec/volumes/*/image/reference' }] },
      verifyImages,
    },
    { name: 'inference-services', match: services, imageExtractors: serviceExtractors(), verifyImages },
  ];
  return {
    notes: [
      'For Kyverno 1.13 to 1.19; its newer kind is that of `--kyverno=image-validating`.',
      'Checks containers, image volumes and the storageUri of InferenceServices; an image must be named by digest.',
    ],
    objects: [
      {
        apiVersion: 'kyverno.io/v1',
        kind: 'ClusterPolicy',
        metadata: {
          name: input.name,
          // Pods are checked when their controllers create them.
          annotations: { 'pod-policies.kyverno.io/autogen-controllers': 'none' },
        },
        spec: { background: false, failurePolicy: 'Fail', webhookTimeoutSeconds: 30, rules },
      },
    ],
  };
}

/** Each with a name of its own: of two with the same name, Kyverno keeps the images of the last. */
function serviceExtractors(): object {
  const fields = storageFields.map((field) => ({
    name: field.join('-').toLowerCase(),
    path: `/spec/${field.join('/')}`,
    jmesPath: imageOfUri,
  }));
  const lists = storageLists.map((list) => ({
    name: list.join('-').toLowerCase(),
    path: `/spec/${list.join('/')}/*/uri`,
    jmesPath: imageOfUri,
  }));
  return { InferenceService: [...fields, ...lists] };
}

function verification({ prefixes, signers, root }: PolicyInput): object {
  const attestors = [{ count: 1, entries: signers.map((signer) => entry(signer, root)) }];
  return {
    ...(root === undefined
      ? { type: 'SigstoreBundle', attestations: [{ type: signaturePredicate, attestors }] }
      : { type: 'Cosign', attestors }),
    imageReferences: prefixes.map((prefix) => `${prefix}/*`),
    failureAction: 'Enforce',
    // A digest in place of the tag would replace the whole storageUri; a tag could move after the check.
    mutateDigest: false,
    verifyDigest: true,
    required: true,
  };
}

const publicRekor = 'https://rekor.sigstore.dev';

function entry(signer: PolicySigner, root: PrivateRoot | undefined): object {
  if ('key' in signer) {
    const log = signer.transparencyLog
      ? { rekor: rekorOf(root) }
      : { rekor: { url: root?.rekor?.url ?? publicRekor, ignoreTlog: true } };
    // A key has no certificate, so none of its timestamps; in bundles the same setting asks for the log's time.
    const untimed = !signer.transparencyLog || root !== undefined;
    return { keys: { publicKeys: signer.key, ...log, ...(untimed && { ctlog: { ignoreSCT: true } }) } };
  }
  const roots = root && { roots: root.authorities.map(({ chain }) => chain).join('') };
  return { keyless: { ...identityOf(signer), rekor: rekorOf(root), ...roots, ...(root && ctlogOf(root)) } };
}

function identityOf({ issuer, subject, pattern }: PolicyIdentity): object {
  return { issuer, ...(pattern === undefined ? { subject } : { subjectRegExp: pattern }) };
}

function rekorOf(root: PrivateRoot | undefined): object {
  if (root?.rekor === undefined) return { url: publicRekor };
  return { url: root.rekor.url, pubkey: root.rekor.key };
}

function ctlogOf({ ctlog, timestampAuthorities }: PrivateRoot): object {
  const chain = timestampAuthorities.map((one) => one.chain).join('');
  return {
    ctlog: {
      ...(ctlog === undefined ? { ignoreSCT: true } : { pubkey: ctlog.key }),
      ...(chain !== '' && { tsaCertChain: chain }),
    },
  };
}
