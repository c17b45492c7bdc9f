import pLimit from 'p-limit';
import { stopIfAborted } from '../errors.ts';
import { findIncomplete, type Incomplete, type WholeFile } from '../formats/find-incomplete.ts';
import { type Inspector, inspectorFor, isSeen } from '../formats/inspect.ts';
import { isWeightIndex, isWeights } from '../formats/names.ts';
import type { Finding } from '../formats/reader.ts';
import type { LockedFile } from '../model/types.ts';
import type { FileTap } from '../sources/types.ts';

/** Files that are looked at at the same time. */
const parallelLooks = 8;
/** Files without weights that are read only to be looked at: small ones, where a source knew their hash. */
const mostSmall = 500;
/** Bytes of one request, at most. */
const longestLook = 8 * 1024 ** 2;
/** What one file may cost before it is let through: more than the longest safetensors header, 100 MB. */
const mostBytes = 112 * 1024 ** 2;
const mostRequests = 24;

/** A model's file that is to lie in an image. */
export interface PlacedFile {
  /** Below /models. */
  path: string;
  file: LockedFile;
}

/** Opens a file from `offset` on; bytes from `end` on are not wanted. */
export type OpenFile = (
  file: LockedFile,
  offset: number,
  end: number,
  signal: AbortSignal,
) => AsyncIterable<Uint8Array>;

/**
 * Says whether a model's files are whole, by what was seen of them while they were hashed and, of the others, by a look at the bytes
 * that matter.
 */
export class CompletenessCheck {
  /** By path below /models; of a file that was read for its hash, undefined where there was nothing to see. */
  readonly #findings = new Map<string, Finding | undefined>();

  /** A tap that looks at files while `more`, if any, sees them too. `place` gives a path below /models. */
  tap(place: (path: string) => string, more?: FileTap): FileTap {
    return ({ path, size }) => {
      const other = more?.({ path, size });
      const inspector = inspectorFor(place(path), size);
      let offset = 0;
      return {
        update(chunk) {
          inspector?.take(offset, chunk);
          offset += chunk.length;
          other?.update(chunk);
        },
        end: async (sha256) => {
          this.#findings.set(place(path), inspector?.end());
          await other?.end(sha256);
        },
      };
    };
  }

  /**
   * The first thing that keeps files from being a whole model; undefined when nothing does. `needed`: of each, a file that is not
   * empty has to match one (what the model server looks for).
   */
  async check(
    files: readonly PlacedFile[],
    needed: readonly ((path: string) => boolean)[],
    open: OpenFile,
    signal?: AbortSignal,
  ): Promise<Incomplete | undefined> {
    const judge = () => findIncomplete(files.map(this.#whole), needed);
    // What names and sizes show costs no request.
    return judge() ?? ((await this.#look(files, open, signal)) ? judge() : undefined);
  }

  readonly #whole = ({ path, file: { size } }: PlacedFile): WholeFile => ({
    path,
    size,
    finding: this.#findings.get(path),
  });

  /** Looks at the files that no tap has seen. False when there are none. */
  async #look(files: readonly PlacedFile[], open: OpenFile, signal?: AbortSignal): Promise<boolean> {
    const unseen = files.filter(({ path }) => !this.#findings.has(path));
    const [weights, others] = [unseen.filter(isWeighty), unseen.filter((one) => !isWeighty(one))];
    const stop = new AbortController();
    const either = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
    const limit = pLimit(parallelLooks);
    const seen = ({ path, file }: PlacedFile) => isSeen(path, file.size);
    const looks = [...weights.filter(seen), ...others.filter(seen).slice(0, mostSmall)].map(
      ({ path, file }) =>
        limit(async () => {
          stopIfAborted(either);
          const inspector = inspectorFor(path, file.size);
          if (inspector !== undefined) this.#findings.set(path, await inspect(inspector, file, open, either));
        }),
    );
    try {
      await Promise.all(looks);
    } catch (error) {
      stop.abort(error);
      await Promise.allSettled(looks);
      throw error;
    }
    return looks.length > 0;
  }
}

function isWeighty({ path }: PlacedFile): boolean {
  return isWeights(path) || isWeightIndex(path);
}

/** Reads what an inspector wants of a file, by few small requests, and no more than is reasonable: then its finding may be incomplete. */
async function inspect(
  inspector: Inspector,
  file: LockedFile,
  open: OpenFile,
  signal: AbortSignal,
): Promise<Finding> {
  let read = 0;
  const { glance } = inspector;
  let length = glance;
  for (let requests = 0; requests < mostRequests && read < mostBytes; requests++) {
    const start = inspector.wants;
    if (start >= file.size) break;
    const end = Math.min(file.size, start + length);
    let at = start;
    for await (const chunk of open(file, start, end, signal)) {
      inspector.take(at, chunk);
      at += chunk.length;
      if (at >= end || inspector.wants > at + glance) break;
    }
    read += at - start;
    length = inspector.wants > at ? glance : Math.min(8 * length, longestLook);
  }
  return inspector.end();
}
