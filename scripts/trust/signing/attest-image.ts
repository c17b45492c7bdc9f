import type { Descriptor } from '../../image/types.ts';
import type { Referrers } from '../../registry/referrers.ts';
import { type Statement, statementBytes } from '../attestations/statement.ts';
import { bundleAnnotations, bundleType } from '../signature-statement.ts';
import { findSignatures } from '../verification/find-signatures.ts';
import type { SignOutcome, SignRequest } from './sign-image.ts';

/**
 * Signs statements about an image and attaches them to its index. A signer attests each kind of statement once: a later
 * run of the same image adds no second provenance. Call `referrers.confirm()` afterwards.
 */
export async function attestImage(
  {
    repository,
    referrers,
    signer,
    own,
  }: Pick<SignRequest, 'repository' | 'signer' | 'own'> & {
    referrers: Referrers;
  },
  image: Descriptor,
  statements: readonly Statement[],
): Promise<SignOutcome> {
  const found = own && (await findSignatures(repository, referrers, image, own));
  const present = new Set(found?.attestations.map(({ predicateType }) => predicateType));
  const missing = statements.filter(({ predicateType }) => !present.has(predicateType));
  for (const statement of missing) {
    const content = await signer.signStatement(statementBytes(statement));
    const annotations = bundleAnnotations(statement.predicateType);
    await referrers.attach(image, { artifactType: bundleType, content, annotations });
  }
  return { made: missing.length, existing: statements.length - missing.length };
}
