import type { Catalog } from '../../model/types.ts';
import { formatReference } from '../../registry/reference.ts';
import { type ImageName, openNamed, readImageName } from '../named-image.ts';
import type { RunOptions } from '../types.ts';
import { compareImages, type ImageDiff } from './compare.ts';
import { layerDigests, readFacts } from './image-facts.ts';

export interface DiffOptions extends Pick<RunOptions, 'registry' | 'signal' | 'progress'> {
  /** As on the command line: see `readImageName`; `:v1.2.4` and `@sha256:…` are of the first one's repository. */
  images: [string, string];
  layout: string;
  /** Undefined without a models.yaml. */
  catalog: Catalog | undefined;
  /** Registry prefix → replacement to pull from. */
  mirrors: Record<string, string>;
  /** Read layers that do not list their files with SHA-256, and that are not in both images. */
  readLayers: boolean;
}

/** The difference between two images, and which they are. */
export interface DiffResult extends ImageDiff {
  from: { name: string; digest: string };
  to: { name: string; digest: string };
}

/**
 * Compares two images, in layouts or registries. Reads their documents, and no byte of a model where the layers list
 * their files. Fails with code `layout` or `registry` when one does not exist.
 */
export async function diffImages(options: DiffOptions): Promise<DiffResult> {
  const { images, catalog, layout, registry, mirrors, readLayers, signal, progress } = options;
  const first = readImageName(images[0], 'diff', catalog);
  const second = readImageName(relativeTo(first, images[1]), 'diff', catalog);
  const one = first.reference?.registry === second.reference?.registry;
  const access = {
    verb: 'diff',
    layout,
    registry,
    mirrors,
    signal,
    // A user name and password without a host are meant for one registry.
    own: one || first.reference === undefined || second.reference === undefined,
    onRetry: (line: string) => progress.warn(line),
  };
  await using a = await openNamed(first, access);
  await using b = await openNamed(second, access);
  const [inA, inB] = await Promise.all([
    layerDigests(a.store, a.root, first.name),
    layerDigests(b.store, b.root, second.name),
  ]);
  const [from, to] = await Promise.all([
    readFacts({ store: a.store, root: a.root, name: first.name, readLayers, same: inB, signal }),
    readFacts({ store: b.store, root: b.root, name: second.name, readLayers, same: inA, signal }),
  ]);
  const diff = compareImages(from, to);
  return {
    from: { name: first.name, digest: from.digest },
    to: { name: second.name, digest: to.digest },
    ...diff,
  };
}

/** `:v1.2.4` and `@sha256:…` as names of the same model. */
function relativeTo({ name, model, reference }: ImageName, word: string): string {
  if (!/^[:@]/.test(word)) return word;
  if (reference === undefined) return `${model}${word}`;
  const { tag: _tag, digest: _digest, ...repository } = reference;
  return name.includes('/') ? `${formatReference(repository)}${word}` : word;
}
