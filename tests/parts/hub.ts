/**
 * A Hugging Face hub for tests: the part of its HTTP protocol that clients use to read models. Modelled on the clients
 * (huggingface_hub and @huggingface/hub) and huggingface.co's own responses; tests/e2e/hub.test.ts checks it with the
 * real Python client. Two hosts: the hub on 127.0.0.1, and `localhost` as the CDN to which it redirects readers of LFS
 * files.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type HubToken, refuse, refuseFiles, refuseRepository, tokenOf } from './hub-access.ts';
import { answerApi, type Lack } from './hub-api.ts';
import { refuseXml, Signer, sendBlob } from './hub-cdn.ts';
import type { HubFiles } from './hub-content.ts';
import { Exchange, type HubRequest } from './hub-exchange.ts';
import { type Fault, Faults } from './hub-faults.ts';
import { type HubModel, Repository } from './hub-repository.ts';

export type { HubToken } from './hub-access.ts';
export type { HubFile, HubFiles } from './hub-content.ts';
export type { HubRequest } from './hub-exchange.ts';
export type { Fault } from './hub-faults.ts';
export type { HubModel } from './hub-repository.ts';

export interface HubOptions {
  /** `org/name` → model. */
  models: Record<string, HubModel>;
  /** Old name → new name. A name without an organization is an old one too. */
  renamed?: Record<string, string>;
  /** Token → account. */
  tokens?: Record<string, HubToken>;
  /** Bytes per second of each CDN connection; unthrottled by default. */
  throttle?: number;
  /** An origin with the large files at `/org/name/path`, to redirect to in place of the hub's own CDN. */
  elsewhere?: string;
  /** Lifetime of a signed URL in seconds; 3600 by default. */
  urlLifetime?: number;
  /** The one address of hub and CDN, for readers in a cluster; 127.0.0.1 and `localhost` by default. */
  address?: string;
  /** Entries per page of a tree; 1000 by default. */
  pageSize?: number;
  /** What it does not know, as a mirror that only huggingface_hub's `snapshot_download` uses. */
  lacks?: readonly Lack[];
}

export interface Hub extends AsyncDisposable {
  /** For HF_ENDPOINT, without a trailing slash. */
  url: string;
  /** The CDN's origin. */
  cdn: string;
  requests(): HubRequest[];
  /** Adds a fault for the next requests. */
  fault(fault: Fault): void;
  /** Faults that no request has met yet. */
  pending(): Fault[];
  /** Drops all faults. */
  forgive(): void;
  /** Points a revision (`main` by default) of a model at other files. Returns the commit. */
  commit(model: string, files: HubFiles, revision?: string): Promise<string>;
  /** The commit a revision points at. */
  sha(model: string, revision?: string): string;
  /** The most requests that the CDN served at the same time. */
  parallel(): number;
  stop(): Promise<void>;
}

/** Starts one on two free ports. */
export async function startHub(options: HubOptions): Promise<Hub> {
  const repositories = new Map<string, Repository>();
  for (const [name, model] of Object.entries(options.models))
    repositories.set(name, await Repository.make(name, model));
  const faults = new Faults();
  const signer = new Signer(options.urlLifetime ?? 3600);
  const log: HubRequest[] = [];
  let open = 0;
  let most = 0;

  const serve = (handle: (exchange: Exchange) => Promise<void>) =>
    createServer((request, response) => {
      request.on('error', () => {});
      if (request.method !== 'POST') request.resume();
      response.on('error', () => {});
      handle(new Exchange(request, response, log)).catch((error: unknown) =>
        response.destroy(error as Error),
      );
    });
  const hub = serve(async (exchange) => {
    const { request, response, url } = exchange;
    const api = url.pathname.startsWith('/api/') && !url.pathname.startsWith('/api/resolve-cache/');
    const entry = exchange.record(api ? 'api' : 'resolve');
    if (await disturb(faults.take(entry.part, url.pathname), exchange)) return;
    const target = api ? undefined : parseFile(url);
    const name = target?.name ?? /^\/api\/models\/([^/]+(?:\/[^/]+)?)/.exec(url.pathname)?.[1] ?? '';
    const moved = options.renamed?.[name];
    if (moved !== undefined) {
      response.writeHead(307, { location: request.url?.replace(name, moved), 'content-length': 0 }).end();
      return;
    }
    const token = tokenOf(request, options.tokens ?? {});
    if (api && !url.pathname.startsWith('/api/models/'))
      return answerApi(exchange, undefined, token, options);
    const repository = repositories.get(name);
    const refusal = refuseRepository(repository, token);
    if (refusal) return refuse(response, refusal, api);
    if (repository === undefined) return refuse(response, { status: 404, message: 'Not Found' }, api);
    if (api) return answerApi(exchange, repository, token, options);
    await answerFile(exchange, repository, target);
  });
  const cdn = serve(async (exchange) => {
    const { request, response, url } = exchange;
    const [, name = '', sha = '', path = ''] =
      /^\/([^/]+\/[^/]+)\/([0-9a-f]{40})\/(.+)$/.exec(decodeURIComponent(url.pathname)) ?? [];
    const entry = exchange.record('cdn');
    const fault = faults.take('cdn', path);
    if (await disturb(fault, exchange)) return;
    const blob = repositories.get(name)?.tree(sha).get(path);
    const problem = fault?.kind === 'expired' ? 'Request has expired' : signer.problem(request.url ?? '');
    if (request.headers.authorization !== undefined)
      return refuseXml(response, 400, 'InvalidArgument', 'Only one auth mechanism allowed');
    if (problem) return refuseXml(response, 403, 'AccessDenied', problem);
    if (!blob) return refuseXml(response, 404, 'NoSuchKey', 'The specified key does not exist.');
    most = Math.max(most, ++open);
    try {
      const headers = { etag: `"${blob.sha256}"` };
      entry.bytes = await sendBlob(request, response, blob, { headers, rate: options.throttle, fault });
    } finally {
      open--;
    }
  });

  const answerFile = async (
    exchange: Exchange,
    repository: Repository,
    target: FileTarget | undefined,
  ): Promise<void> => {
    const { request, response } = exchange;
    const sha = target && repository.resolve(target.revision);
    if (!target || sha === undefined) {
      const message = `Invalid rev id: ${target?.revision}`;
      return refuse(response, { status: 404, code: 'RevisionNotFound', message }, false);
    }
    const headers = { 'x-repo-commit': sha, 'accept-ranges': 'bytes' };
    const denied = refuseFiles(repository, tokenOf(request, options.tokens ?? {}));
    if (denied) return refuse(response, { ...denied, headers }, false);
    const blob = repository.tree(sha).get(target.path);
    if (!blob)
      return refuse(
        response,
        { status: 404, code: 'EntryNotFound', message: 'Entry not found', headers },
        false,
      );
    if (blob.pointerSize !== undefined) {
      const path = encodePath(target.path);
      const location = options.elsewhere
        ? `${options.elsewhere}/${repository.name}/${path}`
        : `${origin(cdn, options.address ?? 'localhost')}${signer.sign(`/${repository.name}/${sha}/${path}`)}`;
      response.writeHead(302, {
        ...headers,
        location,
        ...(!options.lacks?.includes('links') && { 'x-linked-size': blob.size }),
        ...(!options.lacks?.includes('hashes') && { 'x-linked-etag': `"${blob.sha256}"` }),
        'content-length': 0,
        vary: 'Origin, Accept',
      });
      response.end();
      return;
    }
    const etag = `"${blob.oid}"`;
    if (target.cached) {
      const fault = exchange.fault;
      exchange.entry.bytes = await sendBlob(request, response, blob, {
        headers: { ...headers, etag },
        rate: undefined,
        fault,
      });
      return;
    }
    const asked = encodeURIComponent(exchange.url.pathname);
    const cached = `/api/resolve-cache/models/${repository.name}/${sha}/${encodePath(target.path)}`;
    const location = `${cached}?${asked}=&etag=${encodeURIComponent(etag)}`;
    response.writeHead(307, { ...headers, location, etag, 'content-length': 0 }).end();
  };

  /** Applies a fault that needs no body; true if it answered the request. */
  const disturb = async (fault: Fault | undefined, exchange: Exchange): Promise<boolean> => {
    exchange.fault = fault;
    if (fault?.kind === 'slow') await sleep(fault.delay ?? 1000);
    if (fault?.kind === 'status') {
      const status = fault.status ?? 503;
      const message = status === 429 ? 'We had to rate limit you' : 'Service Unavailable';
      refuse(exchange.response, { status, message, ...(fault.headers && { headers: fault.headers }) }, true);
      return true;
    }
    const bodyless = fault?.kind === 'reset' && exchange.entry.part === 'api';
    if (bodyless) exchange.response.socket?.resetAndDestroy();
    return bodyless;
  };

  const { address = '127.0.0.1' } = options;
  for (const server of [hub, cdn]) await new Promise<void>((done) => server.listen(0, address, done));
  const stop = async (): Promise<void> => {
    for (const server of [hub, cdn]) {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    }
  };
  const found = (name: string): Repository => {
    const repository = repositories.get(name);
    if (repository === undefined) throw new Error(`hub: no model ${name}`);
    return repository;
  };
  return {
    url: origin(hub, address),
    cdn: origin(cdn, options.address ?? 'localhost'),
    requests: () => log.map((entry) => ({ ...entry })),
    fault: (fault) => faults.add(fault),
    pending: () => faults.pending(),
    forgive: () => faults.clear(),
    commit: (name, files, revision = 'main') => found(name).commit(revision, files),
    sha: (name, revision = 'main') => found(name).resolve(revision) ?? '',
    parallel: () => most,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

interface FileTarget {
  name: string;
  revision: string;
  path: string;
  /** Whether it is the URL that `resolve` redirects to. */
  cached: boolean;
}

/** `/org/name/resolve/revision/path`, or `/api/resolve-cache/models/org/name/commit/path`. */
function parseFile(url: URL): FileTarget | undefined {
  const match =
    /^(?<cache>\/api\/resolve-cache\/models)?\/(?<name>[^/]+\/[^/]+)\/(?:resolve\/)?(?<revision>[^/]+)\/(?<path>.+)$/.exec(
      url.pathname,
    )?.groups;
  if (!match) return undefined;
  const { cache, name = '', revision = '', path = '' } = match;
  return {
    name,
    revision: decodeURIComponent(revision),
    path: decodeURIComponent(path),
    cached: cache !== undefined,
  };
}

function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}

function origin(server: Server, host: string): string {
  return `http://${host}:${(server.address() as AddressInfo).port}`;
}
