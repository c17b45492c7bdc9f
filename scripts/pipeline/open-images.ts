import { ModelcarsError } from '../errors.ts';
import type { Descriptor, ImageStore } from '../image/types.ts';
import { openLayout } from '../layout/open.ts';
import type { Model } from '../model/types.ts';
import { entryName, remoteTag, repositoryName } from './image-names.ts';
import type { Session } from './session.ts';

/** Where images are that are there already. */
export type ImageLocation = { layout: string } | { registry: true };

/** A model's image, found. */
export interface OpenedImage {
  store: ImageStore;
  root: Descriptor;
  /** What the store calls it. */
  entry: string;
  /** `quay.io/me/iris@sha256:…`, of one in a registry. */
  pushed?: string;
}

/** The images of some models; dispose of it when they are read no more. */
export interface OpenedImages extends AsyncDisposable {
  of(model: Model): OpenedImage;
}

/** Finds the models' images. Fails with code `layout` or `registry`, naming all that are missing. */
export async function openImages(
  session: Session,
  models: readonly Model[],
  from: ImageLocation,
): Promise<OpenedImages> {
  const found = new Map<string, OpenedImage>();
  const missing: string[] = [];
  const layout = 'layout' in from ? await openLayout(from.layout) : undefined;
  for (const model of models) {
    const entry = layout === undefined ? remoteTag(model) : entryName(model);
    const store = layout ?? session.client.repository(repositoryName(model));
    const root = await store.resolve(entry);
    if (root === undefined) missing.push(layout === undefined ? `${repositoryName(model)}:${entry}` : entry);
    else {
      const pushed = layout === undefined ? `${repositoryName(model)}@${root.digest}` : undefined;
      found.set(model.name, { store, root, entry, ...(pushed !== undefined && { pushed }) });
    }
  }
  if (missing.length > 0) {
    await layout?.[Symbol.asyncDispose]();
    const where = 'layout' in from ? from.layout : 'the registry';
    throw new ModelcarsError(
      layout === undefined ? 'registry' : 'layout',
      `find images: ${where} has no ${missing.join(', no ')}`,
      {
        next:
          layout === undefined ? 'push them first: `modelcars push`' : 'build them first: `modelcars build`',
      },
    );
  }
  return {
    of(model) {
      const image = found.get(model.name);
      if (image === undefined) throw new ModelcarsError('bug', `no image of ${model.name} was looked for`);
      return image;
    },
    async [Symbol.asyncDispose]() {
      await layout?.[Symbol.asyncDispose]();
    },
  };
}
