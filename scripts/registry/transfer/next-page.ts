import { ModelcarsError } from '../../errors.ts';

/** The next page, by `Link: <…>; rel="next"` (RFC 8288); it must be on this registry, which gets the credentials. */
export function nextPage(link: string | undefined, current: URL, what: string): URL | undefined {
  const target = /<([^>]*)>\s*;[^,]*\brel="?next"?/i.exec(link ?? '')?.[1];
  if (target === undefined) return undefined;
  const url = URL.canParse(target, current.href) ? new URL(target, current) : undefined;
  if (url?.hostname !== current.hostname) {
    throw new ModelcarsError('registry', `${what}: the next page is on another host`);
  }
  return new URL(`${url.pathname}${url.search}`, current);
}
