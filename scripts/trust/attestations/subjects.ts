import type { Subject } from './statement.ts';
import type { AttestedImage } from './types.ts';

/**
 * The subjects of every statement about an image: its index, then each platform's manifest, since a verifier may see
 * either. in-toto requires names that distinguish the subjects of a statement.
 */
export function subjectsOf({ image: { name, index, platforms } }: AttestedImage): Subject[] {
  return [
    { name, digest: { sha256: hexOf(index.digest) } },
    ...platforms.map(({ platform, manifest }) => ({
      name: `${name} (${platform})`,
      digest: { sha256: hexOf(manifest.digest) },
    })),
  ];
}

/** The hexadecimal digits of a `sha256:` digest. */
export function hexOf(digest: string): string {
  return digest.replace(/^sha256:/, '');
}
