import { ModelcarsError } from '../errors.ts';
import type { Descriptor, ImageStore } from '../image/types.ts';
import { frameworkName } from '../model/catalog-entry.ts';
import type { Model } from '../model/types.ts';
import { plain } from '../text/format.ts';
import { keys } from './annotations.ts';
import { measureImage, TreeReader } from './image-tree.ts';

/** What an image says of itself. */
export interface ImageFacts {
  root: Descriptor;
  /** Bytes of all distinct layers of all platforms, as stored. */
  size: number;
  platforms: string[];
  /** For people, by the names that a model registry shows; no value is empty. */
  properties: Record<string, string>;
}

const longest = 1000;
const prefix = 'org.opencontainers.image';
/** Name of a property → annotation of the image. */
const annotated = {
  framework: keys.framework,
  license: `${prefix}.licenses`,
  task: keys.pipelineTag,
  source: `${prefix}.source`,
  revision: `${prefix}.revision`,
  baseModel: keys.baseModel,
};

/**
 * Reads manifests and annotations of a model's image. Fails with code `integrity` when it is not of this model's
 * framework: under the same name is then something else, such as an image that another tool pushed.
 */
export async function readImageFacts(store: ImageStore, root: Descriptor, model: Model): Promise<ImageFacts> {
  const image = await new TreeReader(store, model.name).read(root);
  const { annotations } = image;
  const wanted = model.annotations[keys.framework] ?? frameworkName(model);
  const found = annotations[keys.framework];
  if (found !== wanted)
    throw new ModelcarsError(
      'integrity',
      `read image of ${model.name} (${root.digest}): ${found === undefined ? 'modelcars did not build it' : `its framework is ${plain(found)}, not ${wanted}`}`,
      { next: 'correct `registry:` or the version, or push the model' },
    );
  const { size, platforms = [] } = measureImage(image);
  const properties = Object.entries(annotated).flatMap(([name, key]) => {
    const text = annotations[key]?.trim() ?? '';
    return text === '' ? [] : [[name, plain(text, longest)] as const];
  });
  return {
    root,
    size,
    platforms,
    properties: {
      ...Object.fromEntries(properties),
      sizeBytes: String(size),
      platforms: platforms.join(', '),
    },
  };
}
