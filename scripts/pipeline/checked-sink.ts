import { ModelcarsError } from '../errors.ts';
import { type Descriptor, isManifest, mediaTypes, type Sink } from '../image/types.ts';
import type { Repository } from '../registry/repository.ts';

/** A repository as a sink that believes no 201. */
export interface ProvingSink extends Sink {
  /** After the tags: whether the manifests that were written are still what the registry shows. Fails with code `integrity`. */
  proveManifests(): Promise<void>;
}

/**
 * Reads back what a push writes, so that no tag ever shows what the registry does not hold: blobs and manifests before the index
 * goes, the index after it. What was there before is not asked for again: a push of an unchanged image costs no request more.
 */
export function provingSink(repository: Repository): ProvingSink {
  const manifests: Descriptor[] = [];
  return {
    has: (descriptor) => repository.has(descriptor),
    tag: (name, descriptor) => repository.tag(name, descriptor),
    async write(content, options) {
      const isIndex = content.mediaType === mediaTypes.index;
      if (isIndex) await repository.proveWritten(options?.signal);
      const descriptor = await repository.write(content, options);
      if (isManifest(descriptor.mediaType)) manifests.push(descriptor);
      if (isIndex) await repository.proveWritten(options?.signal);
      return descriptor;
    },
    async proveManifests() {
      await Promise.all(
        manifests.map(async ({ digest }) => {
          if ((await repository.resolve(digest)) !== undefined) return;
          throw new ModelcarsError(
            'integrity',
            `push manifest ${digest} to ${repository.name}: it was there before the tags were set, and is gone`,
            { next: "look at the registry's log, then push again" },
          );
        }),
      );
    },
  };
}
