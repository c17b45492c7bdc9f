import { ModelcarsError } from '../../errors.ts';
import { headerOf } from '../../http/body.ts';
import { parseIndex } from '../../image/schema.ts';
import type { Descriptor, Digest } from '../../image/types.ts';
import type { Access } from '../auth/auth.ts';
import type { RegistryHttp } from '../registry-http.ts';
import { manifestLimit } from './manifests.ts';
import { nextPage } from './next-page.ts';

const mostReferrers = 1000;
const mostPages = 100;

/**
 * The manifests that name `digest` as their subject (distribution-spec 1.1, "Listing Referrers"); undefined where the
 * registry does not know the referrers API, which the specification has answer 404. Fails with code `registry` when the
 * list exceeds 1000 entries or 100 pages.
 */
export async function listReferrers(
  host: RegistryHttp,
  access: Access,
  digest: Digest,
  what: string,
): Promise<Descriptor[] | undefined> {
  const found = new Map<Digest, Descriptor>();
  let target: URL | undefined = new URL(`/v2/${access.repository}/referrers/${digest}`, await host.origin());
  for (let page = 0; target; page++) {
    if (page >= mostPages || found.size > mostReferrers)
      throw new ModelcarsError('registry', `${what}: ${host.registry} lists more than ${mostReferrers}`, {
        next: 'delete signatures and attestations that are no longer needed',
      });
    // Registries without the API take the path for an unknown route (404, 405), or for a name they do not allow (400).
    const call = { what, method: 'GET' as const, target, access, expect: [200, 400, 404, 405, 501] };
    const answered: Awaited<ReturnType<RegistryHttp['read']>> = await host.read(call, manifestLimit);
    if (answered.answer.statusCode !== 200) return undefined;
    if (answered.bytes === undefined)
      throw new ModelcarsError('registry', `${what}: ${host.registry} sends more than 4 MiB`);
    for (const descriptor of parseIndex(answered.bytes, `the referrers of ${digest}`).manifests)
      found.set(descriptor.digest, descriptor);
    target = nextPage(headerOf(answered.answer, 'link'), target, what);
  }
  return [...found.values()];
}
