import * as z from 'zod';
import { ModelcarsError } from '../../errors.ts';
import type { ChunkSink } from '../../http/bulk/connection.ts';
import { HttpClient } from '../../http/client.ts';
import { RequestFailure } from '../../http/failure.ts';
import { parallelRanges } from '../../http/ranges/read.ts';
import type { RetryOptions } from '../../http/retry.ts';
import type { Transport } from '../../http/transport.ts';
import { plain } from '../../text/format.ts';
import { ListingLimits } from '../objects/listing.ts';
import type { ObjectStore, StoredObject } from '../objects/store.ts';
import type { GsAccount } from './credentials.ts';
import { gsFailure } from './failure.ts';

export interface GsOptions {
  /** `https://storage.googleapis.com`, without a trailing slash. */
  endpoint: URL;
  transport: Transport;
  retry: RetryOptions;
  onRetry?: ((message: string) => void) | undefined;
  account(): Promise<GsAccount>;
}

/** A page of 1000 objects with the longest names has about 4 MB. */
const mostBytes = 16 * 1024 ** 2;
const check = 'check the bucket, the prefix and STORAGE_EMULATOR_HOST';

const number = z
  .string()
  .regex(/^\d{1,20}$/)
  .or(z.number().int().min(0).transform(String));
const objectSchema = z.object({ name: z.string(), size: number.optional(), generation: number });
const pageSchema = z.object({
  items: z.array(objectSchema).max(10_000).optional(),
  nextPageToken: z.string().optional(),
});

/**
 * A bucket of Cloud Storage, by its JSON API ("Objects: list" and "Objects: get"). The version of an object is its
 * generation.
 */
export class GsBucket implements ObjectStore {
  readonly #name: string;
  readonly #options: GsOptions;

  constructor(name: string, options: GsOptions) {
    this.#name = name;
    this.#options = options;
  }

  async *list(prefix: string, signal?: AbortSignal): AsyncGenerator<StoredObject> {
    const what = `list ${this.#uri(prefix)}`;
    const limits = new ListingLimits(what, check);
    let token: string | undefined;
    do {
      const fields = 'items(name,size,generation),nextPageToken';
      const query = { prefix, fields, ...(token !== undefined && { pageToken: token }) };
      const { items = [], nextPageToken } = await this.#ask(what, '', query, pageSchema, signal);
      for (const item of items) {
        const { key, size, version } = storedObject(item);
        yield { key, size: limits.object(key, size, prefix), version };
      }
      token = limits.next(nextPageToken !== undefined && nextPageToken !== '', nextPageToken);
    } while (token !== undefined);
  }

  async head(key: string, signal?: AbortSignal): Promise<StoredObject | undefined> {
    try {
      const query = { fields: 'name,size,generation' };
      return storedObject(await this.#ask(`read ${this.#uri(key)}`, key, query, objectSchema, signal));
    } catch (error) {
      if (error instanceof RequestFailure && error.status === 404) return undefined;
      throw error;
    }
  }

  read(
    { key, size, version }: StoredObject,
    offset: number,
    end: number,
    signal?: AbortSignal,
  ): AsyncIterable<Uint8Array> {
    const what = `read ${this.#uri(key)}`;
    const { retry, onRetry } = this.#options;
    return parallelRanges({
      what,
      size: Math.min(size, end),
      offset,
      signal,
      retry,
      onRetry,
      receive: (start, stop, take, either) =>
        this.#range(what, { key, size, version }, start, stop, take, either),
    });
  }

  async #range(
    what: string,
    { key, size, version }: StoredObject,
    start: number,
    end: number,
    take: ChunkSink,
    signal: AbortSignal,
  ): Promise<void> {
    const { http, host } = await this.#client();
    const url = this.#url(key, { alt: 'media', generation: version });
    const headers = { range: `bytes=${start}-${end - 1}` };
    try {
      await http.receive(
        { what, url, expect: [206, 200], headers, signal },
        ({ status, header }) => {
          const isRange = header('content-range')?.startsWith(`bytes ${start}-${end - 1}/`);
          // A range of the whole object may be answered with the whole object.
          if (isRange || (status === 200 && start === 0 && end === size)) return;
          throw new ModelcarsError('source', `${what}: ${host} sent other bytes than requested`, {
            next: 'run it again; if it fails again, a proxy on the way does not support ranges',
          });
        },
        take,
      );
    } catch (error) {
      // A generation that was replaced or deleted.
      if (!(error instanceof RequestFailure) || (error.status !== 404 && error.status !== 412)) throw error;
      throw new ModelcarsError('integrity', `${what}: it changed on the server while it was read`, {
        next: 'run it again when nothing writes to it; run `modelcars lock --upgrade` if the change is meant',
        cause: error,
      });
    }
  }

  /** A small JSON answer, checked. */
  async #ask<T>(
    what: string,
    key: string,
    query: Record<string, string>,
    schema: z.ZodType<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    const { http, host } = await this.#client();
    const { bytes } = await http.read({ what, url: this.#url(key, query), expect: [200], signal }, mostBytes);
    try {
      return schema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
    } catch (cause) {
      throw new ModelcarsError('source', `${what}: the response of ${host} is not one of Cloud Storage`, {
        next: check,
        cause,
      });
    }
  }

  async #client(): Promise<{ http: HttpClient; host: string }> {
    const { endpoint, transport, retry, onRetry, account } = this.#options;
    const who = await account();
    const http = new HttpClient({
      transport,
      retry,
      onRetry,
      mayBePlain: (url) => url.origin === endpoint.origin,
      authorize: (url) =>
        who.token !== undefined && url.origin === endpoint.origin ? `Bearer ${who.token}` : undefined,
      refused: ({ what }, answer) => gsFailure(what, this.#name, who, answer),
    });
    return { http, host: endpoint.host };
  }

  #url(key: string, query: Record<string, string>): URL {
    const { endpoint } = this.#options;
    const path = `/storage/v1/b/${encodeURIComponent(this.#name)}/o${key === '' ? '' : `/${encodeURIComponent(key)}`}`;
    return new URL(`${path}?${new URLSearchParams(query)}`, endpoint);
  }

  #uri(key: string): string {
    return plain(`gs://${this.#name}/${key}`, 300);
  }
}

function storedObject({ name, size, generation }: z.infer<typeof objectSchema>): StoredObject {
  return { key: name, size: Number(size ?? 0), version: generation };
}
