import { ModelcarsError } from '../errors.ts';
import type { Content, Descriptor } from '../image/types.ts';
import type { Repository } from '../registry/repository.ts';
import type { Task } from '../terminal/types.ts';
import { allOrStop, uniqueBaseLayers } from './assemble.ts';
import type { CheckedSink } from './checked-sink.ts';
import type { OwnImage } from './own-image.ts';
import type { RebasedImage } from './rebased-image.ts';
import type { Session } from './session.ts';

export interface RebasedTarget {
  from: Repository;
  to: Repository;
  sink: CheckedSink;
}

/**
 * Writes an image whose model layers the registry has: looks for these or mounts them, sends the layers of its bases,
 * configs and manifests, then the index. Reads and sends no byte of a model. Sets no tag. Returns the bytes sent. Fails
 * with code `registry` when a model layer is missing or cannot be mounted.
 */
export async function writeRebased(
  session: Session,
  { layers }: OwnImage,
  image: RebasedImage,
  { from, to, sink }: RebasedTarget,
  task: Task,
): Promise<number> {
  let sent = 0;
  const stop = new AbortController();
  const signal = AbortSignal.any([session.options.signal, stop.signal]);
  const onBytes = (count: number) => {
    sent += count;
    task.add(count);
  };
  const bases = uniqueBaseLayers(image);
  task.total(bases.reduce((sum, { size }) => sum + size, 0));
  const reuse = layers.map(({ descriptor }) =>
    session.slot(async () => {
      if (await to.has(descriptor)) return;
      if (from.name === to.name) throw lost(to, descriptor);
      await sink.write(mountOnly(descriptor, from, to), { signal });
    }),
  );
  await allOrStop(reuse, stop);
  const send = bases.map((content) =>
    session.slot(async () => {
      if (await sink.has(content)) task.add(content.size);
      else await sink.write(content, { signal, onBytes });
    }),
  );
  await allOrStop(send, stop);
  for (const document of [...image.documents, image.index])
    if (!(await sink.has(document.descriptor))) await sink.write(document, { signal, onBytes });
  return sent;
}

/** A blob that can be mounted, and never be sent. */
function mountOnly(descriptor: Descriptor, from: Repository, to: Repository): Content {
  const { digest, size } = descriptor;
  return {
    mediaType: 'application/octet-stream',
    digest,
    size,
    open() {
      throw new ModelcarsError(
        'registry',
        `mount ${digest} from ${from.name} in ${to.name}: the registry does not do it, so the layer would be sent`,
        { next: 'leave out --to, and copy the new image with `modelcars promote`' },
      );
    },
  };
}

function lost(to: Repository, { digest }: Descriptor): ModelcarsError {
  return new ModelcarsError(
    'registry',
    `rebase ${to.name}: the registry has lost the model layer ${digest}`,
    {
      next: 'push the new version from its source: `modelcars push`',
    },
  );
}
