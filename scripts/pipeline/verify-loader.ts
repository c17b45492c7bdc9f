import { ModelcarsError } from '../errors.ts';
import { parseIndex, parseManifest } from '../image/schema.ts';
import type { Descriptor, Digest, ImageStore } from '../image/types.ts';
import { checkNode } from '../loader/node.ts';
import type { Loader, LockedBase } from '../model/types.ts';
import type { Task } from '../terminal/types.ts';
import { hashImage } from './hash-layers.ts';
import type { ImageAddress } from './open-images.ts';
import { planImage } from './plan-image.ts';
import type { Session } from './session.ts';
import type { Outcome } from './types.ts';

/**
 * Fails when a loader's pinned base image lacks Node on one of its platforms (see `checkNode`); `verb` is the command.
 */
export async function checkLoaderBase(
  session: Session,
  model: Loader,
  pins: LockedBase,
  verb: string,
): Promise<void> {
  for (const platform of model.platforms) {
    const base = await session.bases.open(model.base, platform, pins[platform] as Digest);
    await checkNode(base, `${verb} ${model.name}`, session.options.signal);
  }
}

/**
 * Verifies a loader's image: its base has Node, the image is byte for byte the one that this modelcars builds on the
 * locked base, and every layer exists and is complete. Fails with code `integrity`.
 */
export async function verifyLoader(
  session: Session,
  model: Loader,
  { store, reference, name }: ImageAddress,
  task: Task,
): Promise<Outcome> {
  await checkLoaderBase(session, model, await session.locked.base(model), 'verify');
  const plan = await planImage(session, model);
  const expected = await hashImage(session, plan, plan.layers, task);
  const root = await store.resolve(reference);
  if (root?.digest !== expected.index.digest) {
    const found = root === undefined ? 'the image does not exist' : `it is ${root.digest}`;
    throw new ModelcarsError(
      'integrity',
      `verify ${name}: this modelcars builds ${expected.index.digest}, ${found}`,
      {
        next: 'build it again, or verify it with the version of modelcars that built it',
      },
    );
  }
  const layers = new Map<string, Descriptor>();
  for (const manifest of parseIndex(await store.read(root), name).manifests)
    for (const layer of parseManifest(await store.read(manifest), name).layers)
      layers.set(layer.digest, layer);
  for (const layer of layers.values()) await readWhole(session, store, layer);
  return {
    model: model.name,
    status: 'done',
    name,
    digest: root.digest,
    platforms: model.platforms,
    checks: [
      { rule: 'node', text: 'the base has `node`, which any user can run' },
      { rule: 'same', text: 'it is byte for byte the image that this modelcars builds' },
      { rule: 'blobs', text: `${layers.size} layers: every layer is complete and matches its digest` },
    ],
  };
}

/** Reads a layer to its end; `open` checks the digest. */
async function readWhole(session: Session, store: ImageStore, layer: Descriptor): Promise<void> {
  let size = 0;
  for await (const chunk of store.open(layer, 0, session.options.signal)) size += chunk.length;
  if (size === layer.size) return;
  throw new ModelcarsError('integrity', `read ${layer.digest}: ${size} bytes of ${layer.size} came`);
}
