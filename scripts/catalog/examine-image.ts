import { ModelcarsError } from '../errors.ts';
import type { Framework, ModelReader } from '../model/types.ts';
import { compareBytes } from '../text/paths.ts';
import type { OpenFile, PlacedFile } from './completeness.ts';

/** Limit on the bytes that are read of all files: settings are small. */
const mostBytes = 64 * 1024 ** 2;

/**
 * What a framework has to say of the files that the image gets (`examineImage`): its warnings. Fails with code `source`
 * when it refuses them.
 */
export async function examineImage(
  { name }: { name: string },
  { examineImage: examine }: Framework,
  placed: readonly PlacedFile[],
  open: OpenFile,
  signal: AbortSignal = new AbortController().signal,
): Promise<string[]> {
  if (examine === undefined) return [];
  const { warnings = [], refusal } = await examine(readerOf(placed, open, signal), name);
  if (refusal === undefined) return warnings;
  throw new ModelcarsError('source', `resolve model ${name}: ${refusal.problem}`, { next: refusal.next });
}

function readerOf(placed: readonly PlacedFile[], open: OpenFile, signal: AbortSignal): ModelReader {
  const files = new Map(placed.map(({ path, file }) => [path, file]));
  let left = mostBytes;
  return {
    paths: [...files.keys()].toSorted(compareBytes),
    size: (path) => files.get(path)?.size,
    async read(path, offset, length) {
      const file = files.get(path);
      const end = Math.min(file?.size ?? 0, offset + length, offset + left);
      const chunks: Buffer[] = [];
      let at = offset;
      if (file === undefined || at >= end) return Buffer.alloc(0);
      for await (const chunk of open(file, offset, end, signal)) {
        // A chunk is only lent.
        chunks.push(Buffer.from(chunk.subarray(0, end - at)));
        at += chunk.length;
        if (at >= end) break;
      }
      left -= end - offset;
      return Buffer.concat(chunks);
    },
  };
}
