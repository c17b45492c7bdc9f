import { ModelcarsError } from '../errors.ts';
import type { Layer } from '../image/layer.ts';
import { type Document, type FinishedLayer, imageIndex, imageManifest } from '../image/manifest.ts';
import { ownLayerFrom } from '../image/plan.ts';
import type { Content, Descriptor, Sink } from '../image/types.ts';
import type { KnownLayer } from '../store/store.ts';
import type { Task, TaskPart } from '../terminal/types.ts';
import { layerAnnotations } from './annotations.ts';
import type { ImagePlan } from './plan-image.ts';
import type { Session } from './session.ts';
import { refuseKnownUnsafe, refuseUnsafe } from './unsafe-files.ts';

/** Writes to an image's sink and counts the bytes. */
type Write = (content: Content, part?: TaskPart) => Promise<Descriptor>;

/** An image in a sink. */
export interface Assembled {
  index: Document;
  /** Bytes of all distinct layers of all platforms. */
  size: number;
  /** Layers of one platform, base included. */
  layers: number;
  /** Bytes newly written to the sink. */
  sent: number;
}

/**
 * Writes an image to a sink: model layers and base layers in parallel, skipping those that the sink has, then configs
 * and manifests, then the index. Sets no tag. The first failure stops everything.
 */
export async function assemble(
  session: Session,
  plan: ImagePlan,
  sink: Sink,
  task: Task,
): Promise<Assembled> {
  const stop = new AbortController();
  const signal = AbortSignal.any([session.options.signal, stop.signal]);
  let sent = 0;
  const write: Write = async (content, part) => {
    const onBytes = (count: number) => {
      sent += count;
      task.add(count);
      part?.add(count);
    };
    return await sink.write(content, { signal, onBytes });
  };
  const bases = uniqueBaseLayers(plan);
  task.total([...plan.layers.map((layer) => layer.plan), ...bases].reduce((sum, one) => sum + one.size, 0));
  const deliverAll = [
    ...plan.layers.map((layer) => session.slot(() => deliver(session, plan, layer, sink, write, task))),
    ...bases.map((content) =>
      session.slot(async () => {
        if (await sink.has(content)) task.add(content.size);
        else await write(content);
        return undefined;
      }),
    ),
  ];
  const finished = (await allOrStop(deliverAll, stop)).filter((layer) => layer !== undefined);
  const { documents, index } = documentsOf(plan, finished);
  for (const document of [...documents, index]) {
    if (!(await sink.has(document.descriptor))) await write(document);
  }
  return { index, ...measure(plan, finished), sent };
}

/**
 * The image's index and manifests, without reading a byte; undefined unless every layer's digest is known. Does not
 * compare local files with the lock: callers that use an existing image as the result call `proveFiles` first.
 */
export async function predict(
  session: Session,
  plan: Omit<ImagePlan, 'files'>,
): Promise<Assembled | undefined> {
  const known: KnownLayer[] = [];
  for (const layer of plan.layers) {
    const one = await session.layers.get(layer);
    if (one === undefined) return undefined;
    known.push(one);
  }
  return predictFrom(plan, known);
}

/** The image whose layers have these digests, in the plan's order. */
export function predictFrom(plan: Omit<ImagePlan, 'files'>, known: readonly KnownLayer[]): Assembled {
  const finished = plan.layers.map((layer, at) => finish(layer, known[at] as KnownLayer));
  return { index: documentsOf(plan, finished).index, ...measure(plan, finished), sent: 0 };
}

/** Fails with code `integrity` when a local file of the image differs from the locked one. */
export async function proveFiles(session: Session, plan: ImagePlan): Promise<void> {
  await session.local.prove([...plan.files.values()]);
}

async function deliver(
  session: Session,
  plan: ImagePlan,
  layer: Layer,
  sink: Sink,
  write: Write,
  task: Task,
): Promise<FinishedLayer> {
  const known = await session.layers.get(layer);
  await refuseKnownUnsafe(session, plan, layer);
  if (known !== undefined) {
    const finished = finish(layer, known);
    if (await sink.has(finished.descriptor)) {
      await refuseUnsafe(session, plan, layer);
      await session.local.prove(layer.plan.files.flatMap(({ path }) => plan.files.get(path) ?? []));
      task.add(known.size);
      return finished;
    }
  }
  const [first] = layer.plan.files;
  const part = first && layer.plan.size >= ownLayerFrom ? task.part(first.path, layer.plan.size) : undefined;
  try {
    if (known !== undefined && (await writePromised(layer, known, (content) => write(content, part)))) {
      await refuseUnsafe(session, plan, layer);
      return finish(layer, known);
    }
    const { digest, size } = await session.files.readSurely(() => write(layer, part));
    const made = { digest, size, diffId: layer.diffId(digest) };
    await session.addLayer(layer, made);
    await refuseUnsafe(session, plan, layer);
    return finish(layer, made);
  } finally {
    part?.end();
  }
}

/**
 * Writes a layer whose digest is known. False when the bytes have another digest: a file or the known digest is wrong.
 * Reading again, with every file checked, shows which one.
 */
async function writePromised(layer: Layer, known: KnownLayer, write: Write): Promise<boolean> {
  try {
    await write(layer.promised(known));
    return true;
  } catch (error) {
    if (error instanceof ModelcarsError && error.code === 'integrity') return false;
    throw error;
  }
}

function finish(layer: Layer, known: KnownLayer): FinishedLayer {
  const { digest, size, diffId } = known;
  const descriptor = { mediaType: layer.mediaType, digest, size, annotations: layerAnnotations(layer) };
  const [first] = layer.plan.files;
  const more = layer.plan.files.length - 1;
  return { descriptor, diffId, comment: `${first?.path}${more > 0 ? ` and ${more} more` : ''}` };
}

/** Config and manifest of each platform, and the index. */
export function documentsOf(
  plan: Pick<ImagePlan, 'bases' | 'description'>,
  layers: readonly FinishedLayer[],
): { documents: Document[]; index: Document } {
  const images = plan.bases.map((base) => imageManifest(base, layers, plan.description));
  const index = imageIndex(
    images.map((image) => image.manifest),
    plan.description,
  );
  return { documents: images.flatMap(({ config, manifest }) => [config, manifest]), index };
}

/** The base layers of all platforms, without duplicates. */
export function uniqueBaseLayers(plan: Pick<ImagePlan, 'bases'>): (Content & Descriptor)[] {
  const all = plan.bases.flatMap((base) =>
    base.layers.map((layer, at) => ({ ...layer, ...base.contents[at] })),
  );
  return [...new Map(all.map((content) => [content.digest, content as Content & Descriptor])).values()];
}

/** Bytes of all distinct layers of all platforms, and layers of one platform. */
export function measure(
  plan: Pick<ImagePlan, 'bases'>,
  layers: readonly FinishedLayer[],
): { size: number; layers: number } {
  const all = [...plan.bases.flatMap((base) => base.layers), ...layers.map((layer) => layer.descriptor)];
  const sizes = new Map(all.map((descriptor) => [descriptor.digest, descriptor.size]));
  const size = [...sizes.values()].reduce((sum, one) => sum + one, 0);
  return { size, layers: layers.length + Math.max(...plan.bases.map((base) => base.layers.length)) };
}

/** Promise.all that aborts the others when one fails and waits for them, so that no work outlives the call. */
export async function allOrStop<T>(promises: Promise<T>[], stop: AbortController): Promise<T[]> {
  try {
    return await Promise.all(promises);
  } catch (error) {
    stop.abort(error);
    await Promise.allSettled(promises);
    throw error;
  }
}
