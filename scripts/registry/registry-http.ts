import { cancelled } from '../errors.ts';
import { discard, headerOf, readBody, readRefusal } from '../http/body.ts';
import { isRetryable, networkFailure, RequestFailure } from '../http/failure.ts';
import { transmit } from '../http/redirects.ts';
import { parseRetryAfter, Retries, type RetriesOptions, type RetryOptions, retrying } from '../http/retry.ts';
import { speaksTls } from '../http/tls-probe.ts';
import { type HttpResponse, isLoopback, type Transport } from '../http/transport.ts';
import { type Access, Auth } from './auth/auth.ts';
import { withMissing } from './auth/missing-helper.ts';
import type { Credentials } from './auth/types.ts';
import type { Answered, BulkCall, Call } from './call.ts';
import { readErrors } from './error-body.ts';
import { registryAdvice, statusFailure } from './failure.ts';
import type { Account } from './refusal.ts';

export interface RegistryHttpOptions {
  registry: string;
  transport: Transport;
  credentials: Credentials;
  /** Hosts with plain http, with or without port. */
  insecure: string[];
  retry: RetryOptions;
  onRetry: (message: string) => void;
  signal: AbortSignal | undefined;
}

const headersTimeout = 60_000;
/** Maximum bytes of a token server's response. */
const mostToken = 1024 * 1024;

/** One registry: its origin, its authentication, and calls with retries. */
export class RegistryHttp {
  readonly registry: string;
  readonly retry: RetryOptions;
  readonly onRetry: (message: string) => void;
  readonly #options: RegistryHttpOptions;
  readonly #auth: Auth;
  /** As in the API's URL. */
  readonly #apiHost: string;
  readonly #insecure: boolean;
  #origin: Promise<URL> | undefined;
  #answered = false;

  constructor(options: RegistryHttpOptions) {
    this.#options = options;
    this.registry = options.registry;
    this.retry = options.retry;
    this.onRetry = options.onRetry;
    this.#apiHost = options.registry === 'docker.io' ? 'registry-1.docker.io' : options.registry;
    this.#insecure = this.#isInsecure(this.#apiHost);
    this.#auth = new Auth({
      registry: options.registry,
      credentials: options.credentials,
      checkRealm: (realm) => realm.protocol === 'https:' || this.#insecure || this.#mayBePlain(realm),
      request: (url, init) => this.#askRealm(url, init),
    });
  }

  /** Sends a call, with retries unless its body can be sent only once. */
  async send(call: Call): Promise<HttpResponse> {
    return (await this.sendFrom(call)).answer;
  }

  /** As `send`, with the URL of the response, after redirects. */
  async sendFrom(call: Call): Promise<Answered> {
    if (call.stream || call.once) return await this.#once(call);
    let tries = 0;
    return await this.#retrying(call.signal, async () => {
      if (tries++ > 0) await call.beforeRetry?.();
      return await this.#once(call);
    });
  }

  /**
   * Sends a GET once to the URL of an earlier response and passes the body to `take`, over a bulk connection, which
   * needs less CPU than `send`. Returns false where only `send` can read the response: behind a proxy, with another
   * status, or with a body without length. Fails with ConnectionLost, and with the errors of `look` and `take`.
   */
  async receive(call: BulkCall): Promise<boolean> {
    const { url } = call;
    const pool = this.#options.transport.bulkPool(url, await this.#sender(url));
    if (pool === undefined) return false;
    const headers = { 'user-agent': 'modelcars', ...(await this.#headers(call, url)) };
    return (await pool.get({ ...call, headers, signal: this.signal(call.signal) })).read;
  }

  /**
   * Sends a call and reads the small document in its response, with retries of both; `bytes` is undefined when the
   * document is longer than `limit`, and empty when an expected status is a refusal (404). Also fails when the body
   * trickles.
   */
  async read(call: Call, limit: number): Promise<{ answer: HttpResponse; bytes: Buffer | undefined }> {
    return await this.#retrying(call.signal, async () => {
      const { answer } = await this.#once(call);
      if (answer.statusCode >= 400) {
        await discard(answer);
        return { answer, bytes: Buffer.alloc(0) };
      }
      return { answer, bytes: await this.#document(call.what, this.registry, answer, limit, call.signal) };
    });
  }

  /**
   * Logs in as a request with this access does, with GET /v2/ (distribution-spec, end-1): the account, and whether the
   * registry asked for a login at all. Fails as a request does, with code `auth` when the credentials are rejected.
   */
  async logIn(access: Access): Promise<{ account: Account; challenged: boolean }> {
    const what = `log in to ${this.registry}`;
    await discard(await this.send({ what, method: 'GET', target: '/v2/', access, expect: [200] }));
    return { account: await this.#auth.account(access), challenged: this.#auth.challenged };
  }

  /** Sends a best-effort call, even after a cancellation: 2 s, one try, no errors. */
  async cleanUp(call: Call): Promise<void> {
    try {
      const target = new URL(call.target, await this.origin());
      const headers = await this.#headers(call, target);
      const signal = AbortSignal.timeout(2000);
      const sender = await this.#sender(target);
      const request = { method: call.method, headers, signal, sender, headersTimeout };
      await discard(await this.#options.transport.send(target, request));
    } catch {
      // The registry cleans up by itself in time.
    }
  }

  /** Counts the tries of callers that cannot leave them to `send`. */
  retries(signal: AbortSignal | undefined): Retries {
    return new Retries(this.#retryOptions(signal));
  }

  /** Combines the client's signal and a call's. */
  signal(signal: AbortSignal | undefined): AbortSignal | undefined {
    const signals = [this.#options.signal, signal].filter((one) => one !== undefined);
    return signals.length > 1 ? AbortSignal.any(signals) : signals[0];
  }

  /**
   * The URL of a Location header, which may be relative. If it names this registry's host without TLS, as a registry
   * behind a proxy may, it gets this registry's origin; a URL elsewhere must be https or allowed plain http.
   */
  async locate(location: string | undefined, base: URL | undefined, what: string): Promise<URL> {
    const origin = await this.origin();
    const from = base ?? origin;
    const url = location && URL.canParse(location, from.href) ? new URL(location, from) : undefined;
    if (url?.protocol === 'http:' && origin.protocol === 'https:' && url.hostname === origin.hostname) {
      return new URL(`${url.pathname}${url.search}`, origin);
    }
    if (url && (url.origin === origin.origin || url.protocol === 'https:' || this.#mayBePlain(url)))
      return url;
    const why = url ? `a location on ${url.origin}, which is not https` : 'no location for the upload';
    throw new RequestFailure(`${what}: ${this.registry} gave ${why}`, {
      code: 'registry',
      next: 'correct the external URL in the configuration of the registry or the proxy before it',
    });
  }

  /** The origin of the registry's API. Plain http for `insecure` hosts, and for loopback hosts without TLS. */
  async origin(): Promise<URL> {
    this.#origin ??= this.#findOrigin();
    return await this.#origin;
  }

  async #findOrigin(): Promise<URL> {
    const secure = new URL(`https://${this.#apiHost}`);
    const plain = new URL(`http://${this.#apiHost}`);
    if (this.#insecure) return plain;
    if (!isLoopback(secure.hostname)) return secure;
    // No machine is between this process and a loopback host, so probing is safe, and saves an option in both cases.
    return (await speaksTls(secure, this.#options.signal)) ? secure : plain;
  }

  #isInsecure(host: string): boolean {
    return this.#options.insecure.some((one) => one === host || one === host.replace(/:\d+$/, ''));
  }

  /**
   * Whether plain http is allowed: for hosts that the user named, and for loopback hosts if the registry is one too.
   */
  #mayBePlain(url: URL): boolean {
    const local = isLoopback(url.hostname) && isLoopback(new URL(`https://${this.#apiHost}`).hostname);
    return local || this.#isInsecure(url.host);
  }

  #retrying<T>(signal: AbortSignal | undefined, task: () => Promise<T>): Promise<T> {
    return retrying(this.#retryOptions(signal), task);
  }

  #retryOptions(signal: AbortSignal | undefined): RetriesOptions {
    const { onRetry } = this.#options;
    return { retry: this.retry, onRetry, signal: this.signal(signal), answered: () => this.#answered };
  }

  /** One try; an `auth` error also names a configured credential helper that is not installed. */
  async #once(call: Call): Promise<Answered> {
    try {
      return await this.#exchange(call);
    } catch (error) {
      throw withMissing(error, this.#options.credentials.missing?.(this.registry));
    }
  }

  async #exchange(call: Call): Promise<Answered> {
    const origin = await this.origin();
    const target = new URL(call.target, origin);
    for (let renewed = false; ; renewed = true) {
      const headers = await this.#headers(call, target);
      const { answer, status, url } = await this.#transmit(call, target, headers);
      if (call.expect.includes(status)) return { answer, url };
      const asks =
        status === 401 && !renewed && url.origin === origin.origin && target.origin === origin.origin;
      const challenge = answer.headers['www-authenticate'];
      if (!asks || !(await this.#auth.learn(call.access, headers.authorization, challenge))) {
        throw await this.#failure(call.what, answer, url, call);
      }
      await discard(answer);
      if (call.stream) {
        const message = `${call.what}: ${this.registry} wants a new token`;
        throw new RequestFailure(message, { code: 'auth', status, retryable: true, retryAfter: 0 });
      }
    }
  }

  /** A call's headers; Authorization only for the registry itself, not for an upload location at another origin. */
  async #headers(call: Pick<Call, 'access' | 'headers'>, target: URL): Promise<Record<string, string>> {
    const ours = target.origin === (await this.origin()).origin;
    const authorization = ours ? await this.#auth.header(call.access) : undefined;
    return authorization === undefined ? { ...call.headers } : { ...call.headers, authorization };
  }

  async #transmit(
    call: Omit<Call, 'target' | 'access' | 'expect'>,
    target: URL,
    headers: Record<string, string>,
  ) {
    const signal = this.signal(call.signal);
    const mayBePlain = (url: URL) => this.#mayBePlain(url);
    const isNamed = (url: URL) => this.#isInsecure(url.host);
    const sender = await this.#sender(target);
    const own = { advice: registryAdvice, code: 'registry', sender, isNamed } as const;
    const request = { headersTimeout, ...call, ...own, headers, signal, mayBePlain };
    const answered = await transmit(this.#options.transport, target, request);
    this.#answered = true;
    return answered;
  }

  async #askRealm(
    url: URL,
    init: { method: 'GET' | 'POST'; headers: Record<string, string>; body?: Uint8Array },
  ): Promise<{ status: number; text: string }> {
    const what = `log in to ${this.registry}`;
    return await this.#retrying(undefined, async () => {
      const { answer, status, url: from } = await this.#transmit({ ...init, what }, url, init.headers);
      if (isRetryable(status)) throw await this.#failure(what, answer, from);
      const bytes = await this.#document(what, from.host, answer, mostToken, undefined);
      if (bytes !== undefined) return { status, text: bytes.toString() };
      throw new RequestFailure(`${what}: ${from.host} answers more than 1 MiB instead of a token`, {
        code: 'auth',
        next: "look into the token server's log",
      });
    });
  }

  /** The registry's origin if it alone named the URL's host: an upload location, its token server. */
  async #sender(url: URL): Promise<URL | undefined> {
    const origin = await this.origin();
    return url.host === origin.host || this.#isInsecure(url.host) ? undefined : origin;
  }

  async #document(
    what: string,
    host: string,
    answer: HttpResponse,
    limit: number,
    signal: AbortSignal | undefined,
  ) {
    try {
      return await readBody(answer, limit);
    } catch (error) {
      throw this.signal(signal)?.aborted
        ? cancelled(error)
        : networkFailure(what, host, error, registryAdvice);
    }
  }

  async #failure(what: string, answer: HttpResponse, url: URL, call?: Call): Promise<RequestFailure> {
    const { codes, text } = readErrors((await readRefusal(answer)).toString('utf8'));
    const retryAfter = parseRetryAfter(headerOf(answer, 'retry-after'));
    const by = url.origin === (await this.origin()).origin ? undefined : url.host;
    const account = call && (await this.#auth.account(call.access));
    const refused = account && { method: call.method, path: url.pathname, account };
    const detail = { codes, text: this.#auth.mask(text), retryAfter, by, refused };
    return statusFailure(what, this.registry, answer.statusCode, detail);
  }
}
