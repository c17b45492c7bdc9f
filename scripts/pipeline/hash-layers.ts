import { ModelcarsError } from '../errors.ts';
import type { Layer } from '../image/layer.ts';
import type { Task } from '../terminal/types.ts';
import { type Assembled, allOrStop, predict } from './assemble.ts';
import { hashContent } from './hash-content.ts';
import type { ImagePlan } from './plan-image.ts';
import type { Session } from './session.ts';

/**
 * Reads layers from their sources once, checks every file's sha256 and records the layers' digests. Writes and sends
 * nothing. Fails as a push would, naming the file whose bytes are wrong.
 */
export async function hashLayers(session: Session, layers: readonly Layer[], task: Task): Promise<void> {
  const stop = new AbortController();
  const signal = AbortSignal.any([session.options.signal, stop.signal]);
  task.total(layers.reduce((sum, layer) => sum + layer.plan.size, 0));
  const hashing = layers.map((layer) =>
    session.slot(async () => {
      const read = () => hashContent(layer, signal, (count) => task.add(count));
      const { digest, size } = await session.files.readSurely(read);
      await session.addLayer(layer, { digest, size, diffId: layer.diffId(digest) });
    }),
  );
  await allOrStop(hashing, stop);
}

/** The layers whose digest is only known after reading them. */
export async function unknownLayers(session: Session, layers: readonly Layer[]): Promise<Layer[]> {
  const known = await Promise.all(layers.map((layer) => session.layers.get(layer)));
  return layers.filter((_layer, at) => known[at] === undefined);
}

/** The image as it would be written. Reads `layers`; the digests of the others are known. */
export async function hashImage(
  session: Session,
  plan: ImagePlan,
  layers: readonly Layer[],
  task: Task,
): Promise<Assembled> {
  await hashLayers(session, layers, task);
  const image = await predict(session, plan);
  if (image !== undefined) return image;
  throw new ModelcarsError('bug', `hash ${plan.model.name}: a layer was read and its digest is missing`);
}
