import pLimit from 'p-limit';
import { stopIfAborted } from '../errors.ts';
import { findIncomplete, type Incomplete, type WholeFile } from '../formats/find-incomplete.ts';
import { type Inspector, inspectorFor, isSeen } from '../formats/inspect.ts';
import { isWeightIndex, isWeights } from '../formats/names.ts';
import type { Finding } from '../formats/reader.ts';
import type { LockedFile } from '../model/types.ts';
import type { FileTap } from '../sources/types.ts';

/** Files inspected at the same time. */
const parallelLooks = 8;
/** Limit on files without weights that are read only to be inspected: small ones whose hash the source already had. */
const mostSmall = 500;
/** Size limit of one request, in bytes. */
const longestLook = 8 * 1024 ** 2;
/** Limit on the bytes read of one file before it passes: more than the longest safetensors header, 100 MB. */
const mostBytes = 112 * 1024 ** 2;
const mostRequests = 24;

/** A model's file with its path in the image. */
export interface PlacedFile {
  /** Path below /models. */
  path: string;
  file: LockedFile;
}

/** Opens a file at `offset`; bytes from `end` on are ignored. */
export type OpenFile = (
  file: LockedFile,
  offset: number,
  end: number,
  signal: AbortSignal,
) => AsyncIterable<Uint8Array>;

/**
 * Checks whether a model's files are complete. Files that were hashed were inspected in the same read; of the others,
 * only the bytes that matter are read.
 */
export class CompletenessCheck {
  /** By path below /models; undefined for a file that was read for its hash and needs no inspection. */
  readonly #findings = new Map<string, Finding | undefined>();

  /**
   * A tap that inspects files, and passes them to `more` if given, by their path below /models, which `place` returns.
   */
  tap(place: (path: string) => string, more?: FileTap): FileTap {
    return ({ path, size }) => {
      const other = more?.({ path: place(path), size });
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
   * The first reason why the files are not a complete model; undefined when they are. Each of `needed` (the model
   * server's required globs) has to match a file that is not empty.
   */
  async check(
    files: readonly PlacedFile[],
    needed: readonly ((path: string) => boolean)[],
    open: OpenFile,
    signal?: AbortSignal,
  ): Promise<Incomplete | undefined> {
    const judge = () => findIncomplete(files.map(this.#whole), needed);
    // Names and sizes cost no request.
    return judge() ?? ((await this.#look(files, open, signal)) ? judge() : undefined);
  }

  readonly #whole = ({ path, file: { size } }: PlacedFile): WholeFile => ({
    path,
    size,
    finding: this.#findings.get(path),
  });

  /** Inspects the files that no tap has seen. False when no such file exists. */
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

/**
 * Reads the bytes that an inspector asks for, with few small requests. Stops at a limit; the result may then be
 * incomplete.
 */
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
    length = inspector.wants > at + glance ? glance : Math.min(8 * length, longestLook);
  }
  return inspector.end();
}
