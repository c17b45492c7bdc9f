import { ModelcarsError } from '../errors.ts';
import type { Content, Digest } from '../image/types.ts';
import type { Access } from './auth.ts';
import { discard, headerOf, streamBody } from './body.ts';
import { RequestFailure } from './failure.ts';
import { ContentHash } from './hashing.ts';
import type { Call, Host } from './host.ts';
import { cancelled } from './retry.ts';
import type { Answer } from './transport.ts';

export interface UploadOptions {
  host: Host;
  access: Access;
  /** "push layer … to quay.io/me/iris". */
  what: string;
  content: Content;
  /** Repositories of this registry that hold the blob, best first; needs content.digest. */
  mountFrom: string[];
  signal?: AbortSignal | undefined;
  onBytes?: ((count: number) => void) | undefined;
}

/**
 * How the bytes go: `stream` is one PATCH of everything and an empty PUT, `single` one PUT, `parts` PATCHes of a
 * bounded size. Docker, Podman and crane stream, so every registry takes that, even those that refuse parts (GHCR
 * takes none over 4 MiB, Artifact Registry none at all, ECR loses count of them); containerd sends single PUTs, so every
 * registry takes those too. Parts are for a proxy that limits bodies (413), the one thing they are good for: a broken
 * part costs distribution 2.8 the whole upload, like a broken stream.
 */
type Mode = 'stream' | 'single' | 'parts';

const singleLimit = 1024 * 1024;
const partSize = 32 * 1024 * 1024;
/** A registry on object storage copies the blob when it is committed: minutes for tens of gigabytes. */
const commitTimeout = 30 * 60_000;
const stallTimeout = 5 * 60_000;

/** Uploads one blob; returns its digest and size. See UploadOptions and `Repository.write`. */
export async function uploadBlob(options: UploadOptions): Promise<{ digest: Digest; size: number }> {
  return await new Upload(options).run();
}

class Upload {
  readonly #options: UploadOptions;
  readonly #hash: ContentHash;
  #mode: Mode;
  readonly #refused = new Set<Mode>();
  /** Where the next request of the upload session goes; undefined: there is no session. */
  #location: URL | undefined;
  /** Bytes the registry has; what the session will take next. */
  #offset = 0;
  /** Bytes told to onBytes. */
  #told = 0;
  /** The most bytes the registry ever had: only beyond it is progress. */
  #best = 0;
  #minPart = 0;
  /** Whether the session is worth asking how far it got. */
  #resumes = true;
  /** Whether this session was resumed. */
  #resumed = false;
  #committing = false;

  constructor(options: UploadOptions) {
    const { content, what } = options;
    this.#options = options;
    this.#hash = new ContentHash(content, what);
    const small = content.digest !== undefined && content.size !== undefined && content.size <= singleLimit;
    this.#mode = small ? 'single' : 'stream';
  }

  async run(): Promise<{ digest: Digest; size: number }> {
    const { host, content, signal } = this.#options;
    if (await this.#mount()) return { digest: content.digest as Digest, size: content.size ?? 0 };
    for (let failures = 0, restarts = 0; ; ) {
      try {
        this.#location ??= await this.#start();
        const digest = await this.#send();
        return { digest, size: this.#hash.size ?? 0 };
      } catch (error) {
        const reason = error instanceof ContentFailure ? error.cause : error;
        const failure = host.signal(signal)?.aborted ? cancelled(reason) : reason;
        // A content that comes from a registry fails with a RequestFailure as well, which is not ours to retry.
        const ours = failure instanceof RequestFailure && failure === error;
        if (!ours || !(failure.retryable || this.#otherWay(failure))) {
          await this.#cancel();
          throw failure;
        }
        if (failure.retryable) {
          if (++failures >= host.retry.tries) throw failure;
          await host.pause(failures, failure, signal);
        }
        const digest = await this.#committed();
        if (digest) return { digest, size: this.#hash.size ?? 0 };
        if (!(await this.#resume())) {
          if (++restarts >= host.retry.tries) throw failure;
          this.#restart();
        } else if (this.#offset > this.#best) {
          this.#best = this.#offset;
          failures = 0;
        }
      }
    }
  }

  /** Asks the registry to link the blob from another repository. What it answers otherwise is an upload session. */
  async #mount(): Promise<boolean> {
    const { host, access, content, what, mountFrom, signal } = this.#options;
    for (const from of content.digest === undefined ? [] : mountFrom.slice(0, 2)) {
      const query = new URLSearchParams({ mount: content.digest ?? '', from });
      try {
        const answer = await host.send({
          what,
          method: 'POST',
          target: `/v2/${access.repository}/blobs/uploads/?${query}`,
          access: { ...access, from },
          expect: [201, 202],
          signal,
        });
        await discard(answer);
        if (answer.statusCode === 201) return true;
        await this.#opened(answer);
        return false;
      } catch (error) {
        // No right to read there, or no mounts at all (some answer 4xx): the upload itself will tell.
        if (!(error instanceof ModelcarsError) || error.code === 'cancelled') throw error;
      }
    }
    return false;
  }

  async #start(): Promise<URL> {
    const { host, access, what, signal } = this.#options;
    const answer = await host.send({
      what,
      method: 'POST',
      target: `/v2/${access.repository}/blobs/uploads/`,
      access,
      expect: [202],
      signal,
    });
    await discard(answer);
    return await this.#opened(answer);
  }

  async #opened(answer: Answer): Promise<URL> {
    const minimum = Number(headerOf(answer, 'oci-chunk-min-length') ?? 0);
    this.#minPart = Number.isSafeInteger(minimum) ? minimum : 0;
    this.#location = await this.#options.host.locate(
      headerOf(answer, 'location'),
      undefined,
      this.#options.what,
    );
    return this.#location;
  }

  async #send(): Promise<Digest> {
    if (this.#mode === 'single') return await this.#commit(true);
    while (this.#hash.size === undefined || this.#offset < this.#hash.size) await this.#patch();
    return await this.#commit(false);
  }

  /** Sends from the offset to the end, or a part. */
  async #patch(): Promise<void> {
    const { host, access, what, signal } = this.#options;
    const start = this.#offset;
    const parts = this.#mode === 'parts';
    const limit = parts ? Math.max(partSize, this.#minPart) : Number.POSITIVE_INFINITY;
    if (parts && this.#hash.size === undefined) await this.#digest();
    const headers: Record<string, string> = { 'content-type': 'application/octet-stream' };
    const size = this.#hash.size;
    if (size !== undefined) {
      const length = Math.min(limit, size - start);
      headers['content-length'] = `${length}`;
      // Its presence makes a request a "chunk", which several registries refuse or limit: only where needed.
      if (start > 0 || length < size) headers['content-range'] = `${start}-${start + length - 1}`;
    }
    const answer = await this.#streaming(start, limit, (stream) =>
      host.send({
        what,
        method: 'PATCH',
        target: this.#session(),
        access,
        expect: [201, 202, 204],
        headers,
        stream,
        signal,
        headersTimeout: stallTimeout,
      }),
    );
    const location = headerOf(answer, 'location');
    if (location) this.#location = await host.locate(location, this.#session(), what);
    this.#offset = Math.min(start + limit, this.#hash.size ?? Number.POSITIVE_INFINITY);
    if (this.#hash.hashed >= this.#offset) return;
    throw new RequestFailure(`${what}: ${host.registry} answered before it had all bytes`, {
      code: 'registry',
      retryable: true,
    });
  }

  /** Ends the upload, with all the bytes or with those sent before. */
  async #commit(withBytes: boolean): Promise<Digest> {
    const { host, access, what, signal } = this.#options;
    const digest = await this.#digest();
    const target = new URL(this.#session());
    target.searchParams.set('digest', digest);
    this.#committing = true;
    const call: Call = {
      what,
      method: 'PUT',
      target,
      access,
      expect: [200, 201, 204],
      headers: {
        'content-type': 'application/octet-stream',
        'content-length': `${withBytes ? this.#hash.size : 0}`,
      },
      once: true,
      signal,
      headersTimeout: commitTimeout,
    };
    const answer = withBytes
      ? await this.#streaming(0, Number.POSITIVE_INFINITY, (stream) => host.send({ ...call, stream }))
      : await host.send(call);
    const answered = headerOf(answer, 'docker-content-digest');
    if (answered === undefined || answered === digest) return digest;
    throw new ModelcarsError(
      'integrity',
      `${what}: the registry stored ${answered.slice(0, 100)}, not ${digest}`,
    );
  }

  /** The digest; reads the content when neither it nor the size that a single PUT must tell are known. */
  async #digest(): Promise<Digest> {
    const { content, host, signal } = this.#options;
    if (content.digest !== undefined && this.#hash.size !== undefined) return content.digest;
    try {
      return await this.#hash.finish(host.signal(signal));
    } catch (error) {
      throw new ContentFailure(error);
    }
  }

  /** Runs a request with a part of the content as its body; the content's own failure wins over what it caused. */
  async #streaming(
    start: number,
    limit: number,
    send: (stream: () => ReturnType<typeof streamBody>) => Promise<Answer>,
  ): Promise<Answer> {
    let broken: ContentFailure | undefined;
    const tell = (end: number) => this.#tell(end);
    const hash = this.#hash;
    const signal = this.#options.host.signal(this.#options.signal);
    async function* read() {
      let position = start;
      try {
        for await (const chunk of hash.read(start, limit, signal)) {
          yield chunk;
          position += chunk.length;
          tell(position);
        }
      } catch (error) {
        broken = new ContentFailure(error);
        throw broken;
      }
    }
    try {
      const answer = await send(() => streamBody(read()));
      await discard(answer);
      return answer;
    } catch (error) {
      throw broken ?? error;
    }
  }

  #tell(position: number): void {
    if (position !== this.#told) this.#options.onBytes?.(position - this.#told);
    this.#told = position;
  }

  #session(): URL {
    if (this.#location === undefined)
      throw new ModelcarsError('bug', `${this.#options.what}: no upload session`);
    return this.#location;
  }

  /** Whether a refusal asks for the bytes in another way, not tried yet. */
  #otherWay(failure: RequestFailure): boolean {
    const { status = 0, codes } = failure;
    // Some registries take a resumed upload's bytes and then cannot make a blob of them: once more, in one go.
    if (failure.code === 'integrity' && this.#resumed) {
      this.#resumes = false;
      return true;
    }
    const lost = status === 404 || status === 416 || codes.includes('BLOB_UPLOAD_UNKNOWN');
    if (lost && this.#best + this.#offset > 0) {
      this.#resumes = false;
      return true;
    }
    if (this.#committing && this.#mode !== 'single') return false;
    if (![400, 404, 405, 411, 413, 415, 416, 422, 501].includes(status)) return false;
    if (failure.code === 'integrity' || codes.includes('NAME_UNKNOWN')) return false;
    this.#refused.add(this.#mode);
    const order: Mode[] = status === 413 ? ['parts'] : ['single', 'stream'];
    const next = order.find((mode) => !this.#refused.has(mode));
    if (next === undefined) return false;
    this.#mode = next;
    this.#resumes = false;
    return true;
  }

  /** After a failed commit: whether the blob is there all the same (the answer got lost). */
  async #committed(): Promise<Digest | undefined> {
    if (!this.#committing) return undefined;
    this.#committing = false;
    // ECR answers 500 to the end of a resumed upload, however often.
    if (this.#resumed) this.#resumes = false;
    const { host, access, what, signal } = this.#options;
    const digest = await this.#digest();
    const target = `/v2/${access.repository}/blobs/${digest}`;
    const answer = await host.send({ what, method: 'HEAD', target, access, expect: [200, 404], signal });
    await discard(answer);
    if (answer.statusCode === 200) this.#tell(this.#hash.size ?? this.#told);
    return answer.statusCode === 200 ? digest : undefined;
  }

  /**
   * Asks the session how far it got (distribution-spec, "Pushing a blob in chunks": GET of the location) and goes on
   * there. False when it cannot: distribution 2.8 drops a session whose PATCH broke, others never resume.
   */
  async #resume(): Promise<boolean> {
    const { host, access, what, signal } = this.#options;
    const resumes = this.#resumes && this.#mode !== 'single' && this.#location !== undefined;
    if (!resumes || this.#location === undefined) return false;
    let answer: Answer;
    try {
      const target = this.#location;
      answer = await host.send({ what, method: 'GET', target, access, expect: [200, 202, 204], signal });
    } catch (error) {
      if (error instanceof RequestFailure && error.status !== undefined && !error.retryable) return false;
      throw error;
    }
    await discard(answer);
    const offset = parseRange(headerOf(answer, 'range'));
    // More than was ever sent is a lie; "0-0" is distribution's word for nothing as well as for one byte.
    if (offset === undefined || offset <= 1 || offset > this.#hash.hashed) return false;
    const location = headerOf(answer, 'location');
    if (location) this.#location = await host.locate(location, this.#location, what);
    this.#offset = offset;
    this.#resumed = true;
    this.#tell(offset);
    return true;
  }

  #restart(): void {
    this.#location = undefined;
    this.#offset = 0;
    this.#resumes = true;
    this.#resumed = false;
    this.#tell(0);
  }

  /** Best effort, so that the registry need not wait for the session to expire; many want another scope for it. */
  async #cancel(): Promise<void> {
    const { host, access, what } = this.#options;
    if (this.#location === undefined) return;
    await host.cleanUp({ what, method: 'DELETE', target: this.#location, access, expect: [200, 202, 204] });
  }
}

/** Wraps what the content threw, so that it is not taken for the registry's failure. */
class ContentFailure extends Error {
  constructor(cause: unknown) {
    super('the content failed', { cause });
  }
}

/**
 * How many bytes a Range header says the session has. Inclusive, except that Quay's answer to GET, which alone has
 * `bytes=`, counts one more (quay endpoints/v2/blob.py, fetch_existing_upload).
 */
function parseRange(range: string | undefined): number | undefined {
  const match = /^(bytes=)?0-(\d{1,15})$/.exec(range?.trim() ?? '');
  return match?.[2] === undefined ? undefined : Number(match[2]) + (match[1] ? 0 : 1);
}
