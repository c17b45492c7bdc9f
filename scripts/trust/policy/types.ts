/** The consumers that policies are made for. */
export const policyKinds = ['kyverno', 'kyverno-image-validating', 'openshift', 'sigstore'] as const;
export type PolicyKind = (typeof policyKinds)[number];

/** What a policy says: images of these repositories must be signed by one of these. */
export interface PolicyInput {
  /** Name of the Kubernetes objects. */
  name: string;
  /** Prefixes of repositories, such as `quay.io/me`; sorted, without duplicates. */
  prefixes: string[];
  signers: PolicySigner[];
  /** Absent: the public Sigstore, or none is needed. */
  root?: PrivateRoot;
}

export type PolicySigner = PolicyKey | PolicyIdentity;

export interface PolicyKey {
  /** Public key, PEM. */
  key: string;
  /** Whether the signature must be in a transparency log. */
  transparencyLog: boolean;
}

export interface PolicyIdentity {
  issuer: string;
  /** The whole subject; or `pattern`, a regular expression of Go that matches the whole subject. */
  subject?: string;
  pattern?: string;
}

/** A private Sigstore, in the forms that policies have places for. */
export interface PrivateRoot {
  /** The trusted root as it was given, on one line. */
  json: string;
  authorities: Authority[];
  /** Absent without a log that Rekor 1 clients can use. */
  rekor?: Log;
  ctlog?: Log;
  timestampAuthorities: Authority[];
}

export interface Authority {
  uri: string;
  organization: string;
  commonName: string;
  /** Certificates from leaf to root, PEM. */
  chain: string;
}

export interface Log {
  url: string;
  /** PEM. */
  key: string;
}

/** A Kubernetes object. */
export interface PolicyObject {
  apiVersion: string;
  kind: string;
  metadata: { name: string; annotations?: Record<string, string> };
  spec: object;
}

/** Objects to apply, and what a reader has to know of them. */
export interface Policy {
  /** One sentence each, for comments in the YAML: the consumer's version, and what it does not check. */
  notes: string[];
  objects: PolicyObject[];
}
