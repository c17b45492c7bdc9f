import type { Digest } from '../../image/types.ts';
import { isDigest } from '../reference.ts';

const perDigest = 4;
const digests = 20_000;

/** The repositories of a registry that are known to hold a blob, to mount it from instead of sending it. */
export class MountCandidates {
  readonly #repositories = new Map<Digest, Set<string>>();

  add(digest: Digest, repository: string): void {
    const known = this.#repositories.get(digest) ?? new Set();
    if (known.size < perDigest) known.add(repository);
    if (this.#repositories.size < digests) this.#repositories.set(digest, known);
  }

  /** A manifest in a repository vouches for its config and layers there. */
  addManifest(bytes: Uint8Array, repository: string): void {
    let manifest: { config?: unknown; layers?: unknown };
    try {
      manifest = JSON.parse(Buffer.from(bytes).toString('utf8')) ?? {};
    } catch {
      return;
    }
    const layers = Array.isArray(manifest.layers) ? manifest.layers : [];
    for (const blob of [manifest.config, ...layers]) {
      const digest = (blob as { digest?: unknown } | undefined)?.digest;
      if (typeof digest === 'string' && isDigest(digest)) this.add(digest, repository);
    }
  }

  /** Repositories other than `repository` that hold the blob. */
  others(digest: Digest, repository: string): string[] {
    return [...(this.#repositories.get(digest) ?? [])].filter((name) => name !== repository);
  }
}
