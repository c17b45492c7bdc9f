import { ModelcarsError } from '../../errors.ts';
import type { ChunkSink } from '../../http/bulk/connection.ts';
import { pour } from '../../http/client.ts';
import { RequestFailure } from '../../http/failure.ts';
import { parallelRanges } from '../../http/ranges/read.ts';
import { plain } from '../../text/format.ts';
import { ListingLimits } from '../objects/listing.ts';
import type { ObjectStore, StoredObject } from '../objects/store.ts';
import { type AzureAccess, openContainer } from './access.ts';
import { azureFailure } from './failure.ts';
import type { AzureLocation } from './uri.ts';

/** Marks the folders of an account with a hierarchical namespace, which are blobs without content. */
const folderMark = 'hdi_isfolder';

/** A container of Azure Blob Storage. The version of a blob is its ETag. */
export class AzureContainer implements ObjectStore {
  readonly #location: AzureLocation;
  readonly #env: NodeJS.ProcessEnv;
  readonly #onRetry: ((message: string) => void) | undefined;
  #access: Promise<AzureAccess> | undefined;

  /** Makes no request yet. */
  constructor(location: AzureLocation, env: NodeJS.ProcessEnv, onRetry?: (message: string) => void) {
    this.#location = location;
    this.#env = env;
    this.#onRetry = onRetry;
  }

  async *list(prefix: string, signal?: AbortSignal): AsyncGenerator<StoredObject> {
    const what = `list ${this.#uri(prefix)}`;
    const limits = new ListingLimits(what, 'check account, container and prefix in `source`');
    let token: string | undefined;
    do {
      const settings = { maxPageSize: 1000, ...(token !== undefined && { continuationToken: token }) };
      const page = await this.#send(what, signal, async ({ client }, abort) => {
        const pages = client.listBlobsFlat({ prefix, includeMetadata: true, ...abort }).byPage(settings);
        return (await pages.next()).value;
      });
      for (const { name, properties, metadata } of page?.segment.blobItems ?? []) {
        const size = limits.object(name, properties.contentLength, prefix);
        if (metadata?.[folderMark] !== 'true') yield { key: name, size, version: quoted(properties.etag) };
      }
      const next = page?.continuationToken;
      token = limits.next(next !== undefined && next !== '', next);
    } while (token !== undefined);
  }

  async head(key: string, signal?: AbortSignal): Promise<StoredObject | undefined> {
    try {
      const found = await this.#send(`read ${this.#uri(key)}`, signal, ({ client }, abort) =>
        client.getBlobClient(key).getProperties(abort),
      );
      if (found.metadata?.[folderMark] === 'true') return undefined;
      return { key, size: found.contentLength ?? 0, version: quoted(found.etag ?? '') };
    } catch (error) {
      if (error instanceof RequestFailure && error.status === 404) return undefined;
      throw error;
    }
  }

  read(object: StoredObject, offset: number, end: number, signal?: AbortSignal): AsyncIterable<Uint8Array> {
    const what = `read ${this.#uri(object.key)}`;
    return parallelRanges({
      what,
      size: Math.min(object.size, end),
      offset,
      signal,
      onRetry: this.#onRetry,
      receive: (start, stop, take, either) => this.#range(what, object, start, stop, take, either),
    });
  }

  async #range(
    what: string,
    { key, version }: StoredObject,
    start: number,
    end: number,
    take: ChunkSink,
    signal: AbortSignal,
  ): Promise<void> {
    await this.#send(what, signal, async ({ client, host }, abort) => {
      const { readableStreamBody, contentRange } = await client
        .getBlobClient(key)
        .download(start, end - start, { ...abort, conditions: { ifMatch: version } });
      if (readableStreamBody === undefined || !contentRange?.startsWith(`bytes ${start}-${end - 1}/`))
        throw new ModelcarsError('source', `${what}: ${host} sent other bytes than requested`, {
          next: 'run it again; if it fails again, a proxy on the way does not support ranges',
        });
      await pour(readableStreamBody as AsyncIterable<Uint8Array>, take);
    });
  }

  /** Sends a request; converts a failure of the SDK to a ModelcarsError. */
  async #send<T>(
    what: string,
    signal: AbortSignal | undefined,
    request: (access: AzureAccess, abort: { abortSignal?: AbortSignal }) => Promise<T>,
  ): Promise<T> {
    this.#access ??= openContainer(this.#location, this.#env);
    const access = await this.#access;
    try {
      signal?.throwIfAborted();
      return await request(access, signal ? { abortSignal: signal } : {});
    } catch (error) {
      throw azureFailure(what, error, access, this.#location, signal);
    }
  }

  #uri(key: string): string {
    const { account, container } = this.#location;
    return plain(`azure://${account}/${container}/${key}`, 300);
  }
}

/** An ETag as in a header: listings have it without quotes. */
function quoted(etag: string): string {
  return etag.startsWith('"') ? etag : `"${etag}"`;
}
