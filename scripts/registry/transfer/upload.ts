import { cancelled } from '../../errors.ts';
import { RequestFailure } from '../../http/failure.ts';
import type { Content, Digest } from '../../image/types.ts';
import type { Access } from '../auth/auth.ts';
import { streamBody } from '../error-body.ts';
import type { RegistryHttp } from '../registry-http.ts';
import { ContentFailure, ContentHash } from './content-hash.ts';
import { UnsentChunks } from './unsent-chunks.ts';
import { type UploadPart, UploadSession } from './upload-session.ts';

export interface BlobUploadOptions {
  host: RegistryHttp;
  access: Access;
  /** Start of error messages: "push sha256:… to quay.io/me/iris". */
  what: string;
  content: Content;
  /** Repositories of this registry that hold the blob; requires content.digest. */
  mountFrom: string[];
  signal?: AbortSignal | undefined;
  onBytes?: ((count: number) => void) | undefined;
}

/**
 * How the bytes are sent: `stream` is one PATCH of everything and an empty PUT, `single` one PUT, `parts` PATCHes of a
 * bounded size. Docker, Podman and crane stream, so every registry accepts that, even those that refuse parts (GHCR
 * accepts none over 4 MiB, Artifact Registry none at all, ECR loses count of them); containerd sends single PUTs, so
 * every registry accepts those too. Parts are only for a proxy that limits bodies (413): with distribution 2.8, a
 * broken part costs the whole upload, like a broken stream.
 */
type Mode = 'stream' | 'single' | 'parts';

const singleLimit = 1024 * 1024;
const partSize = 32 * 1024 * 1024;

/**
 * Uploads one blob, or mounts it from another repository; returns its digest and size. A broken upload resumes where
 * the registry reports that it stopped, or starts again; bytes are hashed once, while they are sent.
 */
export async function uploadBlob(options: BlobUploadOptions): Promise<{ digest: Digest; size: number }> {
  return await new Upload(options).run();
}

class Upload {
  readonly #options: BlobUploadOptions;
  readonly #signal: AbortSignal | undefined;
  readonly #hash: ContentHash;
  readonly #session: UploadSession;
  readonly #refused = new Set<Mode>();
  #mode: Mode;
  /** Bytes the session has. */
  #offset = 0;
  /** Bytes reported to onBytes. */
  #told = 0;
  /** The most bytes that a session has reported: only more than that is progress. */
  #best = 0;
  /** Whether to ask the session how far it got. */
  #resumes = true;
  /** Whether this session was resumed. */
  #resumed = false;
  #committing = false;

  constructor(options: BlobUploadOptions) {
    const { content, host, signal, what } = options;
    this.#options = options;
    this.#signal = host.signal(signal);
    this.#hash = new ContentHash(content, what);
    this.#session = new UploadSession(options);
    const small = content.digest !== undefined && content.size !== undefined && content.size <= singleLimit;
    this.#mode = small ? 'single' : 'stream';
  }

  async run(): Promise<{ digest: Digest; size: number }> {
    const { host, content, mountFrom, signal } = this.#options;
    for (const from of mountFrom.slice(0, 2)) {
      if (content.digest === undefined || this.#session.isOpen) break;
      if (await this.#session.mount(content.digest, from))
        return { digest: content.digest, size: content.size ?? 0 };
    }
    const retries = host.retries(signal);
    for (let restarts = 0; ; ) {
      try {
        return await this.#send();
      } catch (error) {
        const failure = await this.#judge(error);
        if (!failure.retryable && !this.#otherWay(failure)) {
          await this.#session.cancel();
          throw failure;
        }
        if (failure.retryable) await retries.wait(failure);
        const digest = await this.#committed();
        if (digest) return { digest, size: this.#hash.size ?? 0 };
        if (!(await this.#resume())) {
          if (++restarts >= host.retry.tries) throw failure;
          this.#restart();
        } else if (this.#offset > this.#best) {
          this.#best = this.#offset;
          retries.progress();
        }
      }
    }
  }

  /** Returns a failure of the registry; throws all others, after cancelling the session. */
  async #judge(error: unknown): Promise<RequestFailure> {
    const reason = error instanceof ContentFailure ? error.cause : error;
    // Content from a registry also fails with a RequestFailure, which must not be retried here.
    if (reason instanceof RequestFailure && reason === error && !this.#signal?.aborted) return reason;
    await this.#session.cancel();
    throw this.#signal?.aborted ? cancelled(reason) : reason;
  }

  async #send(): Promise<{ digest: Digest; size: number }> {
    if (!this.#session.isOpen) await this.#session.open();
    if (this.#mode !== 'single') {
      while (this.#hash.size === undefined || this.#offset < this.#hash.size) await this.#patch();
    }
    const digest = await this.#digest();
    const size = this.#hash.size ?? 0;
    this.#committing = true;
    if (this.#mode === 'single') {
      await this.#reading(0, Number.POSITIVE_INFINITY, size, (part) => this.#session.put(digest, part));
    } else {
      await this.#session.put(digest);
    }
    return { digest, size };
  }

  /** Sends the bytes from the offset to the end, or one part. */
  async #patch(): Promise<void> {
    const start = this.#offset;
    const parts = this.#mode === 'parts';
    const limit = parts ? Math.max(partSize, this.#session.minPart) : Number.POSITIVE_INFINITY;
    if (parts) await this.#digest(); // A part's range needs the size.
    const size = this.#hash.size;
    const length = size === undefined ? undefined : Math.min(limit, size - start);
    const ranged = length !== undefined && (start > 0 || length !== size);
    const range = ranged ? `${start}-${start + length - 1}` : undefined;
    await this.#reading(start, limit, length, (part) => this.#session.patch(part, range));
    this.#offset = Math.min(start + limit, this.#hash.size ?? Number.POSITIVE_INFINITY);
    if (this.#hash.hashed >= this.#offset) return;
    const { what, host } = this.#options;
    const message = `${what}: ${host.registry} answered before it had all bytes`;
    throw new RequestFailure(message, { code: 'registry', retryable: true });
  }

  /** The digest; reads the content unless the digest and the size, which a single PUT must send, are both known. */
  async #digest(): Promise<Digest> {
    const { digest } = this.#options.content;
    if (digest !== undefined && this.#hash.size !== undefined) return digest;
    return await this.#hash.finish(this.#signal);
  }

  /** Runs a request with bytes of the content; the content's own failure takes precedence over its consequences. */
  async #reading(
    start: number,
    limit: number,
    length: number | undefined,
    send: (part: UploadPart) => Promise<void>,
  ): Promise<void> {
    let broken: ContentFailure | undefined;
    let ended = false;
    const unsent = new UnsentChunks();
    const source = this.#hash.read(start, limit, this.#signal);
    const read = async function* (this: Upload): AsyncGenerator<Uint8Array> {
      try {
        for (let position = start; ; this.#tell(position)) {
          // Only errors of the content: a broken connection is thrown into this generator, at its yield.
          const next = await source.next().catch((error: unknown) => {
            broken = new ContentFailure(error);
            throw broken;
          });
          ended = next.done === true;
          if (next.done) return;
          yield next.value;
          unsent.add(next.value);
          position += next.value.length;
        }
      } finally {
        await source.return(undefined);
      }
    };
    try {
      await send({ stream: () => streamBody(read.call(this)), length });
      // A registry that answered early still gets the rest; chunks of a failed request are left to the garbage collector.
      if (ended) unsent.allSent();
    } catch (error) {
      throw broken ?? error;
    }
  }

  #tell(position: number): void {
    if (position !== this.#told) this.#options.onBytes?.(position - this.#told);
    this.#told = position;
  }

  /** Whether to send the bytes once more after a refusal, from the start or in a mode not tried yet. */
  #otherWay(failure: RequestFailure): boolean {
    const { status = 0, codes } = failure;
    const lost = status === 404 || status === 416 || codes.includes('BLOB_UPLOAD_UNKNOWN');
    // A registry may accept a resumed upload's bytes and then fail to assemble the blob.
    if ((this.#resumed && failure.code === 'integrity') || (lost && this.#offset > 0))
      return this.#startOver();
    const refuses = [400, 404, 405, 411, 413, 415, 416, 422, 501].includes(status);
    if (!refuses || failure.code === 'integrity' || codes.includes('NAME_UNKNOWN')) return false;
    if (this.#committing && this.#mode !== 'single') return false;
    this.#refused.add(this.#mode);
    const order: Mode[] = status === 413 ? ['parts'] : ['single', 'stream'];
    const next = order.find((mode) => !this.#refused.has(mode));
    if (next === undefined) return false;
    this.#mode = next;
    return this.#startOver();
  }

  #startOver(): true {
    this.#resumes = false;
    return true;
  }

  /** After a failed commit: the digest if the blob exists anyway (the response was lost). */
  async #committed(): Promise<Digest | undefined> {
    if (!this.#committing) return undefined;
    this.#committing = false;
    // ECR returns 500 for the end of a resumed upload, on every try.
    if (this.#resumed) this.#resumes = false;
    const digest = await this.#digest();
    if (!(await this.#session.exists(digest))) return undefined;
    this.#tell(this.#hash.size ?? this.#told);
    return digest;
  }

  /**
   * Asks the session how far it got (distribution-spec, "Pushing a blob in chunks": GET of the location) and resumes
   * there. False when it cannot: distribution 2.8 drops a session whose PATCH broke, others never resume.
   */
  async #resume(): Promise<boolean> {
    if (!this.#resumes || this.#mode === 'single' || !this.#session.isOpen) return false;
    const offset = await this.#session.status();
    // An offset beyond all bytes sent is wrong; distribution reports "0-0" for no bytes as well as for one.
    if (offset === undefined || offset <= 1 || offset > this.#hash.hashed) return false;
    this.#offset = offset;
    this.#resumed = true;
    this.#tell(offset);
    return true;
  }

  #restart(): void {
    this.#session.forget();
    this.#offset = 0;
    this.#resumes = true;
    this.#resumed = false;
    this.#tell(0);
  }
}
