import { ModelcarsError } from '../../errors.ts';
import { headerOf } from '../../http/body.ts';
import type { Access } from '../auth/auth.ts';
import type { Call } from '../call.ts';
import { isTag } from '../reference.ts';
import type { RegistryHttp } from '../registry-http.ts';
import { nextPage } from './next-page.ts';

/** Limits of a list of tags; a page of the 1000 tags requested has at most about 130 KB. */
export interface ListLimits {
  pageBytes: number;
  bytes: number;
  tags: number;
  pages: number;
  /** Consecutive pages without a new tag. */
  idlePages: number;
  milliseconds: number;
}

const usual: ListLimits = {
  pageBytes: 4 * 1024 ** 2,
  bytes: 64 * 1024 ** 2,
  tags: 100_000,
  pages: 2000,
  idlePages: 3,
  milliseconds: 10 * 60_000,
};

/**
 * All tags of a repository, page by page (distribution-spec, "Listing Tags"); `[]` when it does not exist. Fails with
 * code `registry` when the list exceeds `limits` or leads to another host: a registry may never stop sending pages.
 */
export async function listTags(
  host: RegistryHttp,
  access: Access,
  what: string,
  limits: Partial<ListLimits> = {},
): Promise<string[]> {
  const most = { ...usual, ...limits };
  const fail = (problem: string) => listError(what, `${host.registry} ${problem}`);
  const tags = new Set<string>();
  const started = performance.now();
  let bytes = 0;
  let idle = 0;
  let target: URL | undefined = new URL(`/v2/${access.repository}/tags/list?n=1000`, await host.origin());
  for (let page = 0; target; page++) {
    if (page >= most.pages) throw fail(`lists more than ${most.pages} pages`);
    if (performance.now() - started > most.milliseconds)
      throw fail(`takes more than ${most.milliseconds / 60_000} min for the list`);
    const call: Call = { what, method: 'GET', target, access, expect: [200, 404] };
    const answered: Awaited<ReturnType<RegistryHttp['read']>> = await host.read(call, most.pageBytes);
    if (answered.answer.statusCode === 404) return [...tags];
    if (answered.bytes === undefined) throw fail(`sends a page of more than ${most.pageBytes} bytes`);
    bytes += answered.bytes.length;
    if (bytes > most.bytes) throw fail(`sends more than ${most.bytes} bytes`);
    const before = tags.size;
    for (const tag of parseTags(answered.bytes, what)) tags.add(tag);
    if (tags.size > most.tags) throw fail(`lists more than ${most.tags} tags`);
    idle = tags.size > before ? 0 : idle + 1;
    target = nextPage(headerOf(answered.answer, 'link'), target, what);
    if (target && idle >= most.idlePages) throw fail('sends one page after another without a new tag');
  }
  return [...tags];
}

function parseTags(body: Uint8Array, what: string): string[] {
  let tags: unknown;
  try {
    tags = JSON.parse(Buffer.from(body).toString('utf8')).tags ?? [];
  } catch {
    tags = undefined;
  }
  if (!Array.isArray(tags))
    throw new ModelcarsError('registry', `${what}: the registry answered no list of tags`);
  return tags.filter((tag): tag is string => typeof tag === 'string' && isTag(tag));
}

function listError(what: string, problem: string): ModelcarsError {
  return new ModelcarsError('registry', `${what}: ${problem}`, {
    next: 'delete unused tags, push to another repository, or look into the log of the registry',
  });
}
