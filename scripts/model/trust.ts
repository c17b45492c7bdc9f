/** `trust:` of models.yaml: who signs the images. */
export interface Trust {
  /** An image is trusted when any of them signed it. */
  signers: TrustedSigner[];
  /**
   * Absolute path of a Sigstore trusted root (JSON), for a private Sigstore or without network; absent: the public one.
   */
  trustedRoot?: string;
}

export type TrustedSigner = KeySigner | IdentitySigner;

/** Signs with a private key. */
export interface KeySigner {
  /** Absolute path of the public key, PEM. */
  key: string;
  /** Whether the signature must be in a transparency log of the trusted root. */
  transparencyLog?: true;
}

/** Signs with a certificate of Fulcio for an identity; exactly one of `identity` and `identityPattern` is given. */
export interface IdentitySigner {
  /** The certificate's subject, such as the URL of a workflow. */
  identity?: string;
  /** A regular expression that matches the whole subject. */
  identityPattern?: string;
  /** URL of the OIDC issuer. */
  issuer: string;
}

/** What is meant in a model's files although it can run code. */
export interface Allow {
  /** Imports of pickles: `module.Name`, `module:Outer.Inner`, or `module.*` for every name of a module. */
  imports?: string[];
  /** Globs of files that are code, or name code: Python files, libraries, `auto_map`. */
  code?: string[];
  /** Globs of files that cannot be read, or whose imports cannot be followed. */
  unread?: string[];
}
