import { HttpMethod, type KubeConfig, RequestContext } from '@kubernetes/client-node';
import { fetch } from 'undici';
import { ModelcarsError } from '../../errors.ts';
import type { KubernetesObject } from '../manifests/inference-service.ts';

/** Owner of the fields that server-side apply sets. */
const fieldManager = 'modelcars';
/** Upper limit for a response, in bytes. */
const mostBytes = 64 * 1024 ** 2;

/** The API server refused a request or did not answer. */
export class ApiError extends ModelcarsError {
  /** HTTP status; 0 without a response. */
  readonly status: number;
  /** Kubernetes' reason: `NotFound`, `Forbidden`, `AlreadyExists`, `Conflict`. */
  readonly reason: string;

  constructor(status: number, reason: string, message: string, next: string, cause?: unknown) {
    super('cluster', message, { next, cause });
    this.status = status;
    this.reason = reason;
  }
}

interface ResourceType {
  name: string;
  kind: string;
  namespaced: boolean;
}

/**
 * A cluster's API, with objects as plain JSON, so that every field is sent as written. (The client's generated classes
 * drop fields that their Kubernetes version does not know, among them `default` and `enum` of a CRD.)
 */
export class Api {
  readonly config: KubeConfig;
  readonly #resources = new Map<string, Promise<ResourceType[]>>();

  constructor(config: KubeConfig) {
    this.config = config;
  }

  /** The API server's address, for display. */
  get server(): string {
    return this.config.getCurrentCluster()?.server ?? 'no cluster';
  }

  /** Creates or changes an object so that it has these fields. */
  async apply<T extends KubernetesObject>(object: T, signal?: AbortSignal): Promise<T> {
    const path = await this.pathOf(object);
    const query = `fieldManager=${fieldManager}&force=true`;
    return this.request('PATCH', `${path}?${query}`, {
      body: object,
      type: 'application/apply-patch+yaml',
      ...(signal && { signal }),
    });
  }

  /** Creates a new object: much faster than `apply` for a definition of a megabyte. */
  async create<T extends KubernetesObject>(object: T, signal?: AbortSignal): Promise<T> {
    const path = await this.pathOf(object);
    const collection = path.slice(0, path.lastIndexOf('/'));
    return this.request('POST', collection, { body: object, ...(signal && { signal }) });
  }

  /** Reads an object; undefined when the cluster has no object of that name (or no such kind). */
  async find<T>(object: Pick<KubernetesObject, 'apiVersion' | 'kind' | 'metadata'>): Promise<T | undefined> {
    try {
      return await this.request<T>('GET', await this.pathOf(object));
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return undefined;
      throw error;
    }
  }

  /** Deletes an object, then its dependents; a missing one is not an error. */
  async remove(object: Pick<KubernetesObject, 'apiVersion' | 'kind' | 'metadata'>): Promise<void> {
    try {
      await this.request('DELETE', await this.pathOf(object), { body: { propagationPolicy: 'Background' } });
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 404)) throw error;
    }
  }

  /** Path of an object; ApiError 404 for an undiscovered kind. */
  async pathOf({
    apiVersion,
    kind,
    metadata,
  }: Pick<KubernetesObject, 'apiVersion' | 'kind' | 'metadata'>): Promise<string> {
    const base = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    const known = async () => (await this.#discover(base)).find((one) => one.kind === kind);
    let type = await known();
    if (type === undefined) {
      // The definition may have been created after the first discovery.
      this.#resources.delete(base);
      type = await known();
    }
    if (type === undefined) {
      throw new ApiError(
        404,
        'NotFound',
        `find ${kind} of ${apiVersion}: the cluster does not have it`,
        'install what defines it',
      );
    }
    const namespace = type.namespaced ? `/namespaces/${metadata.namespace ?? 'default'}` : '';
    return `${base}${namespace}/${type.name}/${encodeURIComponent(metadata.name)}`;
  }

  #discover(base: string): Promise<ResourceType[]> {
    let found = this.#resources.get(base);
    if (found === undefined) {
      found = this.request<{ resources: ResourceType[] }>('GET', base).then(
        ({ resources }) => resources.filter(({ name }) => !name.includes('/')),
        (error: unknown) => {
          this.#resources.delete(base);
          if (error instanceof ApiError && error.status === 404) return [];
          throw error;
        },
      );
      this.#resources.set(base, found);
    }
    return found;
  }

  /** Sends one request, JSON both ways (`text`: the response as text). Fails with an ApiError. */
  async request<T>(
    method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
    path: string,
    options: { body?: unknown; type?: string; text?: boolean; signal?: AbortSignal } = {},
  ): Promise<T> {
    const { body, type = 'application/json', text = false, signal } = options;
    const context = new RequestContext(`${this.server.replace(/\/+$/, '')}${path}`, HttpMethod.GET);
    let status = 0;
    let answer: string;
    try {
      await this.config.applySecurityAuthentication(context);
      const dispatcher = context.getDispatcher();
      const response = await fetch(context.getUrl(), {
        method,
        headers: {
          ...context.getHeaders(),
          Accept: text ? 'text/plain, */*' : 'application/json',
          ...(body !== undefined && { 'Content-Type': type }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        ...(dispatcher && { dispatcher }),
        signal: AbortSignal.any([...(signal ? [signal] : []), AbortSignal.timeout(60_000)]),
      });
      ({ status } = response);
      answer = await response.text();
    } catch (cause) {
      if (signal?.aborted) throw cause;
      const why = cause instanceof Error ? rootMessage(cause) : String(cause);
      throw new ApiError(
        0,
        'Unreachable',
        `connect to the cluster ${this.server}: ${why}`,
        'check that `kubectl --context … get nodes` works',
        cause,
      );
    }
    if (status >= 400 || answer.length > mostBytes) throw refused(method, path, status, answer);
    return (text ? answer : JSON.parse(answer)) as T;
  }
}

function rootMessage(error: Error): string {
  return error.cause instanceof Error ? rootMessage(error.cause) : error.message;
}

function refused(method: string, path: string, status: number, answer: string): ApiError {
  let message = answer.slice(0, 500);
  let reason = '';
  try {
    const parsed = JSON.parse(answer) as { message?: string; reason?: string };
    message = parsed.message ?? message;
    reason = parsed.reason ?? '';
  } catch {
    // Not JSON, perhaps a proxy's page: shown as it is.
  }
  const verb = { GET: 'read', POST: 'create', PATCH: 'apply', DELETE: 'delete' }[method] ?? method;
  const what = path.replace(/\?.*/, '').replace(/^\/(api|apis)\//, '');
  const next =
    status === 401
      ? 'log in to the cluster again'
      : status === 403
        ? 'request this permission, or use a namespace in which you have it: --namespace NAME'
        : 'correct what the cluster reports';
  return new ApiError(status, reason, `${verb} ${what}: ${message}`, next);
}
