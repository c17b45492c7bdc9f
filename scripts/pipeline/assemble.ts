import type { Base } from '../bases/base.ts';
import { targetPath } from '../catalog/resolve.ts';
import type { Model } from '../catalog/types.ts';
import { ModelcarsError } from '../errors.ts';
import { type Layer, layerOf } from '../image/layer.ts';
import {
  type Document,
  type FinishedLayer,
  type ImageDescription,
  imageIndex,
  imageManifest,
} from '../image/manifest.ts';
import { checkLayerSizes, type ImageFile, ownLayerFrom, planLayers } from '../image/plan.ts';
import type { Content, Descriptor, Sink } from '../image/types.ts';
import { loaderProcess, loaderRoot } from '../loader/files.ts';
import type { WantedFile } from '../store/place.ts';
import type { KnownLayer } from '../store/store.ts';
import type { Part, Task } from '../terminal/progress.ts';
import { annotationsOf, layerAnnotations } from './annotations.ts';
import type { Context } from './context.ts';

/** Everything about an image that is known before a model byte is read. */
export interface ImagePlan {
  model: Model;
  layers: Layer[];
  /** The files of all layers, by path below /models. */
  files: ReadonlyMap<string, WantedFile>;
  bases: Base[];
  description: ImageDescription;
}

/** Writes into the sink of an image, counting the bytes. */
type Write = (content: Content, part?: Part) => Promise<Descriptor>;

/** An image as it is in a sink. */
export interface Assembled {
  index: Document;
  /** Bytes of all distinct layers of all platforms. */
  size: number;
  /** Layers of one platform, base included. */
  layers: number;
  /** Bytes newly written to the sink. */
  sent: number;
}

/** Plans an image from the lock (the loader's from what is installed): layers, bases, annotations. `maxLayerSize` in bytes with the registry that sets it. */
export async function planImage(
  context: Context,
  model: Model,
  limit?: { bytes: number; registry: string },
): Promise<ImagePlan> {
  const locked = await context.locked(model);
  const loader = model.image === 'loader' ? checkedLoader(model) : undefined;
  const framework = loader ? undefined : context.framework(model);
  const wanted = new Map<string, WantedFile>();
  const files = locked.files.map((file): ImageFile => {
    const path = framework === undefined ? file.path : targetPath(framework, file);
    wanted.set(path, { ...file, uri: file.source ?? locked.source, revision: locked.revision });
    return { path, size: file.size, sha256: file.sha256 };
  });
  const plans = planLayers(files, loader?.root);
  if (limit !== undefined) checkLayerSizes(plans, limit.bytes, limit.registry);
  const open = (file: ImageFile, offset: number, signal?: AbortSignal) => {
    const found = wanted.get(file.path);
    if (found === undefined) throw new ModelcarsError('bug', `open ${file.path}: it is not in the plan`);
    return context.files.open(file, found, offset, signal);
  };
  const layers = plans.map((plan) =>
    layerOf(plan, open, { mtime: context.epoch, compression: model.compression }),
  );
  const bases = await Promise.all(model.platforms.map((platform) => context.base(model, platform)));
  const created = new Date(context.epoch * 1000).toISOString().replace('.000Z', 'Z');
  return {
    model,
    layers,
    files: wanted,
    bases,
    description: {
      created,
      annotations: annotationsOf(model, locked, created),
      ...(loader && { process: loader.process }),
    },
  };
}

/** What is special about a loader's image. Fails with code `catalog` on a base that has no Node. */
function checkedLoader(model: Model): { root: string; process: typeof loaderProcess } {
  if (model.base !== 'embedded') return { root: loaderRoot, process: loaderProcess };
  throw new ModelcarsError('catalog', `plan ${model.name}: the base \`embedded\` has no Node to run it`, {
    next: 'give the loader a base with Node 24, such as docker.io/library/node:24-slim',
  });
}

/**
 * Brings an image into a sink: model layers and base layers in parallel, those that are there already left alone, then
 * configs and manifests, then the index; a name is the caller's to give. Stops all on the first failure.
 */
export async function assemble(
  context: Context,
  plan: ImagePlan,
  sink: Sink,
  task: Task,
): Promise<Assembled> {
  const stop = new AbortController();
  const signal = AbortSignal.any([context.options.signal, stop.signal]);
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
    ...plan.layers.map((layer) => context.slot(() => deliver(context, layer, sink, write, task))),
    ...bases.map((content) =>
      context.slot(async () => {
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

/** The image's index and manifests when every layer of it was made before on this machine; reads no model byte. */
export async function predict(context: Context, plan: ImagePlan): Promise<Assembled | undefined> {
  const finished: FinishedLayer[] = [];
  for (const layer of plan.layers) {
    const known = await context.knownLayer(layer.key);
    if (known === undefined) return undefined;
    finished.push(finish(layer, known));
  }
  return { index: documentsOf(plan, finished).index, ...measure(plan, finished), sent: 0 };
}

async function deliver(
  context: Context,
  layer: Layer,
  sink: Sink,
  write: Write,
  task: Task,
): Promise<FinishedLayer> {
  const known = await context.knownLayer(layer.key);
  if (known !== undefined) {
    const finished = finish(layer, known);
    if (await sink.has(finished.descriptor)) {
      task.add(known.size);
      return finished;
    }
  }
  const [first] = layer.plan.files;
  const part = first && layer.plan.size >= ownLayerFrom ? task.part(first.path, layer.plan.size) : undefined;
  try {
    if (known !== undefined && (await writePromised(layer, known, (content) => write(content, part)))) {
      return finish(layer, known);
    }
    const { digest, size } = await writeSurely(context, () => write(layer, part));
    const made = { digest, size, diffId: layer.diffId(digest) };
    await context.store.rememberLayer(layer.key, made);
    return finish(layer, made);
  } finally {
    part?.end();
  }
}

/**
 * Writes a layer whose digest is known. False when the bytes turn out not to have it: a file is wrong, or what was
 * remembered is; reading again with every file's proof tells which.
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

/** Writes a layer, again when a local copy of one of its files was at fault: other copies or the source are read then. */
async function writeSurely(context: Context, write: () => Promise<Descriptor>): Promise<Descriptor> {
  for (;;) {
    try {
      return await write();
    } catch (error) {
      if (!(await context.files.doubt(error))) throw error;
    }
  }
}

function finish(layer: Layer, known: KnownLayer): FinishedLayer {
  const { digest, size, diffId } = known;
  const descriptor = { mediaType: layer.mediaType, digest, size, annotations: layerAnnotations(layer) };
  const [first] = layer.plan.files;
  const more = layer.plan.files.length - 1;
  return { descriptor, diffId, comment: `${first?.path}${more > 0 ? ` and ${more} more` : ''}` };
}

function documentsOf(
  plan: ImagePlan,
  layers: readonly FinishedLayer[],
): { documents: Document[]; index: Document } {
  const images = plan.bases.map((base) => imageManifest(base, layers, plan.description));
  const index = imageIndex(
    images.map((image) => image.manifest),
    plan.description,
  );
  return { documents: images.flatMap(({ config, manifest }) => [config, manifest]), index };
}

/** The base layers of all platforms, each once. */
export function uniqueBaseLayers(plan: ImagePlan): (Content & Descriptor)[] {
  const all = plan.bases.flatMap((base) =>
    base.layers.map((layer, at) => ({ ...layer, ...base.contents[at] })),
  );
  return [...new Map(all.map((content) => [content.digest, content as Content & Descriptor])).values()];
}

function measure(plan: ImagePlan, layers: readonly FinishedLayer[]): { size: number; layers: number } {
  const all = [...plan.bases.flatMap((base) => base.layers), ...layers.map((layer) => layer.descriptor)];
  const sizes = new Map(all.map((descriptor) => [descriptor.digest, descriptor.size]));
  const size = [...sizes.values()].reduce((sum, one) => sum + one, 0);
  return { size, layers: layers.length + Math.max(...plan.bases.map((base) => base.layers.length)) };
}

/** Promise.all that tells the others to stop when one fails, and waits for them, so that nothing goes on in the dark. */
async function allOrStop<T>(promises: Promise<T>[], stop: AbortController): Promise<T[]> {
  try {
    return await Promise.all(promises);
  } catch (error) {
    stop.abort(error);
    await Promise.allSettled(promises);
    throw error;
  }
}
