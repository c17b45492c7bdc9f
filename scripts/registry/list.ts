import { ModelcarsError } from '../errors.ts';
import { headerOf } from '../http/body.ts';
import type { Access } from './auth.ts';
import type { Call, Host } from './host.ts';
import { isTag } from './reference.ts';

const pageLimit = 4 * 1024 * 1024;
const pages = 1000;

/** All tags of a repository, page by page (distribution-spec, "Listing Tags"); `[]` when it does not exist. */
export async function listTags(host: Host, access: Access, what: string): Promise<string[]> {
  const tags = new Set<string>();
  const origin = await host.origin();
  let target: URL | undefined = new URL(`/v2/${access.repository}/tags/list?n=1000`, origin);
  for (let page = 0; target; page++) {
    if (page >= pages) throw new ModelcarsError('registry', `${what}: more than ${pages} pages`);
    const call: Call = { what, method: 'GET', target, access, expect: [200, 404] };
    const { answer, bytes } = await host.read(call, pageLimit);
    if (answer.statusCode === 404) return [...tags];
    for (const tag of parseTags(bytes, what)) tags.add(tag);
    target = nextPage(headerOf(answer, 'link'), target, what);
  }
  return [...tags];
}

function parseTags(body: Uint8Array | undefined, what: string): string[] {
  let tags: unknown;
  try {
    tags = JSON.parse(Buffer.from(body ?? []).toString('utf8')).tags ?? [];
  } catch {
    tags = undefined;
  }
  if (!Array.isArray(tags))
    throw new ModelcarsError('registry', `${what}: the registry answered no list of tags`);
  return tags.filter((tag): tag is string => typeof tag === 'string' && isTag(tag));
}

/** The `Link: <…>; rel="next"` of RFC 8288; it must stay on this registry, which gets our credentials. */
function nextPage(link: string | undefined, current: URL, what: string): URL | undefined {
  const target = /<([^>]*)>\s*;[^,]*\brel="?next"?/i.exec(link ?? '')?.[1];
  if (target === undefined) return undefined;
  const url = URL.canParse(target, current.href) ? new URL(target, current) : undefined;
  if (url?.hostname !== current.hostname) {
    throw new ModelcarsError('registry', `${what}: the next page is on another host`);
  }
  return new URL(`${url.pathname}${url.search}`, current);
}
