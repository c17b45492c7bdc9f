import { ModelcarsError } from '../errors.ts';
import { parseIndex } from '../image/schema.ts';
import { type Descriptor, mediaTypes } from '../image/types.ts';
import { Referrers } from '../registry/referrers.ts';
import type { Repository } from '../registry/repository.ts';
import type { Statement } from '../trust/attestations/statement.ts';
import type { SigningOptions } from '../trust/signing/options.ts';
import type { SignOutcome } from '../trust/signing/sign-image.ts';
import type { Signer } from '../trust/signing/signer.ts';
import type { BundleVerifier } from '../trust/verification/bundle-verifier.ts';
import type { RunOptions } from './types.ts';

/** Signs pushed images of one run. The signer is checked when it opens, before anything is sent. */
export class ImageSigning implements AsyncDisposable {
  readonly #signer: Signer;
  readonly #own: BundleVerifier | undefined;
  readonly #signal: AbortSignal;

  private constructor(signer: Signer, own: BundleVerifier | undefined, signal: AbortSignal) {
    this.#signer = signer;
    this.#own = own;
    this.#signal = signal;
  }

  /** Reads the key, or requests the first certificate for the identity. Fails with code `trust`. */
  static async open(
    { trustedRoot, ...options }: SigningOptions,
    { catalog, registry: { caFile }, progress, signal }: RunOptions,
  ): Promise<ImageSigning> {
    const { openSigner } = await import('../trust/signing/signer.ts');
    const { ownSignatures } = await import('../trust/signing/own-signatures.ts');
    const signer = await openSigner({
      ...options,
      env: process.env,
      signal,
      onRetry: (line) => progress.warn(line),
      ...(caFile !== undefined && { caFile }),
    });
    const isPublic = options.fulcioUrl === undefined && options.signingConfig === undefined;
    const root = trustedRoot ?? catalog.trust?.trustedRoot ?? (isPublic ? 'public' : undefined);
    return new ImageSigning(signer, await ownSignatures(signer, root), signal);
  }

  /**
   * Signs an index and every platform's manifest in it, and attaches signed statements to the index. What this signer
   * has signed already stays.
   */
  async sign(
    repository: Repository,
    root: Descriptor,
    statements: readonly Statement[] = [],
  ): Promise<{ signatures: SignOutcome; attestations: SignOutcome }> {
    const { signImages } = await import('../trust/signing/sign-image.ts');
    return await signImages({
      repository,
      referrers: new Referrers(repository, this.#signal),
      images: await signedManifests(repository, root),
      signer: this.#signer,
      own: this.#own,
      statements,
      signal: this.#signal,
    });
  }

  /** Whether this signer has signed an index and every platform's manifest in it; false when that cannot be told. */
  async hasSigned(repository: Repository, root: Descriptor): Promise<boolean> {
    if (this.#own === undefined) return false;
    const { findSignatures } = await import('../trust/verification/find-signatures.ts');
    const referrers = new Referrers(repository, this.#signal);
    for (const image of await signedManifests(repository, root)) {
      const { signatures } = await findSignatures(repository, referrers, image, this.#own);
      if (signatures.length === 0) return false;
    }
    return true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#signer.close();
  }
}

/** The manifests that have to be signed: an index and those of its platforms; containers/image checks the latter. */
export async function signedManifests(repository: Repository, root: Descriptor): Promise<Descriptor[]> {
  if (root.mediaType !== mediaTypes.index && root.mediaType !== mediaTypes.dockerIndex) return [root];
  const { manifests } = parseIndex(await repository.read(root), `${repository.name}@${root.digest}`);
  if (manifests.length > 100)
    throw new ModelcarsError(
      'integrity',
      `read ${repository.name}@${root.digest}: it has ${manifests.length} manifests`,
    );
  return [root, ...manifests];
}
