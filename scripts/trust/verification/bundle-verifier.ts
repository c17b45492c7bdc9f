import type { KeyObject } from 'node:crypto';
import type { Bundle } from '@sigstore/bundle';
import { type TrustMaterial, toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify';
import type { IdentitySigner, KeySigner, Trust } from '../../model/trust.ts';
import { plain } from '../../text/format.ts';
import { displayPath } from '../../text/paths.ts';
import { loadPublicKey } from '../keys/public-key.ts';
import { emptyRoot, loadTrustedRoot } from './trusted-root.ts';

/** One trusted signer, ready to check bundles. */
interface Candidate {
  /** For messages. */
  name: string;
  /** Throws an Error with the reason when the signer did not sign. */
  check(bundle: Bundle, artifact?: Buffer): void;
}

/** Checks Sigstore bundles against the signers of a `Trust`. */
export class BundleVerifier {
  readonly #candidates: Candidate[];

  private constructor(candidates: Candidate[]) {
    this.#candidates = candidates;
  }

  /** Reads keys and trusted root; fetches the public root when an identity needs it. Fails with code `trust`. */
  static async open(trust: Trust): Promise<BundleVerifier> {
    const needsRoot = trust.signers.some((one) => !('key' in one) || one.transparencyLog === true);
    const root = needsRoot ? await loadTrustedRoot(trust.trustedRoot) : emptyRoot;
    const candidates: Candidate[] = [];
    for (const signer of trust.signers) {
      if ('key' in signer) candidates.push(byKey(signer, await loadPublicKey(signer.key), root));
      else candidates.push(byIdentity(signer, root));
    }
    return new BundleVerifier(candidates);
  }

  /** For a key that this process has. */
  static ofKey(name: string, key: KeyObject): BundleVerifier {
    return new BundleVerifier([byKey({ key: name }, key, emptyRoot)]);
  }

  /**
   * Who signed a bundle: the first trusted signer for whom it is valid; otherwise the reasons, one per signer.
   * `artifact` is what a message signature signs; a DSSE envelope contains it.
   */
  verify(bundle: Bundle, artifact?: Buffer): { by: string } | { reasons: string[] } {
    const reasons: string[] = [];
    for (const { name, check } of this.#candidates) {
      try {
        check(bundle, artifact);
        return { by: name };
      } catch (error) {
        reasons.push(`${name}: ${plain(error instanceof Error ? error.message : String(error), 300)}`);
      }
    }
    return { reasons };
  }
}

type Root = Parameters<typeof toTrustMaterial>[0];

/**
 * A key is trusted by itself: entries of a log that the root does not know do no harm. With `transparencyLog` the entry
 * is checked too.
 */
function byKey({ key: path, transparencyLog }: KeySigner, publicKey: KeyObject, root: Root): Candidate {
  const material = {
    ...toTrustMaterial(root),
    publicKey: () => ({ publicKey, validFor: () => true }),
  };
  const log = transparencyLog === true;
  const verifier = new Verifier(material as TrustMaterial, {
    tlogThreshold: log ? 1 : 0,
    ctlogThreshold: 0,
    timestampThreshold: 0,
  });
  return {
    name: `key ${displayPath(path)}`,
    check(bundle, artifact) {
      if (bundle.verificationMaterial.content.$case !== 'publicKey')
        throw new Error('it was signed with a certificate, not with a key');
      const entity = toSignedEntity(bundle, artifact);
      verifier.verify(log ? entity : { ...entity, tlogEntries: [], timestamps: [] });
    },
  };
}

/**
 * A certificate is valid at a proven time only: a log's or a timestamp authority's. What the trusted root lists is
 * required: a private Sigstore may have no certificate log, or timestamps in place of a log.
 */
function byIdentity({ identity, identityPattern, issuer }: IdentitySigner, root: Root): Candidate {
  const verifier = new Verifier(toTrustMaterial(root), {
    tlogThreshold: root.tlogs.length > 0 ? 1 : 0,
    ctlogThreshold: root.ctlogs.length > 0 ? 1 : 0,
    timestampThreshold: 1,
  });
  const pattern = identityPattern ?? escapePattern(identity ?? '');
  const policy = {
    subjectAlternativeName: new RegExp(`^(?:${pattern})$`, 'u'),
    extensions: { issuer },
  };
  return {
    name: `identity ${identity ?? identityPattern ?? ''}`,
    check(bundle, artifact) {
      if (bundle.verificationMaterial.content.$case === 'publicKey')
        throw new Error('it was signed with a key, not by an identity');
      verifier.verify(toSignedEntity(bundle, artifact), policy);
    },
  };
}

function escapePattern(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}
