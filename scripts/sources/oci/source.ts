import { createHash } from 'node:crypto';
import { ModelcarsError } from '../../errors.ts';
import type { Descriptor } from '../../image/types.ts';
import { recycle } from '../../memory/stream-buffers.ts';
import type { LockedFile } from '../../model/types.ts';
import { RegistryClient } from '../../registry/client.ts';
import { applyMirrors } from '../../registry/mirrors.ts';
import type { Repository } from '../../registry/repository.ts';
import { plain } from '../../text/format.ts';
import { checkPaths } from '../objects/check-paths.ts';
import type { FileTap, Selection, Snapshot, Source, SourceOptions } from '../types.ts';
import { readContent } from './layers.ts';
import { limits, listFiles, type OciFile } from './listing.ts';
import { readTar, type TarLayer } from './tar.ts';
import { type OciLocation, parseOciUri } from './uri.ts';

const change = 'run `modelcars lock --upgrade` if the change is meant';

/** An image or artifact at a digest. */
interface Opened {
  repository: Repository;
  root: Descriptor;
  /** `oci://…`, for errors. */
  where: string;
}

/**
 * The source of `oci://` URIs: the files of an image or artifact in a registry. The revision is the digest of its manifest
 * or index. A layer that is one file has the file's SHA-256 as its digest; a tar is read for those of its files. Logs in as
 * pulls do.
 */
export class OciSource implements Source {
  readonly #options: SourceOptions;
  #client: RegistryClient | undefined;
  /** By repository and digest. */
  readonly #listings = new Map<string, Promise<OciFile[]>>();

  constructor(options: SourceOptions) {
    this.#options = options;
  }

  async revision(uri: string): Promise<string> {
    return (await this.#open(locationOf(uri), uri)).root.digest;
  }

  async resolve(uri: string, select: Selection, signal?: AbortSignal, tap?: FileTap): Promise<Snapshot> {
    const location = locationOf(uri);
    const opened = await this.#open(location, uri);
    const found = this.#chosen(await this.#files(opened, signal), location, uri).filter(({ path }) =>
      select(path),
    );
    checkPaths(
      uri,
      found.map(({ path }) => path),
      'leave it out with `exclude`, or push the files under other names',
    );
    const hashes = await hashTars(opened.repository, found, signal, tap);
    const files = found.map((file): LockedFile => {
      const sha256 = hashes.get(file) ?? file.layer.descriptor.digest.slice('sha256:'.length);
      return { path: file.path, size: file.size, sha256 };
    });
    return { revision: opened.root.digest, files };
  }

  async *open(
    uri: string,
    revision: string,
    file: LockedFile,
    offset = 0,
    signal?: AbortSignal,
    end = file.size,
  ): AsyncGenerator<Uint8Array> {
    const location = locationOf(uri);
    // A file of `files:` has no revision of its own in the lock.
    const opened = await this.#open(location, uri, file.source === undefined ? revision : undefined);
    const path = location.path ?? file.path;
    const found = (await this.#files(opened, signal)).find((one) => one.path === path);
    const what = `read ${plain(path)} of ${opened.where}`;
    if (found === undefined)
      throw new ModelcarsError('integrity', `${what}: it is in the lock, but no longer exists`, {
        next: change,
      });
    if (found.size !== file.size)
      throw new ModelcarsError(
        'integrity',
        `${what}: it has ${found.size} bytes, the lock has ${file.size}`,
        {
          next: change,
        },
      );
    yield* readFile(opened.repository, found, offset, Math.min(end, file.size), signal);
  }

  async close(): Promise<void> {
    await this.#client?.close();
  }

  async #open({ reference }: OciLocation, uri: string, revision?: string): Promise<Opened> {
    const { insecure, mirrors = {}, caFile, env, retry, onRetry } = this.#options;
    this.#client ??= new RegistryClient({
      ...(insecure && { insecure }),
      ...(caFile !== undefined && { caFile }),
      ...(env && { env }),
      ...(retry && { retry }),
      onRetry: (message) => onRetry?.(message),
    });
    const repository = this.#client.repository(applyMirrors(reference, mirrors));
    const where = plain(uri, 200);
    const root = await repository.resolve(revision ?? reference.digest ?? reference.tag ?? 'latest');
    if (root !== undefined) return { repository, root, where };
    const isPinned = revision !== undefined || reference.digest !== undefined;
    if (!isPinned && reference.tag === undefined) {
      throw new ModelcarsError('source', `read ${where}: ${repository.name} has no tag latest`, {
        next: 'add a tag to `source`: `oci://registry/repository:tag`',
      });
    }
    throw new ModelcarsError(
      'source',
      `read ${where}: ${repository.name} has no such ${isPinned ? 'digest' : 'tag'}`,
      {
        next: 'correct `source` in models.yaml; for a private repository, log in with `docker login` or `podman login`',
      },
    );
  }

  #files({ repository, root, where }: Opened, signal?: AbortSignal): Promise<OciFile[]> {
    const key = `${repository.name}@${root.digest}`;
    let listing = this.#listings.get(key);
    if (listing === undefined) {
      listing = readContent(repository, root, where).then((content) =>
        listFiles(repository, content, where, signal),
      );
      this.#listings.set(key, listing);
      listing.catch(() => this.#listings.delete(key));
    }
    return listing;
  }

  /** The files that a URI names; the one of `#path` under its own name. */
  #chosen(files: OciFile[], { path }: OciLocation, uri: string): OciFile[] {
    if (path === undefined) return files;
    const file = files.find((one) => one.path === path);
    if (file !== undefined) return [{ ...file, path: path.slice(path.lastIndexOf('/') + 1) }];
    throw new ModelcarsError('source', `read ${plain(uri)}: it has no such file`, {
      next: 'correct the path after `#`',
    });
  }
}

function locationOf(uri: string): OciLocation {
  const parsed = parseOciUri(uri);
  if (parsed.ok) return parsed.value;
  throw new ModelcarsError('source', `read ${plain(uri)}: expected ${parsed.problem.expected}`, {
    next: 'correct `source` in models.yaml',
  });
}

/** The SHA-256 of the files in tars. Each layer is read once, whole, and verified. */
async function hashTars(
  repository: Repository,
  found: readonly OciFile[],
  signal?: AbortSignal,
  tap?: FileTap,
): Promise<Map<OciFile, string>> {
  const hashes = new Map<OciFile, string>();
  const byLayer = Map.groupBy(found, ({ layer }) => layer);
  for (const [layer, files] of byLayer) {
    if (layer.kind !== 'tar') continue;
    const byOffset = Map.groupBy(files, ({ member }) => member?.offset);
    for await (const { member, content } of readTar(repository, layer, { ...limits }, 0, signal)) {
      const wanted = byOffset.get(member.offset) ?? [];
      if (wanted.length === 0) continue;
      const watchers = wanted.map(({ path, size }) => tap?.({ path, size }));
      const digest = createHash('sha256');
      for await (const chunk of content) {
        digest.update(chunk);
        for (const watcher of watchers) watcher?.update(chunk);
        recycle(chunk);
      }
      const sha256 = digest.digest('hex');
      for (const watcher of watchers) await watcher?.end(sha256);
      for (const file of wanted) hashes.set(file, sha256);
    }
    const lost = files.find((file) => !hashes.has(file));
    if (lost !== undefined)
      throw new ModelcarsError('integrity', `read ${plain(lost.path)}: the registry sends another layer`);
  }
  return hashes;
}

/** Bytes of a file: at once where its layer is not compressed, otherwise after all that precedes it in the layer. */
async function* readFile(
  repository: Repository,
  { layer, member }: OciFile,
  offset: number,
  end: number,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  if (offset >= end) return;
  if (member === undefined || layer.kind === 'file') yield* repository.open(layer.descriptor, offset, signal);
  else if (layer.compression === undefined)
    yield* cut(repository.open(layer.descriptor, member.offset + offset, signal), 0, end - offset);
  else yield* cut(contentOf(repository, layer, member.offset, signal), offset, end);
}

async function* contentOf(
  repository: Repository,
  layer: TarLayer,
  offset: number,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  for await (const { member, content } of readTar(repository, layer, { ...limits }, 0, signal)) {
    if (member.offset !== offset) continue;
    yield* content;
    return;
  }
}

/** The bytes from `start` up to but not including `end`. */
async function* cut(
  bytes: AsyncIterable<Uint8Array>,
  start: number,
  end: number,
): AsyncGenerator<Uint8Array> {
  let at = 0;
  for await (const chunk of bytes) {
    const part = chunk.subarray(Math.max(0, start - at), Math.max(0, end - at));
    at += chunk.length;
    if (part.length > 0) yield part;
    if (at >= end) return;
  }
}
