import type { z } from 'zod';
import { cancelled, ModelcarsError } from '../errors.ts';
import { headerOf, readBody, readRefusal } from '../http/body.ts';
import { networkFailure, RequestFailure } from '../http/failure.ts';
import { defaultRetry, parseRetryAfter, type RetryOptions, retrying } from '../http/retry.ts';
import type { Transport } from '../http/transport.ts';
import { notRegistry, ownMessage, refusal, registryAdvice } from './failure.ts';
import * as schema from './schema.ts';
import type { Token } from './token.ts';
import type { ModelArtifact, ModelVersion, RegisteredModel, Registration, TextProperty } from './types.ts';

export interface ApiOptions {
  /** As returned by `apiRoots`. */
  roots: URL[];
  token: Token | undefined;
  transport: Transport;
  signal: AbortSignal;
  /** Called before each retry with one line for the log. */
  onRetry?(message: string): void;
  retry?: RetryOptions;
}

interface ApiCall {
  /** Start of error messages. */
  what: string;
  path: string;
  query?: Record<string, string>;
  /** Sent as JSON by POST; without it the call is a GET. */
  body?: object;
}

const headersTimeout = 60_000;
const mostBytes = 8 * 1024 * 1024;
/** Versions of models have one artifact, or a few. */
const mostPages = 50;

/** A Kubeflow Model Registry: reads and creates, with retries; follows no redirect, which would lead to a login. */
export class ModelRegistryApi {
  readonly #options: ApiOptions;
  #answered = false;
  #root: Promise<URL> | undefined;

  constructor(options: ApiOptions) {
    this.#options = options;
  }

  /** `registry.example.com:8443`, for messages. */
  get host(): string {
    return this.#options.roots[0]?.host ?? '';
  }

  /**
   * The model of exactly this name. Servers take `_` and `%` in a name as patterns (SQL's LIKE) and some ignore case, so
   * one of another name can come back; model names here have neither.
   */
  async findModel(name: string): Promise<RegisteredModel | undefined> {
    const call = { what: `read model ${name}`, path: '/registered_model', query: { name } };
    const found = await this.#find(call, schema.registeredModel);
    return found?.name === name ? found : undefined;
  }

  async createModel({ model, description }: Registration): Promise<void> {
    await this.#create(
      {
        what: `register model ${model}`,
        path: '/registered_models',
        body: { name: model, ...(description !== undefined && { description }), state: 'LIVE' },
      },
      schema.registeredModel,
    );
  }

  async findVersion({ id, name }: RegisteredModel, version: string): Promise<ModelVersion | undefined> {
    const call = {
      what: `read version ${version} of ${name}`,
      path: '/model_version',
      query: { name: version, parentResourceId: id },
    };
    const found = await this.#find(call, schema.modelVersion);
    return found?.name === version && found.registeredModelId === id ? found : undefined;
  }

  async createVersion(
    { id }: RegisteredModel,
    { model, description, version, properties }: Registration,
  ): Promise<void> {
    const customProperties = Object.fromEntries(
      Object.entries(properties)
        .filter(([, text]) => text !== '')
        .map(([key, text]): [string, TextProperty] => [
          key,
          { metadataType: 'MetadataStringValue', string_value: text },
        ]),
    );
    const described = description !== undefined && { description };
    await this.#create(
      {
        what: `register version ${version} of ${model}`,
        path: '/model_versions',
        body: { name: version, registeredModelId: id, ...described, state: 'LIVE', customProperties },
      },
      schema.modelVersion,
    );
  }

  /** The artifacts of a version that are models. */
  async artifacts({ id, name }: ModelVersion): Promise<ModelArtifact[]> {
    const what = `read artifacts of version ${name}`;
    const found: ModelArtifact[] = [];
    let nextPageToken = '';
    for (let page = 0; page < mostPages; page++) {
      const query = { pageSize: '100', ...(nextPageToken !== '' && { nextPageToken }) };
      const answer = await this.#find(
        { what, path: `/model_versions/${id}/artifacts`, query },
        schema.artifactPage,
      );
      for (const item of answer?.items ?? [])
        if (item.artifactType === 'model-artifact')
          found.push(await this.#checked(what, item, schema.modelArtifact));
      nextPageToken = answer?.nextPageToken ?? '';
      if (nextPageToken === '') return found;
    }
    throw notRegistry(what, await this.#findRoot(), `lists more than ${mostPages} pages`);
  }

  async createArtifact({ id }: ModelVersion, registration: Registration): Promise<void> {
    const { model, version, uri, format } = registration;
    await this.#create(
      {
        what: `register artifact of version ${version} of ${model}`,
        path: `/model_versions/${id}/artifacts`,
        body: {
          artifactType: 'model-artifact',
          name: model,
          uri,
          state: 'LIVE',
          ...(format !== undefined && { modelFormatName: format.name }),
          ...(format?.version !== undefined && { modelFormatVersion: format.version }),
        },
      },
      schema.modelArtifact,
    );
  }

  /** What a GET returns; undefined when the registry itself answers 404. */
  async #find<T>(call: ApiCall, type: z.ZodType<T>): Promise<T | undefined> {
    const document = await this.#request(call, [200, 404]);
    return document === undefined ? undefined : await this.#checked(call.what, document, type);
  }

  /** Fails with status 409 when an object of that name exists, as after a request whose answer was lost. */
  async #create<T>(call: ApiCall & { body: object }, type: z.ZodType<T>): Promise<void> {
    await this.#checked(call.what, await this.#request(call, [200, 201]), type);
  }

  async #checked<T>(what: string, document: unknown, type: z.ZodType<T>): Promise<T> {
    const parsed = type.safeParse(document);
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    const field = issue?.path.map(String).join('.') ?? '';
    throw notRegistry(what, await this.#findRoot(), `answered without a valid ${field || 'object'}`);
  }

  async #request(call: ApiCall, expect: number[]): Promise<unknown> {
    const root = await this.#findRoot();
    return await this.#retrying(() => this.#once(root, call, expect));
  }

  /** The first root under which the server has the API; the last one when it has none, so that the call fails. */
  #findRoot(): Promise<URL> {
    this.#root ??= this.#probe();
    return this.#root;
  }

  async #probe(): Promise<URL> {
    const { roots } = this.#options;
    const call = { what: 'open the model registry', path: '/registered_models', query: { pageSize: '1' } };
    for (const root of roots.slice(0, -1)) {
      try {
        await this.#retrying(() => this.#once(root, call, [200]));
        return root;
      } catch (error) {
        if (!(error instanceof RequestFailure) || error.status !== 404) throw error;
      }
    }
    const [last] = roots.slice(-1);
    return last ?? raise(new ModelcarsError('bug', 'open the model registry: it has no URL'));
  }

  async #retrying<T>(task: () => Promise<T>): Promise<T> {
    const { retry = defaultRetry, onRetry, signal } = this.#options;
    return await retrying({ retry, onRetry, signal, answered: () => this.#answered }, task);
  }

  async #once(root: URL, call: ApiCall, expect: number[]): Promise<unknown> {
    const { what, body } = call;
    const { transport, token, signal } = this.#options;
    const url = new URL(root.href + call.path);
    for (const [key, value] of Object.entries(call.query ?? {})) url.searchParams.set(key, value);
    const headers = {
      'user-agent': 'modelcars',
      accept: 'application/json',
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(token !== undefined && { authorization: `Bearer ${token.value}` }),
    };
    const bytes = body === undefined ? {} : { body: Buffer.from(JSON.stringify(body)) };
    const method = body === undefined ? 'GET' : 'POST';
    try {
      const answer = await transport.send(url, { method, headers, ...bytes, signal, headersTimeout });
      this.#answered = true;
      const status = answer.statusCode;
      if (!expect.includes(status) || status === 404) {
        const text = (await readRefusal(answer)).toString('utf8');
        if (expect.includes(status) && ownMessage(text) !== undefined) return undefined;
        const retryAfter = parseRetryAfter(headerOf(answer, 'retry-after'));
        const location = headerOf(answer, 'location');
        throw refusal({ what, root, token, status, location, body: text, retryAfter });
      }
      const read = await readBody(answer, mostBytes);
      if (read === undefined) throw notRegistry(what, root, `answered more than ${mostBytes} bytes`);
      return parse(read) ?? raise(notRegistry(what, root, 'answered something that is no JSON object'));
    } catch (error) {
      if (error instanceof RequestFailure) throw error;
      throw signal.aborted ? cancelled(error) : networkFailure(what, url.host, error, registryAdvice);
    }
  }
}

/** A JSON object; undefined for anything else. */
function parse(bytes: Uint8Array): object | undefined {
  try {
    const document: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
    return typeof document === 'object' && document !== null ? document : undefined;
  } catch {
    return undefined;
  }
}

function raise(error: Error): never {
  throw error;
}
