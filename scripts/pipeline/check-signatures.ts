import { ModelcarsError } from '../errors.ts';
import type { Descriptor } from '../image/types.ts';
import type { Trust } from '../model/trust.ts';
import { Referrers } from '../registry/referrers.ts';
import type { Repository } from '../registry/repository.ts';
import type { BundleVerifier } from '../trust/verification/bundle-verifier.ts';
import type { Verified } from '../trust/verification/find-signatures.ts';
import type { Check } from '../verify/check.ts';
import { signedManifests } from './image-signing.ts';

/** Reasons shown for an image without a valid signature. */
const mostReasons = 3;

/** Checks signatures of images in registries against `trust:` or the signers of the command line. */
export class SignatureCheck {
  readonly #verifier: BundleVerifier;
  readonly #signal: AbortSignal;

  private constructor(verifier: BundleVerifier, signal: AbortSignal) {
    this.#verifier = verifier;
    this.#signal = signal;
  }

  /** Reads keys and trusted root. Fails with code `trust`. */
  static async open(trust: Trust, signal: AbortSignal): Promise<SignatureCheck> {
    const { BundleVerifier } = await import('../trust/verification/bundle-verifier.ts');
    return new SignatureCheck(await BundleVerifier.open(trust), signal);
  }

  /**
   * The rules that an image passes: its index and every platform's manifest are signed by a trusted signer; attestations
   * of trusted signers are listed. Fails with code `trust` for the first that is not signed: a tool that looks at the
   * platform's manifest would refuse it.
   */
  async check(repository: Repository, root: Descriptor): Promise<Check[]> {
    const { findSignatures } = await import('../trust/verification/find-signatures.ts');
    const referrers = new Referrers(repository, this.#signal);
    const checks: Check[] = [];
    for (const image of await signedManifests(repository, root)) {
      const found = await findSignatures(repository, referrers, image, this.#verifier);
      if (found.signatures.length === 0) throw unsigned(repository, image, root, found);
      if (image !== root) continue;
      checks.push({ rule: 'signature', text: describe(found.signatures) });
      const types = new Set(found.attestations.map(({ predicateType }) => predicateType));
      for (const predicateType of types) {
        const by = found.attestations.find((one) => one.predicateType === predicateType)?.by ?? '';
        checks.push({ rule: 'attestation', text: `${predicateType} by ${by}` });
      }
    }
    return checks;
  }
}

function describe(signatures: readonly Verified[]): string {
  const signers = [...new Set(signatures.map(({ by }) => by))].join(', ');
  const layouts = [...new Set(signatures.map(({ layout }) => layout))];
  const names = { bundle: 'Sigstore bundle', older: 'tag sha256-….sig' };
  return `signed by ${signers} (${layouts.map((layout) => names[layout]).join(', ')}), every platform`;
}

function unsigned(
  repository: Repository,
  image: Descriptor,
  root: Descriptor,
  { attestations, reasons }: { attestations: readonly Verified[]; reasons: readonly string[] },
): ModelcarsError {
  const { os, architecture, variant } = image.platform ?? {};
  const platform =
    image.digest === root.digest || os === undefined
      ? ''
      : `${[os, architecture, variant].filter((part) => part !== undefined).join('/')}: `;
  const why =
    reasons.length > 0
      ? `no trusted signer signed it: ${reasons.slice(0, mostReasons).join('; ')}${reasons.length > mostReasons ? ` and ${reasons.length - mostReasons} more` : ''}`
      : attestations.length > 0
        ? 'it has attestations and no signature'
        : 'it is not signed';
  return new ModelcarsError('trust', `verify ${repository.name}@${image.digest}: ${platform}${why}`, {
    next: 'sign it with `modelcars sign`, or correct `trust:` in models.yaml or the signer given',
  });
}
