import type { Model } from '../catalog/types.ts';
import type { Descriptor, Sink } from '../image/types.ts';
import { maxBlobSize } from '../registry/limits.ts';
import { parseReference } from '../registry/reference.ts';
import type { Repository } from '../registry/repository.ts';
import { checkImmutable, planTags, type TagMove } from '../registry/tags.ts';
import type { Task } from '../terminal/progress.ts';
import { type Assembled, assemble, type ImagePlan, planImage, predict } from './assemble.ts';
import { Context } from './context.ts';
import { hashingSink } from './hashing.ts';
import { extraTags, repositoryName } from './names.ts';
import { checkRoom } from './preflight.ts';
import { recallLayers } from './recall.ts';
import { forEachModel } from './settle.ts';
import type { Outcome, RunOptions, TagOutcome } from './types.ts';

/**
 * Pushes the models straight from their sources to the registry: nothing is written to disk, unless `keep` fills the store on the
 * way; blobs that are there stay. Blobs come before manifests, manifests before tags, so that a tag never shows an image that
 * is not whole.
 */
export async function pushModels(options: RunOptions): Promise<Outcome[]> {
  for (const model of options.models) repositoryName(model); // a missing registry is a wrong command line, not a failed model
  await using context = await Context.open(options);
  return forEachModel(options, (model, task) => pushModel(context, model, task));
}

async function pushModel(context: Context, model: Model, task: Task): Promise<Outcome> {
  const name = repositoryName(model);
  const { registry } = parseReference(name);
  const bytes = model.maxLayerSize ?? maxBlobSize(registry);
  const plan = await planImage(context, model, bytes === undefined ? undefined : { bytes, registry });
  const repository = context.client.repository(name, { push: true });
  const existing = await repository.tags();
  const moves = planTags({
    ...(model.version !== undefined && { version: model.version }),
    extra: extraTags(model),
    existing,
  });
  await recall(context, repository, plan, moves, existing);
  if (!context.options.dryRun) await checkRoom(context, plan, repository);
  const known = await identify(context, plan, moves, task);
  if (known !== undefined) await refuseMoves(repository, moves, known.index.descriptor);

  const outcome = { model: model.name, name, platforms: model.platforms };
  if (context.options.dryRun) {
    return { ...outcome, status: 'planned', ...describe(known, plan), tags: moves.map(shown) };
  }
  const there = known !== undefined && (await repository.has(known.index.descriptor));
  const image = there ? known : await assemble(context, plan, repository, task);
  await refuseMoves(repository, moves, image.index.descriptor);
  const moved = await setTags(repository, moves, image.index.descriptor);
  const status = there && moved.length === 0 ? 'unchanged' : 'done';
  const tags = moves.map((move) => {
    const current = move.move || move.kind === 'version';
    return { ...shown(move), current, moved: moved.includes(move.tag) };
  });
  return {
    ...outcome,
    status,
    digest: image.index.digest,
    size: image.size,
    layers: image.layers,
    sent: image.sent,
    tags,
  };
}

/**
 * The image before anything is sent, where that is cheap: its layers were made before on this machine, or a version tag exists
 * already. In that case all bytes are read once, but sent nowhere: either they are there, or they are refused.
 */
async function identify(
  context: Context,
  plan: ImagePlan,
  moves: readonly TagMove[],
  task: Task,
): Promise<Assembled | undefined> {
  const known = await predict(context, plan);
  if (known !== undefined || !moves.some((move) => move.kind === 'version' && !move.move)) return known;
  task.note('the version exists: comparing');
  const { index, size, layers } = await assemble(context, plan, hashingSink(), task);
  return { index, size, layers, sent: 0 };
}

/** Learns layers from the image before this one, when this machine does not know them all. */
async function recall(
  context: Context,
  repository: Repository,
  plan: ImagePlan,
  moves: readonly TagMove[],
  existing: readonly string[],
): Promise<void> {
  const known = await Promise.all(plan.layers.map((layer) => context.knownLayer(layer.key)));
  if (known.every((layer) => layer !== undefined)) return;
  const before =
    [...moves.map((move) => move.tag), 'latest'].find((tag) => existing.includes(tag)) ?? existing.at(-1);
  if (before !== undefined) context.recall(await recallLayers(repository, before, plan));
}

async function refuseMoves(
  repository: Repository,
  moves: readonly TagMove[],
  image: Descriptor,
): Promise<void> {
  for (const { tag, kind } of moves)
    if (kind === 'version') await checkImmutable(repository, tag, image.digest);
}

/** Sets the tags that are to move and do not point at the image yet, version tags first. Returns those it set. */
async function setTags(
  repository: Sink & Pick<Repository, 'resolve'>,
  moves: readonly TagMove[],
  image: Descriptor,
): Promise<string[]> {
  const moved: string[] = [];
  for (const { tag } of moves.filter((move) => move.move)) {
    if ((await repository.resolve(tag))?.digest === image.digest) continue;
    await repository.tag(tag, image);
    moved.push(tag);
  }
  return moved;
}

function describe(known: Assembled | undefined, plan: ImagePlan): Partial<Outcome> {
  if (known !== undefined) return { digest: known.index.digest, size: known.size, layers: known.layers };
  return { size: plan.layers.reduce((sum, layer) => sum + layer.plan.size, 0), layers: plan.layers.length };
}

function shown({ tag, move, why }: TagMove): TagOutcome {
  return { tag, current: move, moved: move, why };
}
