import { setTimeout as wait } from 'node:timers/promises';
import { cancelled, ModelcarsError } from '../errors.ts';
import { documentOfBytes } from '../image/manifest.ts';
import { parseIndex } from '../image/schema.ts';
import { type Descriptor, type Digest, mediaTypes } from '../image/types.ts';
import type { Repository } from './repository.ts';
import { digestOf } from './transfer/manifests.ts';

/** image-spec manifest.md, "Guidance for an Empty Descriptor". */
const emptyType = 'application/vnd.oci.empty.v1+json';
const emptyBytes = Buffer.from('{}');

/** Each round merges what another client wrote to the fallback tag in between. */
const mostRounds = 8;
/** Milliseconds after which another client's read-modify-write of the fallback tag has very probably ended. */
const settleTime = 1000;

/** A small document that refers to an image: a signature or an attestation. */
export interface Artifact {
  /** Of the manifest and its only layer. */
  artifactType: string;
  content: Uint8Array;
  annotations: Record<string, string>;
}

/**
 * Documents that refer to the images of one repository (image-spec 1.1, `subject`). Where the registry has no referrers
 * API, they are also listed in the index of the fallback tag `sha256-<hex>` (distribution-spec 1.1, "Referrers Tag
 * Schema"). That index is read, extended and written back, because no registry has a compare-and-swap: after its own
 * write, each client reads the index again and merges until all that it ever saw is there.
 */
export class Referrers {
  readonly #repository: Repository;
  readonly #signal: AbortSignal | undefined;
  /** By subject: what a fallback index has to contain. */
  readonly #expected = new Map<Digest, Map<Digest, Descriptor>>();
  /** Attaching to one subject waits for the one before. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(repository: Repository, signal?: AbortSignal) {
    this.#repository = repository;
    this.#signal = signal;
  }

  /** All referrers of an image, by the API and the fallback tag; those of `artifactType` only when given. */
  async list(subject: Digest, artifactType?: string): Promise<Descriptor[]> {
    const listed = await this.#repository.referrers(subject);
    // Copies of an image by tools that know only tags leave its referrers in the fallback tag of a registry with API.
    const fallback = listed === undefined || listed.length === 0 ? await this.#readFallback(subject) : [];
    const all = new Map([...fallback, ...(listed ?? [])].map((one) => [one.digest, one]));
    const wanted = [...all.values()];
    // A registry may leave out the type, which then only the manifest gives.
    return artifactType === undefined
      ? wanted
      : wanted.filter((one) => one.artifactType === undefined || one.artifactType === artifactType);
  }

  /** Stores an artifact that refers to `subject`, and returns its descriptor. Call `confirm` after the last one. */
  async attach(subject: Descriptor, { artifactType, content, annotations }: Artifact): Promise<Descriptor> {
    const config = await this.#blob(emptyType, emptyBytes);
    const layer = await this.#blob(artifactType, content);
    const { mediaType, digest, size } = subject;
    const manifest = {
      schemaVersion: 2,
      mediaType: mediaTypes.manifest,
      artifactType,
      config,
      layers: [layer],
      subject: { mediaType, digest, size },
      annotations,
    };
    const bytes = Buffer.from(JSON.stringify(manifest));
    return await this.attachManifest(digest, bytes, { artifactType, annotations });
  }

  /** Stores a manifest or index that names `subject` and whose blobs and manifests the repository has. */
  async attachManifest(
    subject: Digest,
    bytes: Uint8Array,
    {
      artifactType,
      annotations,
      mediaType = mediaTypes.manifest,
    }: Pick<Artifact, 'artifactType' | 'annotations'> & { mediaType?: string },
  ): Promise<Descriptor> {
    const manifest = { mediaType, digest: digestOf(bytes), size: bytes.length };
    await this.#write(bytes, manifest);
    const descriptor = { ...manifest, artifactType, annotations };
    const adding = this.#last.then(() => this.#addToFallback(subject, descriptor));
    this.#last = adding.catch(() => undefined);
    await adding;
    return descriptor;
  }

  /**
   * Checks that everything attached is listed; what other clients dropped from a fallback index meanwhile is added
   * again. Fails with code `registry` when the index changes all the time.
   */
  async confirm(): Promise<void> {
    await this.#repository.proveWritten(this.#signal);
    if (this.#expected.size === 0) return;
    await wait(settleTime, undefined, this.#signal && { signal: this.#signal }).catch((cause: unknown) => {
      throw cancelled(cause);
    });
    for (const [subject, expected] of this.#expected) await this.#merge(subject, expected);
  }

  async #addToFallback(subject: Digest, descriptor: Descriptor): Promise<void> {
    const listed = await this.#repository.referrers(subject);
    if (listed?.some(({ digest }) => digest === descriptor.digest)) return;
    const expected = this.#expected.get(subject) ?? new Map<Digest, Descriptor>();
    this.#expected.set(subject, expected);
    expected.set(descriptor.digest, descriptor);
    await this.#merge(subject, expected);
  }

  /** Writes the fallback index until it has all of `expected`, and what it had besides. */
  async #merge(subject: Digest, expected: Map<Digest, Descriptor>): Promise<void> {
    for (let round = 0; round < mostRounds; round++) {
      const present = await this.#readFallback(subject);
      const missing = [...expected.values()].filter(
        ({ digest }) => !present.some((one) => one.digest === digest),
      );
      for (const one of present) expected.set(one.digest, one);
      if (missing.length === 0) return;
      const index = {
        schemaVersion: 2,
        mediaType: mediaTypes.index,
        manifests: [...present, ...missing],
      };
      const bytes = Buffer.from(JSON.stringify(index));
      const descriptor = { mediaType: mediaTypes.index, digest: digestOf(bytes), size: bytes.length };
      await this.#write(bytes, descriptor);
      await this.#repository.tag(fallbackTag(subject), descriptor);
    }
    throw new ModelcarsError(
      'registry',
      `list what refers to ${subject} in ${this.#repository.name}: its tag ${fallbackTag(subject)} keeps changing`,
      { next: 'run the command again when no other job signs the same image' },
    );
  }

  async #readFallback(subject: Digest): Promise<Descriptor[]> {
    const tag = fallbackTag(subject);
    const found = await this.#repository.resolve(tag);
    if (found === undefined || found.mediaType !== mediaTypes.index) return [];
    return parseIndex(await this.#repository.read(found), `${this.#repository.name}:${tag}`).manifests;
  }

  async #blob(mediaType: string, bytes: Uint8Array): Promise<Descriptor> {
    return await this.#write(bytes, { mediaType, digest: digestOf(bytes), size: bytes.length });
  }

  async #write(bytes: Uint8Array, { mediaType }: Descriptor): Promise<Descriptor> {
    const options = this.#signal === undefined ? {} : { signal: this.#signal };
    return await this.#repository.write(documentOfBytes(mediaType, bytes), options);
  }
}

/** The tag whose index lists an image's referrers where the registry has no referrers API. */
export function fallbackTag(subject: Digest): string {
  return subject.replace(':', '-');
}
