import { ModelcarsError } from '../errors.ts';
import { formatPlatform } from '../image/platform.ts';
import { parseIndex, parseManifest } from '../image/schema.ts';
import type { ImageStore } from '../image/types.ts';
import type { CatalogEntry } from '../model/types.ts';
import { bomOf } from '../trust/attestations/bom/bom.ts';
import type { Bom } from '../trust/attestations/bom/types.ts';
import { keys } from './annotations.ts';
import { predict } from './assemble.ts';
import { type AttestedIndex, attestedImage, softwareOfBases } from './attested-image.ts';
import { entryName, remoteTag, repositoryName } from './image-names.ts';
import { openImages } from './open-images.ts';
import { type ImagePlan, planImage } from './plan-image.ts';
import { Session } from './session.ts';
import type { ImageLocation, RunOptions } from './types.ts';

export interface BomRunOptions extends RunOptions {
  /** The source of the digest: the registry, or the layout at `output` and, for what it lacks, the lock. */
  from: ImageLocation;
}

/**
 * The bill of materials of one model's image as the lock describes it. Reads the layers of its base images, but no model
 * byte. Fails with code `usage` for several models, and with `layout`, `registry` or `lock` when the image's digest is
 * not known or the image is another one.
 */
export async function bomOfModel(options: BomRunOptions): Promise<Bom> {
  const [model] = options.models;
  if (model === undefined || options.models.length > 1) {
    throw new ModelcarsError('usage', `write BOM: ${options.models.length} models are selected`, {
      next: 'name one model: each image has a document of its own',
    });
  }
  await using session = await Session.open(options);
  const plan = await planImage(session, model);
  const index = await findIndex(session, plan, options.from);
  const name = model.registry === undefined ? model.name : repositoryName(model);
  const image = await attestedImage(session, plan, name, index);
  return bomOf(image, await softwareOfBases(session, plan));
}

async function findIndex(session: Session, plan: ImagePlan, from: ImageLocation): Promise<AttestedIndex> {
  const { model } = plan;
  const predicted = (await predict(session, plan))?.index;
  const opening = openImages(await session.client(), from);
  await using images = 'registry' in from ? await opening : await opening.catch(() => undefined);
  const descriptor = await images?.find(model);
  if (images === undefined || descriptor === undefined) {
    if (predicted !== undefined && !('registry' in from)) return predicted;
    throw unknown(model, from);
  }
  const { store } = images.address(model);
  const bytes = await store.read(descriptor);
  const isSame =
    predicted === undefined
      ? await matches(store, plan, bytes)
      : predicted.descriptor.digest === descriptor.digest;
  if (isSame) return { descriptor, bytes };
  throw different(model, from, descriptor.digest);
}

/**
 * Whether an image says that it was made from this plan, by the keys of its layers and the digests of its bases: enough
 * for a document about an image that `verify` can examine, when this machine never read the model.
 */
async function matches(store: ImageStore, plan: ImagePlan, index: Uint8Array): Promise<boolean> {
  const wanted = plan.layers.map(({ key }) => key).join();
  const { manifests } = parseIndex(index, plan.model.name);
  if (manifests.length !== plan.bases.length) return false;
  for (const descriptor of manifests) {
    const platform = descriptor.platform && formatPlatform(descriptor.platform);
    const base = plan.bases.find((one) => formatPlatform(one.platform) === platform);
    const { layers, annotations = {} } = parseManifest(await store.read(descriptor), plan.model.name);
    const found = layers.flatMap((layer) => layer.annotations?.[keys.layerKey] ?? []).join();
    if (base?.digest !== annotations['org.opencontainers.image.base.digest'] || found !== wanted)
      return false;
  }
  return true;
}

function unknown(model: CatalogEntry, from: ImageLocation): ModelcarsError {
  if ('registry' in from) {
    return new ModelcarsError(
      'registry',
      `find ${repositoryName(model)}:${remoteTag(model)}: the registry has no such image`,
      { next: 'push it first, or leave --remote out for the image that the lock describes' },
    );
  }
  return new ModelcarsError(
    'layout',
    `write BOM of ${model.name}: its image was never built, so its digest is not known`,
    {
      next: `run \`modelcars build ${model.name}\`; \`modelcars lock --layers\` records digests without an image; --remote reads a registry`,
    },
  );
}

function different(model: CatalogEntry, from: ImageLocation, digest: string): ModelcarsError {
  const isRemote = 'registry' in from;
  const where = isRemote
    ? `${repositoryName(model)}:${remoteTag(model)}`
    : `${entryName(model)} in ${from.layout}`;
  return new ModelcarsError(
    'lock',
    `write BOM of ${model.name}: ${where} (${digest}) is not the image that the lock describes`,
    {
      next: isRemote
        ? 'check out the commit that it was pushed from, or push a new version'
        : `run \`modelcars build ${model.name}\` again`,
    },
  );
}
