import type { Platform } from './types.ts';

/** `linux/arm64/v8` → its parts (image-spec image-index.md, `platform`). The text was checked by the catalog. */
export function parsePlatform(text: string): Platform {
  const [os = '', architecture = '', variant] = text.split('/');
  return variant === undefined ? { os, architecture } : { os, architecture, variant };
}

/** The parts of a platform → `linux/arm64/v8`. */
export function formatPlatform(platform: Platform): string {
  const { os, architecture, variant } = platform;
  return variant === undefined ? `${os}/${architecture}` : `${os}/${architecture}/${variant}`;
}

/**
 * Whether an index entry serves a wanted platform. A wanted `linux/arm64` takes `linux/arm64/v8`, since indexes name
 * that variant or not at their makers' whim (containerd's platform normalisation says the same).
 */
export function platformMatches(wanted: Platform, offered: Platform): boolean {
  if (wanted.os !== offered.os || wanted.architecture !== offered.architecture) return false;
  if (wanted.variant === offered.variant) return true;
  const bare = (platform: Platform) =>
    platform.architecture === 'arm64' && platform.variant === 'v8' ? undefined : platform.variant;
  return bare(wanted) === bare(offered);
}
