import type { Layer } from '../image/layer.ts';
import { frameworkName, isModel, sourceName } from '../model/catalog-entry.ts';
import type { CatalogEntry, LockedModel } from '../model/types.ts';
import { spdxOf } from '../sources/huggingface/licence.ts';
import { isLocal, kindOf } from '../sources/index.ts';

/** Annotation keys that modelcars defines. */
export const keys = {
  framework: 'dev.modelcars.framework',
  /** From the model card on the hub. */
  baseModel: 'dev.modelcars.base-model',
  pipelineTag: 'dev.modelcars.pipeline-tag',
  /** On a model layer: identifies its bytes before they are read (see image/layer.ts). */
  layerKey: 'dev.modelcars.layer.key',
  /** On a model layer: JSON list of its files, `{path, size, sha256}`, path below `/`. */
  layerFiles: 'dev.modelcars.layer.files',
} as const;

/** Limit on the files listed in a layer's annotation: registries limit manifests to 4 MiB. */
const mostListed = 64;

/**
 * Annotations of an image's index and manifests (image-spec annotations.md). A hub's repository is named by its page; a
 * `file:` source is not named, since its path means nothing on another machine. The model card fills in what the
 * catalog leaves out. The catalog's `annotations:` override all of these except the base image and the creation time.
 */
export function annotationsOf(
  model: CatalogEntry,
  locked: LockedModel,
  created: string,
): Record<string, string> {
  const prefix = 'org.opencontainers.image';
  const { metadata = {} } = locked;
  const source = sourceName(model);
  const page = kindOf(source)?.page?.(source);
  const licenses = isModel(model) ? model.licenses : undefined;
  const known: Record<string, string | undefined> = {
    [`${prefix}.title`]: model.title ?? model.name,
    [`${prefix}.description`]: model.description,
    [`${prefix}.version`]: model.version,
    [`${prefix}.revision`]: locked.revision,
    [`${prefix}.url`]: page,
    [`${prefix}.source`]: page ?? (isLocal(source) ? undefined : source),
    [`${prefix}.licenses`]: licenses ?? spdxOf(metadata),
    [keys.framework]: frameworkName(model),
    [keys.baseModel]: metadata.base_model,
    [keys.pipelineTag]: metadata.pipeline_tag,
    ...model.annotations,
    [`${prefix}.base.name`]: model.base,
    [`${prefix}.created`]: created,
  };
  return Object.fromEntries(
    Object.entries(known).filter((pair): pair is [string, string] => pair[1] !== undefined),
  );
}

/** Annotations of a model layer's descriptor: its key and, unless there are too many, its files. */
export function layerAnnotations(layer: Layer): Record<string, string> {
  const { files: planned, root = 'models' } = layer.plan;
  const files = planned.map(({ path, size, sha256 }) => ({ path: `${root}/${path}`, size, sha256 }));
  return {
    ...(files.length <= mostListed && { [keys.layerFiles]: JSON.stringify(files) }),
    [keys.layerKey]: layer.key,
  };
}
