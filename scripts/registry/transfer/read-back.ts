import { setTimeout as wait } from 'node:timers/promises';
import { cancelled, ModelcarsError } from '../../errors.ts';
import { type Descriptor, isManifest } from '../../image/types.ts';

/**
 * Pauses before each further look, as multiples of the retry delay (1 s): object storage and caches may show a write
 * late.
 */
const patience = [0.25, 1, 3];

/** Repeats `look` until `seen` accepts its result, at most four times in four seconds; returns the last result. */
export async function lookUntil<T>(
  look: () => Promise<T>,
  seen: (found: T) => boolean,
  { signal, delay = 1000 }: { signal?: AbortSignal | undefined; delay?: number } = {},
): Promise<T> {
  for (const part of patience) {
    const found = await look();
    if (seen(found)) return found;
    await wait(part * delay, undefined, signal && { signal }).catch((cause: unknown) => {
      throw cancelled(cause);
    });
  }
  return await look();
}

/**
 * Reads back a written manifest or blob: a 201 is the registry's word, not a proof. A manifest is read and hashed; of a
 * blob, the size is checked. Fails with code `integrity`. `look` returns the size in bytes, 0 if the registry does not
 * report it, undefined if there is nothing; a size of 0 in the descriptor means unknown.
 */
export async function readBack(
  repository: string,
  { digest, mediaType, size }: Descriptor,
  look: () => Promise<number | undefined>,
  pace: { signal?: AbortSignal | undefined; delay?: number } = {},
): Promise<void> {
  const whole = (found: number | undefined) =>
    found === size || found === 0 || (size === 0 && found !== undefined);
  const found = await lookUntil(look, whole, pace);
  if (whole(found)) return;
  const kind = isManifest(mediaType) ? 'manifest' : 'blob';
  const why = found === undefined ? 'and does not have it' : `and has ${found} bytes of ${size}`;
  throw new ModelcarsError(
    'integrity',
    `push ${kind} ${digest} to ${repository}: the registry answered that it is stored, ${why}`,
    { next: "look at the registry's storage, its log and any proxy before it, then push again" },
  );
}
