/** How to sign: `push --sign` and `modelcars sign`. */
export interface SigningOptions {
  /** A path, `env://VARIABLE` or `NAME://ID` of a key service; absent: a certificate for an identity. */
  key?: string;
  /** File with the identity token; absent: that of the CI system. */
  identityToken?: string;
  /** File with a Sigstore signing configuration (JSON): the services of a private Sigstore. */
  signingConfig?: string;
  fulcioUrl?: string;
  rekorUrl?: string;
  timestampUrl?: string;
  /** Trusted root of a private Sigstore, by which own earlier signatures of an identity are recognised. */
  trustedRoot?: string;
}
