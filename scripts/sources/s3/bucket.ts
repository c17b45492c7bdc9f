import type { ListObjectsOutput, ListObjectsV2Output, S3 } from '@aws-sdk/client-s3';
import { ModelcarsError } from '../../errors.ts';
import type { ChunkSink } from '../../http/bulk/connection.ts';
import { pour } from '../../http/client.ts';
import { RequestFailure } from '../../http/failure.ts';
import { parallelRanges } from '../../http/ranges/read.ts';
import { plain } from '../../text/format.ts';
import { ListingLimits } from '../objects/listing.ts';
import { type Connection, connect, type S3Access } from './access.ts';
import { s3Failure } from './failure.ts';

/** An object in a listing. */
export interface ListedObject {
  key: string;
  /** Bytes. */
  size: number;
  /** Changes with the content, but is not a reliable hash. */
  etag: string;
}

/** The headers of one object. */
export interface ObjectInfo extends Omit<ListedObject, 'key'> {
  /** 64 hexadecimal digits, when S3 keeps the SHA-256 of the whole object (not a hash of its parts' hashes). */
  sha256?: string;
  /** `sha256` from the object's user metadata: the writer's claim. */
  claimed?: string;
}

/** The operations on one bucket that modelcars needs; all SDK errors become ModelcarsErrors. */
export class Bucket {
  readonly name: string;
  readonly connection: Connection;

  private constructor(name: string, connection: Connection) {
    this.name = name;
    this.connection = connection;
  }

  /** Makes no request yet. */
  static async open(name: string, access: S3Access): Promise<Bucket> {
    return new Bucket(name, await connect(access));
  }

  get client(): S3 {
    return this.connection.client;
  }

  /** `s3://bucket/key`, for errors. */
  uri(key: string): string {
    return plain(`s3://${this.name}/${key}`, 300);
  }

  /** All objects whose keys begin with `prefix`, in the server's order, page by page. */
  async *list(prefix: string, signal?: AbortSignal): AsyncGenerator<ListedObject> {
    const what = `list ${this.uri(prefix)}`;
    const limits = new ListingLimits(
      what,
      'check the endpoint (S3_ENDPOINT_URL), and that the prefix is that of the model',
    );
    // XML cannot represent every character that a key can contain.
    const request = { Bucket: this.name, Prefix: prefix, EncodingType: 'url' } as const;
    let token: string | undefined;
    let last = '';
    // Some stores know only the first version of the listing, and answer every request with it.
    let isFirst = false;
    do {
      const page: Page = isFirst
        ? await this.send(what, signal, (client, options) =>
            client.listObjects({ ...request, ...(token && { Marker: token }) }, options),
          )
        : await this.send(what, signal, (client, options) =>
            client.listObjectsV2({ ...request, ...(token && { ContinuationToken: token }) }, options),
          );
      const { Name, KeyCount, Contents, IsTruncated, NextContinuationToken, NextMarker } = page;
      // The SDK parses a login page as an empty list.
      if ([Name, KeyCount, Contents, IsTruncated].every((field) => field === undefined))
        throw limits.foreign(this.connection.host);
      const isUrl = page.EncodingType === 'url';
      for (const { Key = '', Size, ETag = '' } of Contents ?? []) {
        last = isUrl ? decodeKey(Key) : Key;
        yield { key: last, size: limits.object(last, Size, prefix), etag: quoted(ETag) };
      }
      isFirst ||= IsTruncated === true && !NextContinuationToken;
      // In the first version, the last key is the marker where the server names none.
      const marker = NextMarker === undefined ? last : isUrl ? decodeKey(NextMarker) : NextMarker;
      token = limits.next(IsTruncated, isFirst ? marker : NextContinuationToken);
    } while (token !== undefined);
  }

  /** The headers of one object; undefined when it does not exist. */
  async head(key: string, signal?: AbortSignal): Promise<ObjectInfo | undefined> {
    const what = `read ${this.uri(key)}`;
    try {
      const { ContentLength, ETag, ChecksumSHA256, ChecksumType, Metadata } = await this.send(
        what,
        signal,
        (client, options) =>
          client.headObject(
            {
              Bucket: this.name,
              Key: key,
              ...(this.connection.checksums && { ChecksumMode: 'ENABLED' }),
            },
            options,
          ),
      );
      const sha256 = ChecksumType === 'FULL_OBJECT' ? fromBase64(ChecksumSHA256) : undefined;
      return {
        size: ContentLength ?? 0,
        etag: quoted(ETag ?? ''),
        ...(sha256 !== undefined && { sha256 }),
        ...(Metadata?.sha256 !== undefined && { claimed: Metadata.sha256 }),
      };
    } catch (error) {
      const status = error instanceof RequestFailure ? error.status : undefined;
      if (status === undefined || status < 400 || status >= 500) throw error;
      // A HEAD response has no body that could give the reason; a listing's has one.
      for await (const _ of this.list(key, signal)) break;
      if (status === 404) return undefined;
      throw error;
    }
  }

  /**
   * The bytes of an object from `offset` to its end, several ranges at once, all of one version: fails with code
   * `integrity` when the object was replaced meanwhile.
   */
  read(
    key: string,
    { size, etag }: Pick<ObjectInfo, 'size' | 'etag'>,
    offset = 0,
    signal?: AbortSignal,
  ): AsyncIterable<Uint8Array> {
    const what = `read ${this.uri(key)}`;
    const receive = (start: number, end: number, take: ChunkSink, stop: AbortSignal) =>
      pour(this.#range(what, key, start, end, etag, stop), take);
    return parallelRanges({ what, size, offset, receive, signal });
  }

  /** A small object as a whole; undefined when it does not exist or is larger than `most` bytes. */
  async readSmall(key: string, most: number, signal?: AbortSignal): Promise<Uint8Array | undefined> {
    const what = `read ${this.uri(key)}`;
    try {
      return await this.send(what, signal, async (client, options) => {
        const { Body, ContentLength } = await client.getObject({ Bucket: this.name, Key: key }, options);
        if (Body === undefined || ContentLength === undefined || ContentLength > most) return undefined;
        return await Body.transformToByteArray();
      });
    } catch (error) {
      if (error instanceof RequestFailure && error.codes.includes('NoSuchKey')) return undefined;
      throw error;
    }
  }

  /** Puts a small object in one request: whole or not at all. */
  async writeSmall(key: string, text: string, signal?: AbortSignal): Promise<void> {
    await this.send(`write ${this.uri(key)}`, signal, (client, options) =>
      client.putObject({ Bucket: this.name, Key: key, Body: text, ContentType: 'application/json' }, options),
    );
  }

  /** Sends a request; converts a failure to a ModelcarsError. `what` is "verb object". */
  async send<T>(
    what: string,
    signal: AbortSignal | undefined,
    request: (client: S3, options: { abortSignal?: AbortSignal }) => Promise<T>,
  ): Promise<T> {
    try {
      signal?.throwIfAborted();
      return await request(this.client, signal ? { abortSignal: signal } : {});
    } catch (error) {
      if (this.connection.dropsChecksums(error)) return await this.send(what, signal, request);
      throw await this.failure(what, error, signal);
    }
  }

  /** An SDK error as a ModelcarsError. */
  failure(what: string, error: unknown, signal?: AbortSignal): Promise<ModelcarsError> {
    return s3Failure(what, error, this.connection, this.name, signal);
  }

  async *#range(
    what: string,
    key: string,
    start: number,
    end: number,
    etag: string,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    const { Body, ContentRange } = await this.send(what, signal, (client, options) =>
      client.getObject(
        {
          Bucket: this.name,
          Key: key,
          Range: `bytes=${start}-${end - 1}`,
          ...(etag !== '' && { IfMatch: etag }),
        },
        options,
      ),
    );
    if (Body === undefined || !ContentRange?.startsWith(`bytes ${start}-`)) {
      throw new ModelcarsError('source', `${what}: the server sent other bytes than requested`, {
        next: 'check the endpoint (S3_ENDPOINT_URL): a proxy may not support ranges',
      });
    }
    try {
      yield* Body as AsyncIterable<Uint8Array>;
    } catch (error) {
      throw await this.failure(what, error, signal);
    }
  }
}

/** The fields of both versions of a listing that are used. */
type Page = Pick<ListObjectsV2Output, 'Name' | 'KeyCount' | 'NextContinuationToken'> &
  Pick<ListObjectsOutput, 'Contents' | 'IsTruncated' | 'NextMarker' | 'EncodingType'>;

/** An ETag as in `If-Match`: some stores list it without quotes. */
function quoted(etag: string): string {
  return etag === '' || /^(W\/)?"/.test(etag) ? etag : `"${etag}"`;
}

/** `EncodingType: url` is the form encoding: `+` is a space. */
function decodeKey(key: string): string {
  try {
    return decodeURIComponent(key.replaceAll('+', ' '));
  } catch {
    return key;
  }
}

function fromBase64(text: string | undefined): string | undefined {
  if (text === undefined || !/^[A-Za-z0-9+/]{43}=$/.test(text)) return undefined;
  return Buffer.from(text, 'base64').toString('hex');
}
