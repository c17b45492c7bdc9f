import pLimit from 'p-limit';
import { ModelcarsError } from '../errors.ts';
import type { LockedModel } from '../model/types.ts';
import { kindOf } from '../sources/index.ts';
import type { LocalFileCheck, LocalFileOptions } from '../sources/types.ts';
import type { WantedFile } from '../store/file-cache.ts';
import { leastRemembered } from '../store/file-hashes.ts';
import { Once } from './once.ts';

/** Files read at the same time; more would only add disk seeks. */
const parallelFiles = 4;

/** The locked files of a model, as their sources name them. */
export function wantedFiles(locked: LockedModel): WantedFile[] {
  const { source, revision } = locked;
  return locked.files.map((file) => ({
    ...file,
    uri: file.source ?? source,
    revision: file.revision ?? revision,
  }));
}

/**
 * Compares the files of `file:` sources with the lock, each once per run. A push or build skips a layer that a registry
 * or a layout already has only when its local files are still the locked ones; otherwise an old model would be
 * published as the new version.
 */
export class LocalFiles {
  readonly #options: LocalFileOptions;
  readonly #signal: AbortSignal;
  readonly #compared = new Once<string, boolean>();
  readonly #proven = new Once<string, void>();
  readonly #limit = pLimit(parallelFiles);

  /** Base folder of relative `file:` paths. */
  constructor(options: LocalFileOptions & { signal: AbortSignal }) {
    this.#options = options;
    this.#signal = options.signal;
  }

  /** Marks files as proven: this run has hashed them itself. */
  accept(files: readonly WantedFile[]): void {
    for (const file of local(files)) {
      this.#compared.set(keyOf(file), true);
      this.#proven.set(keyOf(file), undefined);
    }
  }

  /**
   * Compares sizes, and hashes that this machine remembers. Reads only files too small to be remembered, which `prove` would
   * open once more. Fails with code `integrity`.
   */
  async compare(files: readonly WantedFile[]): Promise<void> {
    await Promise.all(
      local(files).map((file) => (isRemembered(file) ? this.#compare(file) : this.#prove(file))),
    );
  }

  /**
   * Compares sizes and hashes; reads the files whose hash this machine does not remember. Fails with code `integrity`.
   */
  async prove(files: readonly WantedFile[]): Promise<void> {
    await Promise.all(local(files).map((file) => this.#prove(file)));
  }

  /** Like `prove`, for an existing image: skips files that this machine does not have. */
  async proveExisting(files: readonly WantedFile[]): Promise<void> {
    await Promise.all(
      local(files).map(async (file) => {
        try {
          await this.#prove(file);
        } catch (error) {
          if (!isAbsent(error)) throw error;
        }
      }),
    );
  }

  #compare(file: WantedFile): Promise<boolean> {
    return this.#compared.get(keyOf(file), () =>
      this.#limit(async () => (await checkOf(file)?.compareWithLock(file.uri, file, this.#options)) ?? true),
    );
  }

  #prove(file: WantedFile): Promise<void> {
    return this.#proven.get(keyOf(file), async () => {
      if (isRemembered(file) && (await this.#compare(file))) return;
      await this.#limit(async () => checkOf(file)?.proveLocked(file.uri, file, this.#options, this.#signal));
    });
  }
}

function local(files: readonly WantedFile[]): WantedFile[] {
  return files.filter((file) => checkOf(file) !== undefined);
}

/** Whether the store remembers the hash of a file of this size. */
function isRemembered({ size }: WantedFile): boolean {
  return size >= leastRemembered;
}

/** How to check a local file; undefined for one that comes from the network. */
function checkOf({ uri }: WantedFile): LocalFileCheck | undefined {
  return kindOf(uri)?.local;
}

function keyOf({ uri, path, sha256 }: WantedFile): string {
  return JSON.stringify([uri, path, sha256]);
}

function isAbsent(error: unknown): boolean {
  const system = error instanceof ModelcarsError ? error.cause : undefined;
  return (
    system instanceof Error && 'code' in system && (system.code === 'ENOENT' || system.code === 'ENOTDIR')
  );
}
