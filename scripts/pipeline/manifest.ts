import { ModelcarsError } from '../errors.ts';
import { inferenceService, type KubernetesObject } from '../kserve/manifests/inference-service.ts';
import { servedBy } from '../kserve/manifests/served-by.ts';
import { servingRuntime } from '../kserve/manifests/serving-runtimes.ts';
import { isModel } from '../model/catalog-entry.ts';
import type { Model } from '../model/types.ts';
import type { Task } from '../terminal/types.ts';
import { predict, proveFiles } from './assemble.ts';
import { hashImage, unknownLayers } from './hash-layers.ts';
import { remoteTag, repositoryName } from './image-names.ts';
import { wantedFiles } from './local-files.ts';
import { openImages } from './open-images.ts';
import { type ImagePlan, planImage } from './plan-image.ts';
import { Session } from './session.ts';
import type { ImageLocation, RunOptions } from './types.ts';

export interface ManifestRunOptions extends RunOptions {
  /** The source of digests: the registry, or the layout at `output` and, for what it lacks, the lock. */
  from: ImageLocation;
  namespace?: string;
  pullSecrets: string[];
  /** Whether to add the ServingRuntimes; `serverImage` is the image of their model server. */
  withRuntime: boolean;
  serverImage?: string;
}

/** The Kubernetes objects that serve one model. */
export interface ModelManifest {
  model: string;
  /** `quay.io/me/iris@sha256:…`. */
  image: string;
  objects: KubernetesObject[];
}

/**
 * The Kubernetes objects that serve the models, with images pinned by digest. Fails with code `usage` without a
 * registry, and with the registry's or the source's error when a digest cannot be determined.
 */
export async function manifestModels(options: ManifestRunOptions): Promise<ModelManifest[]> {
  const models = options.models.filter(isModel);
  if (models.length === 0) {
    throw new ModelcarsError('usage', 'write manifest: KServe serves models, and this is a loader', {
      next: 'name a model',
    });
  }
  for (const model of models) repositoryName(model);
  await using session = await Session.open(options);
  const written = new Set<string>();
  const manifests: ModelManifest[] = [];
  for (const model of models) {
    const framework = session.framework(model);
    const image = `${repositoryName(model)}@${await digestOf(session, model, options.from)}`;
    const { namespace, pullSecrets } = options;
    const where = namespace === undefined ? {} : { namespace };
    const objects: KubernetesObject[] = [];
    const { runtime } = servedBy(model, framework);
    if (options.withRuntime && !written.has(runtime)) {
      const { serverImage } = options;
      objects.push(
        servingRuntime(runtime, { ...where, ...(serverImage !== undefined && { image: serverImage }) }),
      );
      written.add(runtime);
    }
    objects.push(inferenceService(model, framework, { image, pullSecrets, ...where }));
    manifests.push({ model: model.name, image, objects });
  }
  return manifests;
}

async function digestOf(session: Session, model: Model, from: ImageLocation): Promise<string> {
  await session.local.proveExisting(wantedFiles(await session.locked.model(model)));
  if ('registry' in from) {
    await using images = await openImages(await session.client(), from, session.options);
    const found = await images.find(model);
    if (found !== undefined) return found.digest;
    throw new ModelcarsError(
      'registry',
      `find ${repositoryName(model)}:${remoteTag(model)}: the registry has no such image`,
      { next: 'push it first, or leave --remote out to compute its digest' },
    );
  }
  const layout = await openImages(await session.client(), from).catch(() => undefined);
  if (layout !== undefined) {
    await using images = layout;
    const found = await images.find(model);
    if (found !== undefined) return found.digest;
  }
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
