import type { LimitFunction } from 'p-limit';
import { ModelcarsError, stopIfAborted } from '../errors.ts';
import { documentOfBytes } from '../image/manifest.ts';
import type { Content, Descriptor, Digest } from '../image/types.ts';
import { Referrers } from '../registry/referrers.ts';
import type { Repository } from '../registry/repository.ts';
import { lookUntil } from '../registry/transfer/read-back.ts';
import type { Task } from '../terminal/types.ts';
import { allOrStop } from './assemble.ts';
import { checkedSink } from './checked-sink.ts';
import type { Companions } from './companions.ts';
import { blobsOf, type ImageTree, manifestsOf } from './image-tree.ts';
import { mergeOlder, planOlder } from './older-signatures.ts';

/** An image in a repository, with all that is copied along with it. */
export interface CopySource extends Companions {
  repository: Repository;
  image: ImageTree;
}

/** What the destination lacks. */
export interface Missing extends Companions {
  /** Undefined when the destination has it. */
  image: ImageTree | undefined;
  /** Images whose older signatures are added to those that the destination has. */
  merged: Digest[];
}

export interface CopyOptions {
  /** Limits the blobs that are copied at the same time. */
  slot: LimitFunction;
  signal: AbortSignal;
  task: Task;
}

/** What of an image the destination lacks. Makes no change. Fails as `planOlder` does. */
export async function findMissing(source: CopySource, to: Repository, signal: AbortSignal): Promise<Missing> {
  const { image } = source;
  const listing = new Referrers(to, signal);
  const subjects = [...new Set(source.referrers.map(({ subject }) => subject))];
  const present = new Set<Digest>();
  for (const subject of subjects) for (const { digest } of await listing.list(subject)) present.add(digest);
  const tagged: Missing['tagged'] = [];
  const merged: Digest[] = [];
  for (const one of source.tagged) {
    const plan = await planOlder(source.repository, to, one);
    if (plan === 'set') tagged.push(one);
    if (plan === 'merge') merged.push(one.subject);
  }
  return {
    image: (await to.has(image.descriptor)) ? undefined : image,
    referrers: source.referrers.filter(({ descriptor }) => !present.has(descriptor.digest)),
    tagged,
    merged,
  };
}

/**
 * Copies what is missing, by digest, in the order blobs, manifests, referrers, tags of the older layout, index, so that
 * the image appears with its signatures, and after an interruption not at all. Everything is read back before the index
 * is written. Blobs stream from one registry to the other, and are mounted within one. Returns the bytes sent, and a
 * check to run after the tags are set.
 */
export async function copyImage(
  from: Repository,
  to: Repository,
  missing: Missing,
  { slot, signal, task }: CopyOptions,
): Promise<{ sent: number; confirm(): Promise<void> }> {
  const sink = checkedSink(to);
  const listing = new Referrers(to, signal);
  const trees = [...missing.referrers, ...missing.tagged.map(({ tree }) => tree)];
  const image = missing.image === undefined ? [] : [missing.image];
  let sent = 0;
  const onBytes = (count: number) => {
    sent += count;
    task.add(count);
  };
  const blobs = blobsOf([...image, ...trees]);
  task.total(blobs.reduce((sum, { size }) => sum + size, 0));
  const stop = new AbortController();
  const any = AbortSignal.any([signal, stop.signal]);
  const copies = blobs.map((blob) =>
    slot(async () => {
      stopIfAborted(any);
      const content = contentOf(from, blob);
      let copied = 0;
      const count = (bytes: number) => {
        copied += bytes;
        onBytes(bytes);
      };
      if (!(await sink.has(content))) await sink.write(content, { signal: any, onBytes: count });
      // Mounted, or there already.
      task.add(blob.size - copied);
    }),
  );
  await allOrStop(copies, stop);

  const write = async (tree: ImageTree): Promise<void> => {
    stopIfAborted(signal);
    if (!(await sink.has(tree.descriptor)))
      await sink.write(documentOfBytes(tree.descriptor.mediaType, tree.bytes), { signal, onBytes });
  };
  for (const tree of image.flatMap(({ children }) => children.flatMap(manifestsOf))) await write(tree);
  for (const tree of missing.referrers) {
    for (const child of tree.children.flatMap(manifestsOf)) await write(child);
    stopIfAborted(signal);
    await attach(listing, tree);
    sent += tree.bytes.length;
  }
  for (const { tag, tree } of missing.tagged) {
    for (const manifest of manifestsOf(tree)) await write(manifest);
    await setTag(to, tag, tree.descriptor, signal);
  }
  for (const subject of missing.merged) {
    stopIfAborted(signal);
    await mergeOlder(from, to, subject, signal);
  }
  for (const tree of image) await write(tree);
  await listing.confirm();
  return { sent, confirm: () => sink.confirmManifests() };
}

/** A blob, read from the source when it has to be sent. */
function contentOf(from: Repository, { digest, size }: Descriptor): Content & Descriptor {
  // A registry stores a blob under its digest alone; by the type of a manifest it would be stored as one.
  const blob = { mediaType: 'application/octet-stream', digest, size };
  return { ...blob, open: (offset, signal) => from.open(blob, offset, signal) };
}

async function attach(listing: Referrers, tree: Companions['referrers'][number]): Promise<void> {
  const { subject, bytes, artifactType, annotations, descriptor } = tree;
  const { mediaType } = descriptor;
  await listing.attachManifest(subject, bytes, { artifactType, annotations, mediaType });
}

/** Points a tag at a manifest and reads it back. */
async function setTag(to: Repository, tag: string, manifest: Descriptor, signal: AbortSignal): Promise<void> {
  stopIfAborted(signal);
  await to.tag(tag, manifest);
  const found = await lookUntil(
    () => to.resolve(tag),
    (one) => one?.digest === manifest.digest,
    { signal },
  );
  if (found?.digest === manifest.digest) return;
  throw new ModelcarsError(
    'integrity',
    `tag ${to.name}:${tag}: the registry answered that it points at ${manifest.digest}, and ${found === undefined ? 'there is no such tag' : `it points at ${found.digest}`}`,
    { next: "look at the registry's log and any proxy or cache before it, then promote again" },
  );
}
