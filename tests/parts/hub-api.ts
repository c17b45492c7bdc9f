/** The hub's JSON API: models, trees, paths, discussions and the owner of a token. */
import { text } from 'node:stream/consumers';
import { type HubToken, refuse } from './hub-access.ts';
import type { Exchange } from './hub-exchange.ts';
import { entryOf, type Repository } from './hub-repository.ts';

/** Trees; sizes or SHA-256 in lists; commits of branches; sizes in redirects. */
export type Lack = 'trees' | 'sizes' | 'hashes' | 'commits' | 'links';

/** What a mirror that lacks this states of a model or file. */
function without(lacks: readonly Lack[], value: Record<string, unknown>): Record<string, unknown> {
  const fields = [
    ...(lacks.includes('sizes') ? ['size', 'lfs'] : lacks.includes('hashes') ? ['lfs'] : []),
    ...(lacks.includes('commits') ? ['sha'] : []),
  ];
  const { siblings } = value;
  const left = Object.fromEntries(Object.entries(value).filter(([key]) => !fields.includes(key)));
  if (!Array.isArray(siblings)) return left;
  return { ...left, siblings: siblings.map((one: Record<string, unknown>) => without(lacks, one)) };
}

/** Responds to a request below /api/ whose token can see the repository. */
export async function answerApi(
  exchange: Exchange,
  repository: Repository | undefined,
  token: HubToken | 'unknown' | undefined,
  options: { pageSize?: number; lacks?: readonly Lack[] },
): Promise<void> {
  const { request, response, url } = exchange;
  const { lacks = [] } = options;
  if (url.pathname === '/api/whoami-v2') return whoAmI(exchange, token);
  const [, verb = '', rest = ''] =
    /^\/api\/models\/[^/]+\/[^/]+(?:\/(revision|tree|paths-info|discussions)(?:\/(.+))?)?$/.exec(
      url.pathname,
    ) ?? [];
  if (!repository || (verb === '' && !/^\/api\/models\/[^/]+\/[^/]+$/.test(url.pathname))) {
    return refuse(
      response,
      { status: 404, message: 'Sorry, we can’t find the page you are looking for.' },
      true,
    );
  }
  if (verb === 'discussions')
    return json(exchange, repository.discussions(url.searchParams, options.pageSize ?? 50));
  // A branch with a slash is encoded as one component.
  const [first = '', ...below] = rest.split('/').map(decodeURIComponent);
  const revision = verb === '' ? 'main' : verb === 'revision' ? [first, ...below].join('/') : first;
  const sha = repository.resolve(revision);
  if (sha === undefined) {
    const refusal = { status: 404, code: 'RevisionNotFound', message: `Invalid rev id: ${revision}` };
    return refuse(response, refusal, true);
  }
  if (verb === 'tree') {
    if (lacks.includes('trees')) return refuse(response, { status: 404, message: 'Not Found' }, true);
    return tree(exchange, repository, sha, below.join('/'), options);
  }
  if (verb === 'paths-info') {
    const { paths, expand } = readPaths(await text(request), request.headers['content-type'] ?? '');
    const blobs = repository.tree(sha);
    const known = paths.flatMap((path) => {
      const blob = blobs.get(path);
      return blob ? [entryOf(path, blob, expand)] : [];
    });
    return json(exchange, known);
  }
  const info = without(lacks, await repository.info(sha, url.searchParams.get('blobs') === 'true'));
  const expand = url.searchParams.getAll('expand');
  if (expand.length === 0) return json(exchange, info);
  const wanted = new Set(['_id', 'id', ...expand]);
  return json(exchange, Object.fromEntries(Object.entries(info).filter(([key]) => wanted.has(key))));
}

function tree(
  exchange: Exchange,
  repository: Repository,
  sha: string,
  folder: string,
  { pageSize = 1000, lacks = [] }: { pageSize?: number; lacks?: readonly Lack[] },
): void {
  const { url, request } = exchange;
  const query = url.searchParams;
  const yes = (name: string) => /^(true|1)$/i.test(query.get(name) ?? '');
  const all = repository.entries(sha, folder, yes('recursive'), yes('expand'));
  if (folder !== '' && all.length === 0) {
    const message = `${folder} does not exist on "${sha}"`;
    refuse(exchange.response, { status: 404, code: 'EntryNotFound', message }, true);
    return;
  }
  const start = Number(query.get('cursor') ?? 0);
  const page = all.slice(start, start + pageSize).map((entry) => without(lacks, entry));
  if (start + pageSize >= all.length) {
    json(exchange, page);
    return;
  }
  query.set('cursor', `${start + pageSize}`);
  const next = `http://${request.headers.host}${url.pathname}?${query}`;
  json(exchange, page, { link: `<${next}>; rel="next"` });
}

function whoAmI(exchange: Exchange, token: HubToken | 'unknown' | undefined): void {
  if (token === undefined || token === 'unknown') {
    refuse(exchange.response, { status: 401, message: 'Invalid username or password.' }, true);
    return;
  }
  const { user } = token;
  json(exchange, {
    type: 'user',
    id: '0'.repeat(24),
    name: user,
    fullname: user,
    email: `${user}@example.com`,
    emailVerified: true,
    isPro: false,
    orgs: [],
    auth: { type: 'access_token', accessToken: { displayName: 'test', role: 'read' } },
  });
}

/** The Python client sends a form, the JavaScript client JSON. */
function readPaths(body: string, type: string): { paths: string[]; expand: boolean } {
  if (type.includes('json')) {
    const { paths, expand } = JSON.parse(body) as { paths: string[]; expand?: boolean };
    return { paths, expand: expand ?? false };
  }
  const form = new URLSearchParams(body);
  return { paths: form.getAll('paths'), expand: /^true$/i.test(form.get('expand') ?? '') };
}

function json(exchange: Exchange, value: unknown, headers: Record<string, string> = {}): void {
  const body = JSON.stringify(value);
  const { response } = exchange;
  response.writeHead(200, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    ratelimit: '"api";r=499;t=300',
    'ratelimit-policy': '"fixed window";"api";q=500;w=300',
    ...headers,
  });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}
