import type { Readable } from 'node:stream';
import { ModelcarsError } from '../../errors.ts';
import { discard, headerOf } from '../../http/body.ts';
import { isRetryable, RequestFailure } from '../../http/failure.ts';
import type { HttpResponse } from '../../http/transport.ts';
import type { Digest } from '../../image/types.ts';
import type { Access } from '../auth/auth.ts';
import type { Call } from '../call.ts';
import type { RegistryHttp } from '../registry-http.ts';

/** Milliseconds. A registry on object storage copies the blob on commit: minutes for tens of gigabytes. */
const commitTimeout = 30 * 60_000;
const stallTimeout = 5 * 60_000;

/** The bytes of one request: `length` of them, or undefined if unknown. */
export interface UploadPart {
  stream: () => Readable;
  length: number | undefined;
}

/** The requests of one blob's upload (distribution-spec, "Pushing blobs"); `uploadBlob` decides what to send when. */
export class UploadSession {
  readonly #host: RegistryHttp;
  readonly #access: Access;
  readonly #what: string;
  readonly #signal: AbortSignal | undefined;
  /** The URL of the next request; undefined without a session. */
  #location: URL | undefined;
  /** OCI-Chunk-Min-Length: the minimum bytes of every part but the last. */
  minPart = 0;

  constructor(options: {
    host: RegistryHttp;
    access: Access;
    what: string;
    signal?: AbortSignal | undefined;
  }) {
    this.#host = options.host;
    this.#access = options.access;
    this.#what = options.what;
    this.#signal = options.signal;
  }

  get isOpen(): boolean {
    return this.#location !== undefined;
  }

  async open(): Promise<void> {
    await this.#start(`/v2/${this.#access.repository}/blobs/uploads/`, this.#access, [202]);
  }

  /** Asks to mount the blob from another repository. False when the registry opened a session instead, or refused. */
  async mount(digest: Digest, from: string): Promise<boolean> {
    const target = `/v2/${this.#access.repository}/blobs/uploads/?${new URLSearchParams({ mount: digest, from })}`;
    try {
      return (await this.#start(target, { ...this.#access, from }, [201, 202])) === 201;
    } catch (error) {
      // No right to read there, or no mounts at all (some return 4xx): the upload itself will show a real failure.
      if (error instanceof ModelcarsError && error.code !== 'cancelled') return false;
      throw error;
    }
  }

  /** Sends bytes. `range` makes the request a "chunk", which several registries refuse or limit. */
  async patch(part: UploadPart, range: string | undefined): Promise<void> {
    const answer = await this.#host.send({
      ...this.#call('PATCH', [201, 202, 204]),
      headers: { ...headersFor(part.length), ...(range === undefined ? {} : { 'content-range': range }) },
      stream: part.stream,
      headersTimeout: stallTimeout,
    });
    await this.#moved(answer);
  }

  /** Ends the upload, with all its bytes or after they were sent. Fails when the registry stored another digest. */
  async put(digest: Digest, part?: UploadPart): Promise<void> {
    const call = this.#call('PUT', [200, 201, 204]);
    const target = new URL(call.target);
    target.searchParams.set('digest', digest);
    const answer = await this.#host.send({
      ...call,
      target,
      headers: headersFor(part ? part.length : 0),
      ...(part ? { stream: part.stream } : {}),
      once: true,
      headersTimeout: commitTimeout,
    });
    await discard(answer);
    const stored = headerOf(answer, 'docker-content-digest') ?? digest;
    if (stored === digest) return;
    throw new ModelcarsError(
      'integrity',
      `${this.#what}: the registry stored ${stored.slice(0, 100)}, not ${digest}`,
    );
  }

  /** Bytes that the session has; undefined when it is lost. Also updates the location for the next bytes. */
  async status(): Promise<number | undefined> {
    let answer: HttpResponse;
    try {
      answer = await this.#host.send(this.#call('GET', [200, 202, 204]));
    } catch (error) {
      if (error instanceof RequestFailure && error.status !== undefined && !isRetryable(error.status))
        return undefined;
      throw error;
    }
    await this.#moved(answer);
    return parseRange(headerOf(answer, 'range'));
  }

  /** Whether the repository has the blob. */
  async exists(digest: Digest): Promise<boolean> {
    const target = `/v2/${this.#access.repository}/blobs/${digest}`;
    const call = { what: this.#what, access: this.#access, signal: this.#signal };
    const answer = await this.#host.send({ ...call, method: 'HEAD', target, expect: [200, 404] });
    await discard(answer);
    return answer.statusCode === 200;
  }

  /** Forgets the session; the registry lets it expire. */
  forget(): void {
    this.#location = undefined;
  }

  /** Best effort, so that the registry need not wait for the session to expire; many require another scope for it. */
  async cancel(): Promise<void> {
    if (this.isOpen) await this.#host.cleanUp(this.#call('DELETE', []));
  }

  async #start(target: string, access: Access, expect: number[]): Promise<number> {
    const call = { what: this.#what, signal: this.#signal };
    const answer = await this.#host.send({ ...call, method: 'POST', target, access, expect });
    await discard(answer);
    if (answer.statusCode === 201) return 201;
    this.#location = await this.#host.locate(headerOf(answer, 'location'), undefined, this.#what);
    const minimum = Number(headerOf(answer, 'oci-chunk-min-length') ?? 0);
    this.minPart = Number.isSafeInteger(minimum) ? minimum : 0;
    return answer.statusCode;
  }

  /** Every response may give the next location; without one, the last is still valid. */
  async #moved(answer: HttpResponse): Promise<void> {
    await discard(answer);
    const location = headerOf(answer, 'location');
    if (location) this.#location = await this.#host.locate(location, this.#location, this.#what);
  }

  #call(method: Call['method'], expect: number[]): Call & { target: URL } {
    if (this.#location === undefined) throw new ModelcarsError('bug', `${this.#what}: no upload session`);
    const { access, what, signal } = { access: this.#access, what: this.#what, signal: this.#signal };
    return { what, method, target: this.#location, access, expect, signal };
  }
}

function headersFor(length: number | undefined): Record<string, string> {
  const type = { 'content-type': 'application/octet-stream' };
  return length === undefined ? type : { ...type, 'content-length': `${length}` };
}

/**
 * Bytes that the session has by its Range header. The end is inclusive, except that Quay's response to GET, the only
 * one with `bytes=`, counts one more (quay endpoints/v2/blob.py, fetch_existing_upload).
 */
function parseRange(range: string | undefined): number | undefined {
  const match = /^(bytes=)?0-(\d{1,15})$/.exec(range?.trim() ?? '');
  return match?.[2] === undefined ? undefined : Number(match[2]) + (match[1] ? 0 : 1);
}
