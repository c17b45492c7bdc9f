import { ModelcarsError } from '../errors.ts';
import type { Model } from '../model/types.ts';
import type { Task } from '../terminal/types.ts';
import { list } from '../text/format.ts';
import { predict, proveFiles } from './assemble.ts';
import { findDeployed } from './deployed-image.ts';
import { hashImage, unknownLayers } from './hash-layers.ts';
import { remoteTag, repositoryName } from './image-names.ts';
import { wantedFiles } from './local-files.ts';
import { openImages } from './open-images.ts';
import { type ImagePlan, planImage } from './plan-image.ts';
import type { Session } from './session.ts';
import type { ImageLocation, RunOptions } from './types.ts';

/**
 * The digest of the image to deploy: that of the registry or the layout, otherwise the one that a build would make from
 * the lock. Fails with code `registry` when a registry that is asked for it has no such image.
 */
export async function imageOf(
  session: Session,
  model: Model,
  from: ImageLocation,
): Promise<{ digest: string; version?: string }> {
  await session.local.proveExisting(wantedFiles(await session.locked.model(model)));
  if ('registry' in from) {
    await using images = await openImages(await session.client(), from, session.options);
    const found = await findDeployed(images, model);
    if (found !== undefined) return found;
    throw new ModelcarsError(
      'registry',
      `find ${repositoryName(model)}:${remoteTag(model)}: the registry has no such image`,
      { next: 'push it first, or leave --remote out to compute its digest' },
    );
  }
  const layout = await openImages(await session.client(), from).catch(() => undefined);
  if (layout !== undefined) {
    await using images = layout;
    const found = await findDeployed(images, model);
    if (found !== undefined) return found;
  }
  const digest = await predictedDigest(session, model);
  return { digest, ...(model.version !== undefined && { version: model.version }) };
}

/** The digest of an image that is not built yet. */
async function predictedDigest(session: Session, model: Model): Promise<string> {
  const plan = await planImage(session, model);
  const known = await predict(session, plan);
  if (known === undefined) return await computed(session, plan, session.options.progress.task(model.name));
  await proveFiles(session, plan);
  return known.index.digest;
}

/** Reads the whole model once, to compute the digest. */
async function computed(session: Session, plan: ImagePlan, task: Task): Promise<string> {
  try {
    const { index } = await hashImage(session, plan, await unknownLayers(session, plan.layers), task);
    task.done('digest computed');
    return index.digest;
  } catch (error) {
    task.fail(error instanceof Error ? error.message : String(error));
    throw error;
  }
}

/** Warns of images without a version: it is part of an image, so it decides the digest. */
export function warnOfNoVersion(
  images: readonly { model: string; version?: string }[],
  { progress }: Pick<RunOptions, 'progress'>,
): void {
  const without = images.filter(({ version }) => version === undefined).map(({ model }) => model);
  if (without.length > 0)
    progress.warn(
      `${list(without, 'and')}: no version is given, so the digest is that of an image without one; pass the --version of \`push\`, or --remote for what was pushed`,
    );
}
