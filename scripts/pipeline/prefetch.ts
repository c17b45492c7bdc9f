import { ModelcarsError } from '../errors.ts';
import type { KubernetesObject } from '../kserve/manifests/inference-service.ts';
import { placeModels } from '../kserve/manifests/prefetch/placement.ts';
import { type PrefetchImage, prefetchObject } from '../kserve/manifests/prefetch/prefetch.ts';
import { isModel } from '../model/catalog-entry.ts';
import type { Model, Toleration } from '../model/types.ts';
import { list } from '../text/format.ts';
import { repositoryName } from './image-names.ts';
import { imageOf, warnOfNoVersion } from './pinned-image.ts';
import { Session } from './session.ts';
import type { ImageLocation, RunOptions } from './types.ts';

export interface PrefetchRunOptions extends RunOptions {
  /** The source of digests, as of `manifestModels`. */
  from: ImageLocation;
  /** Begins the names of the objects. */
  name: string;
  namespace?: string;
  /** In addition to those of `serving:`. */
  pullSecrets: readonly string[];
  /** In place of those of `serving:`. */
  nodeSelector?: Record<string, string>;
  tolerations?: Toleration[];
  /** A Job that pulls onto so many nodes once; a DaemonSet by default. */
  nodes?: number;
}

/** One object, and the images that it pulls. */
export interface Prefetch {
  object: KubernetesObject;
  images: { model: string; image: string; version?: string }[];
}

/**
 * The objects that pull the models' images, pinned by digest: one for each set of nodes. Models that KServe downloads by
 * itself (`storage: oci+fetch`) are left out with a line. Fails with code `usage` when none is left or a registry is
 * missing, and with the registry's or the source's error when a digest cannot be determined.
 */
export async function prefetchModels(options: PrefetchRunOptions): Promise<Prefetch[]> {
  const models = pullable(options);
  for (const model of models) repositoryName(model);
  await using session = await Session.open(options);
  const prefetches: Prefetch[] = [];
  for (const { placement, models: placed } of placeModels(models, options)) {
    const images: Prefetch['images'] = [];
    for (const model of placed) {
      const { digest, version } = await imageOf(session, model, options.from);
      const image = `${repositoryName(model)}@${digest}`;
      images.push({ model: model.name, image, ...(version !== undefined && { version }) });
    }
    const secrets = placed.flatMap(({ serving }) => serving?.imagePullSecrets ?? []);
    const pullSecrets = [...new Set([...secrets, ...options.pullSecrets])];
    const { name, namespace, nodes } = options;
    const where = {
      ...(namespace !== undefined && { namespace }),
      ...(nodes !== undefined && { nodes }),
    };
    const [first, ...more] = images as [PrefetchImage, ...PrefetchImage[]];
    const object = prefetchObject([first, ...more], placement, { name, pullSecrets, ...where });
    prefetches.push({ object, images });
  }
  warnOfNoVersion(
    prefetches.flatMap(({ images }) => images),
    options,
  );
  return prefetches;
}

/** The models whose images the kubelet pulls. */
function pullable({ models, progress }: PrefetchRunOptions): Model[] {
  const all = models.filter(isModel);
  if (all.length === 0)
    throw new ModelcarsError('usage', 'prefetch: KServe serves models, and this is a loader', {
      next: 'name a model',
    });
  const fetched = all.filter(({ serving }) => serving?.storage === 'oci+fetch').map(({ name }) => name);
  const pulled = all.filter(({ serving }) => serving?.storage !== 'oci+fetch');
  if (pulled.length > 0 && fetched.length > 0)
    progress.warn(`${list(fetched, 'and')}: ${why}, so no image is pulled for ${one(fetched)}`);
  if (pulled.length > 0) return pulled;
  throw new ModelcarsError('usage', `prefetch ${list(fetched, 'and')}: ${why}`, {
    next: 'use `storage: oci` or `storage: oci+native` for models that have to start quickly',
  });
}

const why = "with `storage: oci+fetch` KServe downloads the model itself, and not from the node's images";
const one = ({ length }: readonly string[]) => (length === 1 ? 'it' : 'them');
