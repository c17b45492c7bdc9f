import type { CatalogEntry } from '../model/types.ts';
import type { Task } from '../terminal/types.ts';
import type { SigningOptions } from '../trust/signing/options.ts';
import { forEachModel } from './for-each-model.ts';
import { remoteTag, repositoryName } from './image-names.ts';
import { ImageSigning } from './image-signing.ts';
import { type OpenedImages, openImages } from './open-images.ts';
import { planImage } from './plan-image.ts';
import { sealImage } from './seal-image.ts';
import { Session } from './session.ts';
import type { Outcome, RunOptions } from './types.ts';
import { verifyImageOf } from './verify.ts';

export interface SignOptions extends RunOptions {
  signing: SigningOptions;
  /** Attach provenance and bill of materials too. */
  attest: boolean;
}

/**
 * Signs the models' images in their registries. Each is verified first, as `verify --remote` does: a signature says
 * that the image is good, so its bytes are read and compared with the lock.
 */
export async function signModels(options: SignOptions): Promise<Outcome[]> {
  for (const model of options.models) repositoryName(model);
  await using signing = await ImageSigning.open(options.signing, options);
  await using session = await Session.open(options);
  await using images = await openImages(await session.client(), { registry: true });
  return await forEachModel({ ...options, verb: 'sign' }, (model, task) =>
    signModel(session, model, { signing, images, attest: options.attest }, task),
  );
}

async function signModel(
  session: Session,
  model: CatalogEntry,
  { signing, images, attest }: { signing: ImageSigning; images: OpenedImages; attest: boolean },
  task: Task,
): Promise<Outcome> {
  const verified = await verifyImageOf(session, model, images.address(model), task);
  const client = await session.client();
  const repository = client.repository(repositoryName(model), { push: true });
  // What was verified, even if the tag moves meanwhile.
  const root = await repository.resolve(verified.digest ?? remoteTag(model));
  if (root === undefined) return verified;
  if (session.options.dryRun) return { ...verified, status: 'planned' };
  const plan = await planImage(session, model);
  const index = { descriptor: root, bytes: await repository.read(root) };
  const sealed = await sealImage(session, signing, { repository, plan, index, attest });
  const made = (sealed.signatures?.made ?? 0) + (sealed.attestations?.made ?? 0);
  return { ...verified, ...sealed, status: made > 0 ? 'done' : 'unchanged' };
}
