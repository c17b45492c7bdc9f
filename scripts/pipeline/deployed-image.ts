import type { Digest } from '../image/types.ts';
import type { Model } from '../model/types.ts';
import { isVersionTag, newestVersion } from '../registry/tag-policy.ts';
import { remoteTag } from './image-names.ts';
import type { OpenedImages } from './open-images.ts';
import { namedVersion } from './plan-tags.ts';

/** An image to deploy. */
export interface DeployedImage {
  digest: Digest;
  /** The version that it names, otherwise the tag under which it was found. */
  version: string;
}

/**
 * The image to deploy: that of the model's version, or of its first tag. A model with neither gets `latest` and, where
 * no image has that tag (pushes without floating tags, pre-releases), the newest version. Undefined without such an
 * image.
 */
export async function findDeployed(images: OpenedImages, model: Model): Promise<DeployedImage | undefined> {
  const root = await images.find(model);
  if (root !== undefined) {
    const tag = remoteTag(model);
    const named = isVersionTag(tag) ? tag : await namedVersion(images.address(model).store, root);
    // What an image says of itself is printed only if it is a version.
    return { digest: root.digest, version: named !== undefined && isVersionTag(named) ? named : tag };
  }
  if (model.version !== undefined || model.tags.length > 0) return undefined;
  const version = newestVersion(await images.tags(model));
  const newest = version === undefined ? undefined : await images.find({ ...model, version });
  return version === undefined || newest === undefined ? undefined : { digest: newest.digest, version };
}
