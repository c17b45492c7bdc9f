import pLimit from 'p-limit';
import { ModelcarsError } from '../errors.ts';
import { discard } from '../http/body.ts';
import {
  type Content,
  type Descriptor,
  type Digest,
  type ImageStore,
  isManifest,
  type Sink,
  type WriteOptions,
} from '../image/types.ts';
import type { Access } from './auth/auth.ts';
import type { Action } from './auth/types.ts';
import { isDigest, isTag, type Reference } from './reference.ts';
import type { RegistryHttp } from './registry-http.ts';
import { downloadBlob } from './transfer/download.ts';
import { listReferrers } from './transfer/list-referrers.ts';
import { listTags } from './transfer/list-tags.ts';
import {
  collectManifest,
  digestOf,
  getManifest,
  manifestLimit,
  putManifest,
  resolveManifest,
  tooLarge,
} from './transfer/manifests.ts';
import type { MountCandidates } from './transfer/mount-candidates.ts';
import { readBack } from './transfer/read-back.ts';
import { uploadBlob } from './transfer/upload.ts';

const parallelProofs = 4;

/** A repository of a registry, to push images to and pull them from. Returned by `RegistryClient.repository`. */
export class Repository implements Sink, ImageStore {
  /** `quay.io/me/iris`. */
  readonly name: string;
  readonly #host: RegistryHttp;
  readonly #path: string;
  readonly #holdings: MountCandidates;
  readonly #present = new Set<Digest>();
  readonly #absent = new Set<Digest>();
  readonly #writing = new Map<Digest, Promise<Descriptor>>();
  /** Written by this client, and not yet read back. */
  readonly #unproven = new Map<Digest, Descriptor>();
  /** Manifests written or read, for tags: small and few; the oldest is dropped first. */
  readonly #manifests = new Map<Digest, Uint8Array>();
  #action: Action;

  constructor(host: RegistryHttp, reference: Reference, holdings: MountCandidates, action: Action) {
    this.#host = host;
    this.#path = reference.repository;
    this.#holdings = holdings;
    this.#action = action;
    this.name = `${reference.registry}/${reference.repository}`;
  }

  /** Requests the right to push from now on: a registry may hide a new repository from clients that only pull. */
  willPush(): void {
    this.#action = 'push';
  }

  /** Whether the repository has a blob or manifest; once found, it is not looked up again. */
  async has(descriptor: Descriptor): Promise<boolean> {
    this.willPush();
    return await this.#has(descriptor);
  }

  /**
   * Stores a blob or, by media type, a manifest. A blob that exists is not sent; one that this client saw in another
   * repository of this registry is mounted from it. Concurrent writes of one digest share one upload. See Sink.
   */
  async write(content: Content, options: WriteOptions = {}): Promise<Descriptor> {
    this.willPush();
    const { digest } = content;
    if (digest === undefined) return await this.#write(content, options);
    const running = this.#writing.get(digest);
    if (running) {
      try {
        return { ...(await running), mediaType: content.mediaType };
      } catch (error) {
        // Cancelled by the other call's signal: this call still needs the content.
        const theirs =
          error instanceof ModelcarsError && error.code === 'cancelled' && !options.signal?.aborted;
        if (!theirs) throw error;
        return await this.write(content, options);
      }
    }
    const writing = this.#write(content, options).finally(() => this.#writing.delete(digest));
    this.#writing.set(digest, writing);
    return await writing;
  }

  /**
   * Points a tag at an existing manifest. Fails with a `usage` error on an invalid tag name. `beforeRetry` runs before
   * each retry, because other clients may have set the tag during the wait.
   */
  async tag(name: string, descriptor: Descriptor, beforeRetry?: () => Promise<void>): Promise<void> {
    this.willPush();
    if (!isTag(name)) {
      throw new ModelcarsError('usage', `tag ${this.name}: ${JSON.stringify(name)} is no tag`, {
        next: 'use 1 to 128 letters, digits, `_`, `.` and `-`',
      });
    }
    const bytes = this.#manifests.get(descriptor.digest) ?? (await this.read(descriptor));
    const what = `tag ${this.name}:${name}`;
    const address = { host: this.#host, access: this.#access(), name, what };
    await putManifest(address, descriptor, bytes, beforeRetry);
  }

  /** The descriptor of a tag or digest; undefined when it does not exist. */
  async resolve(name: string): Promise<Descriptor | undefined> {
    const what = `look up ${this.name}${isDigest(name) ? '@' : ':'}${name}`;
    if (!isTag(name) && !isDigest(name)) {
      throw new ModelcarsError(
        'usage',
        `look up ${JSON.stringify(name)} in ${this.name}: it is neither a tag nor a digest`,
      );
    }
    return await resolveManifest({ host: this.#host, access: this.#access(), name, what });
  }

  /** A manifest's, index's or config's bytes, at most 4 MiB, checked against the digest. */
  async read(descriptor: Descriptor): Promise<Uint8Array> {
    const what = `read ${descriptor.digest} from ${this.name}`;
    if (descriptor.size > manifestLimit) throw tooLarge(what);
    const bytes = isManifest(descriptor.mediaType)
      ? await this.#readManifest(descriptor, what)
      : await collectManifest(downloadBlob({ ...this.#download(descriptor, what, 0), small: true }), what);
    this.#present.add(descriptor.digest);
    return bytes;
  }

  /**
   * A blob's bytes from `offset`; read from 0, they are verified before the last chunk is returned. See downloadBlob.
   */
  async *open(descriptor: Descriptor, offset = 0, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    if (isManifest(descriptor.mediaType)) {
      yield (await this.read(descriptor)).subarray(offset);
      return;
    }
    const what = `pull ${descriptor.digest} from ${this.name}`;
    yield* downloadBlob(this.#download(descriptor, what, offset, signal));
    this.#holdings.add(descriptor.digest, this.#path);
  }

  /** All tags, in the registry's order; none when the repository does not exist. */
  async tags(): Promise<string[]> {
    return await listTags(this.#host, this.#access(), `list the tags of ${this.name}`);
  }

  /** The manifests whose `subject` is `digest`, by the referrers API; undefined where the registry has no such API. */
  async referrers(digest: Digest): Promise<Descriptor[] | undefined> {
    const what = `list what refers to ${digest} in ${this.name}`;
    return await listReferrers(this.#host, this.#access(), digest, what);
  }

  /**
   * Reads back everything this client wrote here since the last call: manifests by their bytes, blobs by their size.
   * Fails with code `integrity` on the first that is missing or differs.
   */
  async proveWritten(signal?: AbortSignal): Promise<void> {
    const slot = pLimit(parallelProofs);
    await Promise.all(
      [...this.#unproven.values()].map((written) => slot(() => this.#prove(written, signal))),
    );
  }

  async #has(descriptor: Descriptor, signal?: AbortSignal): Promise<boolean> {
    const { digest, mediaType } = descriptor;
    if (this.#present.has(digest)) return true;
    const what = `look for ${digest} in ${this.name}`;
    const access = this.#access();
    let there: boolean;
    if (isManifest(mediaType)) {
      there = (await resolveManifest({ host: this.#host, access, name: digest, what, signal })) !== undefined;
    } else {
      const size = await this.#blobSize(digest, what, signal);
      // A different size means a broken blob (or a broken registry): it is sent again.
      there = size === 0 || (size !== undefined && (descriptor.size === 0 || size === descriptor.size));
    }
    if (there) this.#found(digest, mediaType);
    else this.#absent.add(digest);
    return there;
  }

  async #prove(descriptor: Descriptor, signal?: AbortSignal): Promise<void> {
    const { digest, mediaType } = descriptor;
    const address = {
      host: this.#host,
      access: this.#access(),
      name: digest,
      what: `read back ${digest} from ${this.name}`,
      signal,
    };
    // Docker Hub counts each GET of a manifest as a pull, limited per account and hour, but no HEAD.
    const manifestSize = async () =>
      this.#host.registry === 'docker.io'
        ? (await resolveManifest(address))?.size
        : (await getManifest(address))?.bytes.length;
    const look = isManifest(mediaType) ? manifestSize : () => this.#blobSize(digest, address.what, signal);
    await readBack(this.name, descriptor, look, { signal, delay: this.#host.retry.delay });
    this.#unproven.delete(digest);
  }

  /**
   * A blob's size in bytes; undefined when it does not exist, 0 when the registry does not report it (some return 0 for
   * every HEAD).
   */
  async #blobSize(digest: Digest, what: string, signal?: AbortSignal): Promise<number | undefined> {
    const answer = await this.#host.send({
      what,
      method: 'HEAD',
      target: `/v2/${this.#path}/blobs/${digest}`,
      access: this.#access(),
      expect: [200, 404],
      signal,
    });
    await discard(answer);
    return answer.statusCode === 404 ? undefined : Number(answer.headers['content-length'] ?? 0) || 0;
  }

  async #write(content: Content, options: WriteOptions): Promise<Descriptor> {
    return isManifest(content.mediaType)
      ? await this.#writeManifest(content, options)
      : await this.#writeBlob(content, options);
  }

  async #writeBlob(content: Content, { signal, onBytes }: WriteOptions): Promise<Descriptor> {
    const { mediaType, digest, size } = content;
    const what = `push ${digest ?? 'a layer'} to ${this.name}`;
    if (digest !== undefined && size !== undefined && !this.#absent.has(digest)) {
      const descriptor = { mediaType, digest, size };
      if (await this.#has(descriptor, signal)) return descriptor;
    }
    const mountFrom = digest === undefined ? [] : this.#holdings.others(digest, this.#path);
    const options = { host: this.#host, access: this.#access(), what, content, mountFrom, signal, onBytes };
    const done = await uploadBlob(options);
    this.#found(done.digest, mediaType);
    this.#unproven.set(done.digest, { mediaType, ...done });
    return { mediaType, ...done };
  }

  async #writeManifest(content: Content, { signal, onBytes }: WriteOptions): Promise<Descriptor> {
    const what = `push manifest ${content.digest ?? ''} to ${this.name}`.replace('  ', ' ');
    const bytes = await collectManifest(content.open(0, signal), what);
    const digest = digestOf(bytes);
    if (content.digest !== undefined && content.digest !== digest) {
      throw new ModelcarsError('integrity', `${what}: its bytes have digest ${digest}`);
    }
    const descriptor = { mediaType: content.mediaType, digest, size: bytes.length };
    const address = { host: this.#host, access: this.#access(), name: digest, what, signal };
    await putManifest(address, descriptor, bytes);
    onBytes?.(bytes.length);
    this.#remember(digest, bytes);
    this.#found(digest, content.mediaType);
    this.#unproven.set(digest, descriptor);
    return descriptor;
  }

  async #readManifest(descriptor: Descriptor, what: string): Promise<Uint8Array> {
    const address = { host: this.#host, access: this.#access(), name: descriptor.digest, what };
    const found = await getManifest(address);
    if (found === undefined) throw new ModelcarsError('registry', `${what}: there is no such manifest`);
    if (found.bytes.length !== descriptor.size) {
      throw new ModelcarsError(
        'integrity',
        `${what}: it has ${found.bytes.length} bytes, not ${descriptor.size}`,
      );
    }
    this.#remember(descriptor.digest, found.bytes);
    this.#holdings.addManifest(found.bytes, this.#path);
    return found.bytes;
  }

  #found(digest: Digest, mediaType: string): void {
    this.#present.add(digest);
    this.#absent.delete(digest);
    if (!isManifest(mediaType)) this.#holdings.add(digest, this.#path);
  }

  #remember(digest: Digest, bytes: Uint8Array): void {
    this.#manifests.set(digest, bytes);
    for (const oldest of this.#manifests.keys()) {
      if (this.#manifests.size <= 16) break;
      this.#manifests.delete(oldest);
    }
  }

  #access(): Access {
    return { repository: this.#path, action: this.#action };
  }

  #download(descriptor: Descriptor, what: string, offset: number, signal?: AbortSignal) {
    return { host: this.#host, access: this.#access(), what, descriptor, offset, signal };
  }
}
