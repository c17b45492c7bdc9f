import { func, object } from '@dagger.io/dagger';

/** An image in a registry */
@object()
export class Image {
  /** Its repository: quay.io/me/iris */
  @func()
  name: string = '';

  /** Digest of its index: sha256:… */
  @func()
  digest: string = '';

  /** The reference that never changes: quay.io/me/iris@sha256:… */
  @func()
  ref: string = '';

  /** The tags that point at it */
  @func()
  tags: string[] = [];
}

/** The images in what `modelcars push --json` printed. Throws when it is no such document. */
export function imagesOf(document: string): Image[] {
  type Outcome = { name?: string; digest?: string; tags?: { tag: string; current: boolean }[] };
  const { models } = JSON.parse(document) as { models: Outcome[] };
  return models.map(({ name = '', digest = '', tags = [] }) => {
    const current = tags.filter((one) => one.current).map(({ tag }) => tag);
    return Object.assign(new Image(), { name, digest, ref: `${name}@${digest}`, tags: current });
  });
}
