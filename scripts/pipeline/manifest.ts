import { ModelcarsError } from '../errors.ts';
import type { KubernetesObject } from '../kserve/manifests/inference-service.ts';
import { exceededLimits } from '../kserve/manifests/merged-resources.ts';
import { inDashboard, lacksAccelerator, onOpenshift } from '../kserve/manifests/openshift.ts';
import { servedBy } from '../kserve/manifests/served-by.ts';
import { isLLM, servingObject } from '../kserve/manifests/serving-object.ts';
import { type ServingRuntime, servingRuntime } from '../kserve/manifests/serving-runtimes/index.ts';
import type { ServingPlatform } from '../kserve/types.ts';
import { isModel } from '../model/catalog-entry.ts';
import type { Framework, Model } from '../model/types.ts';
import { repositoryName } from './image-names.ts';
import { imageOf, warnOfNoVersion } from './pinned-image.ts';
import { requireNames } from './refused-models.ts';
import { Session } from './session.ts';
import type { ImageLocation, RunOptions } from './types.ts';

export interface ManifestRunOptions extends RunOptions {
  /** The source of digests: the registry, or the layout at `output` and, for what it lacks, the lock. */
  from: ImageLocation;
  namespace?: string;
  /** For a kustomize base: the namespace is in no object, since the kustomization sets it. */
  base?: boolean;
  pullSecrets: string[];
  /** Whether to add the ServingRuntimes. */
  withRuntime: boolean;
  /** Image of the model server, in the ServingRuntimes and LLMInferenceServices. */
  serverImage?: string;
  /** `kserve` by default; `openshift` for the runtimes and the dashboard of OpenShift AI. */
  platform?: ServingPlatform;
}

/** The Kubernetes objects that serve one model. */
export interface ModelManifest {
  model: string;
  /** `quay.io/me/iris@sha256:…`. */
  image: string;
  /** The version or tag of that image; absent for one that has neither. */
  version?: string;
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
  // Names of LLMInferenceServices may be longer: llmInferenceService checks them.
  requireNames(
    models.filter((model) => !isLLM(model)),
    options.namespace,
  );
  await using session = await Session.open(options);
  const written = new Set<string>();
  const manifests: ModelManifest[] = [];
  for (const model of models) {
    const framework = frameworkOn(options, session, model);
    const { digest, version } = await imageOf(session, model, options.from);
    const image = `${repositoryName(model)}@${digest}`;
    const { namespace, pullSecrets, serverImage } = options;
    const where = namespace === undefined || options.base ? {} : { namespace };
    const server = serverImage === undefined ? {} : { serverImage };
    const object = servingObject(model, framework, { image, pullSecrets, ...where, ...server });
    const objects: KubernetesObject[] = [];
    const runtime = isLLM(model) ? undefined : servedBy(model, framework).runtime;
    if (options.withRuntime && runtime === undefined)
      options.progress.log(
        `${model.name}: an LLMInferenceService has no ServingRuntime; --with-runtime adds none`,
      );
    if (options.withRuntime && runtime !== undefined && !written.has(runtime)) {
      const image = serverImage === undefined ? {} : { image: serverImage };
      const object = servingRuntime(runtime, { ...where, ...image });
      warnOfFloatingImage(options, object);
      objects.push(object);
      written.add(runtime);
    }
    if (!isLLM(model))
      for (const text of exceededLimits(model, framework)) options.progress.warn(`${model.name}: ${text}`);
    objects.push(options.platform === 'openshift' ? inDashboard(object, framework) : object);
    manifests.push({ model: model.name, image, ...(version !== undefined && { version }), objects });
  }
  warnOfNoVersion(manifests, options);
  return manifests;
}

/** The framework as the platform serves it. */
function frameworkOn({ platform, progress }: ManifestRunOptions, session: Session, model: Model): Framework {
  const framework = session.framework(model);
  if (platform !== 'openshift' || isLLM(model)) return framework;
  const chosen = onOpenshift(model, framework);
  if (model.serving?.runtime === undefined && lacksAccelerator(chosen.runtime))
    progress.log(
      `${model.name}: \`serving.resources\` requests no accelerator, so vLLM runs on CPUs (${chosen.runtime})`,
    );
  return chosen;
}

/** The templates of Open Data Hub name no fixed versions, and those of OpenShift AI images of Red Hat. */
function warnOfFloatingImage({ serverImage, progress }: ManifestRunOptions, runtime: ServingRuntime): void {
  const image = runtime.spec.containers[0]?.image ?? '';
  if (serverImage !== undefined || !/:(latest|fast[^:]*)$/.test(image)) return;
  progress.warn(
    `${runtime.metadata.name}: ${image} is what Open Data Hub runs today; pass the image of your cluster's template with --server-image`,
  );
}
