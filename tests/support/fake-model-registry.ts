/**
 * A Kubeflow Model Registry over HTTP that misbehaves on demand. Its answers are those of the real server (kubeflow/
 * model-registry at bd07139a6, on PostgreSQL 18), down to names as patterns of SQL's LIKE, strict fields, int32 and the
 * status 404 for an ambiguous name; `MODELCARS_TEST_MODEL_REGISTRY=URL` makes the judge ask a real one instead.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

const root = (version: string) => `/api/model_registry/${version}`;

export interface FakeObject {
  id: string;
  name: string;
  state?: string;
  description?: string;
  registeredModelId?: string;
  customProperties?: Record<string, { metadataType: string; string_value?: string }>;
  [field: string]: unknown;
}

export interface FakeModelRegistryOptions {
  /** The only token that is accepted; without it every request is. */
  token?: string;
  /** Sees each request first; returns true if it has answered it or broken the connection. */
  intercept?(
    request: IncomingMessage,
    response: ServerResponse,
    fake: FakeModelRegistry,
  ): boolean | undefined | Promise<boolean | undefined>;
  /** `v1` of servers since 0.3.15, or `v1alpha3`, the default. */
  version?: 'v1' | 'v1alpha3';
}

export interface FakeModelRegistry extends AsyncDisposable {
  url: string;
  requests: { method: string; path: string; headers: IncomingMessage['headers'] }[];
  models: FakeObject[];
  versions: FakeObject[];
  /** With `parent`, the id of their version. */
  artifacts: (FakeObject & { parent: string })[];
  /** "POST /registered_models" of every request that changes something. */
  writes(): string[];
  /** Carries a request out; for an `intercept` that then loses the answer. */
  serve(request: IncomingMessage): Promise<Answer>;
}

interface Answer {
  status: number;
  body: unknown;
}

/** Fields that a POST can have; others are a 400, as from Go's decoder with DisallowUnknownFields. */
const common = ['name', 'description', 'externalId', 'customProperties', 'state'];
const allowed = {
  models: [...common, 'owner'],
  versions: [...common, 'author', 'registeredModelId'],
  artifacts: [...common, 'artifactType', 'uri', 'modelFormatName', 'modelFormatVersion'],
};

/** Starts one on a free port of 127.0.0.1. */
export async function startFakeModelRegistry(
  options: FakeModelRegistryOptions = {},
): Promise<FakeModelRegistry> {
  const api = root(options.version ?? 'v1alpha3');
  const server = createServer(async (request, response) => {
    const path = (request.url ?? '').replace(api, '');
    fake.requests.push({ method: request.method ?? '', path, headers: request.headers });
    request.on('error', () => {});
    if (await options.intercept?.(request, response, fake)) return;
    if (options.token !== undefined && request.headers.authorization !== `Bearer ${options.token}`)
      return send(response, { status: 401, body: 'Unauthorized\n' });
    send(response, await fake.serve(request));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const fake: FakeModelRegistry = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: [],
    models: [],
    versions: [],
    artifacts: [],
    writes: () =>
      fake.requests.flatMap(({ method, path }) => (method === 'GET' ? [] : [`${method} ${path}`])),
    serve: (request) => answer(request, fake, api),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return fake;
}

function send(response: ServerResponse, { status, body }: Answer): void {
  response.req.resume();
  const [type, text] =
    typeof body === 'string' ? ['text/plain', body] : ['application/json', JSON.stringify(body)];
  response.writeHead(status, { 'content-type': `${type}; charset=UTF-8` }).end(text);
}

const failure = (status: number, code: string, message: string): Answer => ({
  status,
  body: { code, message },
});

async function answer(request: IncomingMessage, fake: FakeModelRegistry, api: string): Promise<Answer> {
  const url = new URL(request.url ?? '/', 'http://fake');
  const nowhere: Answer = { status: 404, body: '404 page not found\n' };
  if (!url.pathname.startsWith(`${api}/`)) return nowhere;
  const path = url.pathname.slice(api.length);
  const parent = /^\/model_versions\/(\d+)\/artifacts$/.exec(path)?.[1];
  if (request.method === 'POST') {
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = JSON.parse(Buffer.concat(chunks).toString('utf8'));
    if (path === '/registered_models') return create(fake, 'models', body);
    if (path === '/model_versions') return create(fake, 'versions', body);
    if (parent === undefined) return nowhere;
    if (!fake.versions.some(({ id }) => id === parent))
      return failure(404, 'Not Found', `no model version found for id ${parent}: not found`);
    return create(fake, 'artifacts', body, parent);
  }
  const name = url.searchParams.get('name') ?? '';
  const within = url.searchParams.get('parentResourceId') ?? '';
  if (path === '/registered_model') return one('registered models', fake.models, name, `name=${name}`);
  if (path === '/model_version')
    return one(
      'model versions',
      fake.versions.filter(({ registeredModelId }) => registeredModelId === within),
      name,
      `name=${name}, parentResourceId=${within}`,
    );
  if (path === '/model_artifact')
    return one(
      'model artifacts',
      fake.artifacts.filter((artifact) => artifact.parent === within),
      name,
      `name=${name}, parentResourceId=${within}`,
    );
  if (path === '/registered_models') return page(fake.models, url);
  const model = /^\/registered_models\/(\d+)\/versions$/.exec(path)?.[1];
  if (model !== undefined)
    return page(
      fake.versions.filter(({ registeredModelId }) => registeredModelId === model),
      url,
    );
  if (parent === undefined) return nowhere;
  return page(
    fake.artifacts.flatMap(({ parent: owner, ...artifact }) => (owner === parent ? [artifact] : [])),
    url,
  );
}

let nextId = 1;

function create(
  fake: FakeModelRegistry,
  kind: 'models' | 'versions' | 'artifacts',
  body: Record<string, unknown>,
  parent = '',
): Answer {
  const unknown = Object.keys(body).find((field) => !allowed[kind].includes(field));
  if (unknown !== undefined) return failure(400, 'Bad Request', `json: unknown field "${unknown}"`);
  if (!body.name) return failure(422, 'Bad Request', "required field 'name' is zero value.");
  if (String(body.name).length > 255)
    return failure(500, 'Internal Server Error', 'value too long for type character varying(255)');
  const properties = Object.values((body.customProperties ?? {}) as FakeObject['customProperties'] & object);
  if (
    properties.some(
      ({ metadataType, string_value: text }) => metadataType !== 'MetadataStringValue' || text === undefined,
    )
  )
    return failure(400, 'Bad Request', 'error setting field CustomProperties: bad request');
  const scope = (other: Record<string, unknown>) =>
    kind === 'models' ||
    (kind === 'versions' ? other.registeredModelId === body.registeredModelId : other.parent === parent);
  const one = { models: 'registered model', versions: 'model version', artifacts: 'model artifact' }[kind];
  if (fake[kind].some((other) => other.name === body.name && scope(other)))
    return failure(409, 'Conflict', `${one} with name ${String(body.name)} already exists: conflict`);
  const made = {
    state: 'LIVE',
    customProperties: {},
    ...body,
    id: String(nextId++),
  } as unknown as FakeObject;
  if (kind === 'artifacts') fake.artifacts.push({ ...made, parent });
  else fake[kind].push(made);
  return { status: 201, body: made };
}

/** Finds by pattern. Several matches are a 404 too. */
function one(kind: string, all: readonly FakeObject[], name: string, asked: string): Answer {
  const pattern = new RegExp(
    `^${name
      .replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
      .replaceAll('_', '.')
      .replaceAll('%', '.*')}$`,
    's',
  );
  const [found, ...others] = all.filter((object) => pattern.test(object.name));
  if (found !== undefined && others.length === 0) return { status: 200, body: found };
  const problem = found === undefined ? 'no' : 'multiple';
  return failure(404, 'Not Found', `${problem} ${kind} found for ${asked}, externalId=: not found`);
}

function page(all: readonly object[], { searchParams }: URL): Answer {
  const size = Number(searchParams.get('pageSize') ?? 0);
  const start = Number(searchParams.get('nextPageToken') || 0);
  const items = size > 0 ? all.slice(start, start + size) : all;
  const next = start + items.length < all.length ? String(start + items.length) : '';
  return { status: 200, body: { items, nextPageToken: next, pageSize: size, size: items.length } };
}
