import type { Platform } from './types.ts';

/** Parses `linux/arm64/v8` (image-spec image-index.md, `platform`). The catalog has checked the text. */
export function parsePlatform(text: string): Platform {
  const [os = '', architecture = '', variant] = text.split('/');
  return variant === undefined ? { os, architecture } : { os, architecture, variant };
}

/** Formats a platform: `linux/arm64/v8`. */
export function formatPlatform(platform: Platform): string {
  const { os, architecture, variant } = platform;
  return variant === undefined ? `${os}/${architecture}` : `${os}/${architecture}/${variant}`;
}

/**
 * Whether an index entry matches a wanted platform. A wanted `linux/arm64` matches `linux/arm64/v8`, since index
 * authors include or omit that variant arbitrarily (containerd's platform normalisation does the same).
 */
export function platformMatches(wanted: Platform, offered: Platform): boolean {
  if (wanted.os !== offered.os || wanted.architecture !== offered.architecture) return false;
  if (wanted.variant === offered.variant) return true;
  const bare = (platform: Platform) =>
    platform.architecture === 'arm64' && platform.variant === 'v8' ? undefined : platform.variant;
  return bare(wanted) === bare(offered);
}
