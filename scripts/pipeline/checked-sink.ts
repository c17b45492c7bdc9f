import { ModelcarsError } from '../errors.ts';
import { type Descriptor, isManifest, mediaTypes, type Sink } from '../image/types.ts';
import type { Repository } from '../registry/repository.ts';

/** A repository as a sink that reads back what the registry claims to have stored. */
export interface CheckedSink extends Sink {
  /** Call after setting the tags: checks that the registry still has the manifests. Fails with code `integrity`. */
  confirmManifests(): Promise<void>;
}

/**
 * Reads back everything a push writes, so that a tag never points at content the registry lacks: blobs and manifests
 * before the index is sent, the index after it. Does not check blobs that existed before: pushing an unchanged image
 * costs no extra request.
 */
export function checkedSink(repository: Repository): CheckedSink {
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
    async confirmManifests() {
      await Promise.all(
        manifests.map(async ({ digest }) => {
          if ((await repository.resolve(digest)) !== undefined) return;
          throw new ModelcarsError(
            'integrity',
            `push manifest ${digest} to ${repository.name}: the registry had it before the tags were set, and has it no more`,
            { next: "look at the registry's log, then push again" },
          );
        }),
      );
    },
  };
}
