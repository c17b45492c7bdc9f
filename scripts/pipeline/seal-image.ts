import type { Repository } from '../registry/repository.ts';
import { type AttestedIndex, attestedImage, bomStatement, provenanceStatement } from './attested-image.ts';
import type { ImageSigning } from './image-signing.ts';
import type { ImagePlan } from './plan-image.ts';
import type { Session } from './session.ts';
import type { Outcome } from './types.ts';

/** An uploaded image that passed every gate. */
export interface SealRequest {
  repository: Repository;
  plan: Pick<ImagePlan, 'model' | 'files' | 'layers' | 'bases'>;
  index: AttestedIndex;
  /** Whether to attach its provenance and its bill of materials. */
  attest: boolean;
}

/**
 * Signs an image and attaches its attestations. What exists stays, so that a run after a failure adds only what is
 * missing.
 */
export async function sealImage(
  session: Session,
  signing: ImageSigning,
  { repository, plan, index, attest }: SealRequest,
): Promise<Pick<Outcome, 'signatures' | 'attestations'>> {
  if (!attest) {
    const { signatures } = await signing.sign(repository, index.descriptor);
    return { signatures };
  }
  const image = await attestedImage(session, plan, repository.name, index);
  const statements = [provenanceStatement(image, process.env), await bomStatement(session, plan, image)];
  return await signing.sign(repository, index.descriptor, statements);
}
