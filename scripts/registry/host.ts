import type { Readable } from 'node:stream';
import { type Access, Auth } from './auth.ts';
import { discard, headerOf, readBody, readErrors } from './body.ts';
import type { Credentials } from './credentials.ts';
import {
  isCertificateError,
  isRetryable,
  isUnreachable,
  networkFailure,
  RequestFailure,
  statusFailure,
} from './failure.ts';
import { backoff, cancelled, parseRetryAfter, type RetryOptions, sleep } from './retry.ts';
import { type Answer, isLoopback, type Transport } from './transport.ts';

/** One exchange with a registry. */
export interface Call {
  /** "push blob sha256:… to quay.io/me/iris": how an error begins. */
  what: string;
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** A path below the registry (`/v2/me/iris/…`), or an upload location as `Host.locate` gives it. */
  target: string | URL;
  access: Access;
  /** Statuses to return; any other is thrown as a RequestFailure. */
  expect: number[];
  headers?: Record<string, string>;
  body?: Uint8Array;
  /** A body that can be sent once: no retries, and after a 401 the next call has a new token. */
  stream?: () => Readable;
  /** One try only. */
  once?: boolean;
  signal?: AbortSignal | undefined;
  /** Milliseconds until the answer's head; 60 s unless told. */
  headersTimeout?: number;
}

export interface HostOptions {
  registry: string;
  transport: Transport;
  credentials: Credentials;
  /** Hosts to speak plain http to, with or without port. */
  insecure: string[];
  retry: RetryOptions;
  onRetry: (message: string) => void;
  signal: AbortSignal | undefined;
}

const redirects = 5;

/** One registry: its origin, its authentication, and requests with retries and redirects. */
export class Host {
  readonly registry: string;
  readonly retry: RetryOptions;
  readonly #options: HostOptions;
  readonly #auth: Auth;
  #origin: Promise<URL> | undefined;
  #answered = false;

  constructor(options: HostOptions) {
    this.#options = options;
    this.registry = options.registry;
    this.retry = options.retry;
    this.#auth = new Auth({
      registry: options.registry,
      credentials: options.credentials,
      checkRealm: (realm) =>
        realm.protocol === 'https:' || this.#mayBePlain(realm) || this.#isInsecure(this.#apiHost()),
      request: async (url, init) => {
        const what = `log in to ${options.registry}`;
        const answer = await this.#retrying({ what, signal: undefined }, async () => {
          const got = await this.#transmit(url, { ...init, what, headersTimeout: 60_000 }, undefined);
          if (!isRetryable(got.status)) return got;
          throw await this.#failure(what, got.answer, url);
        });
        return {
          status: answer.status,
          text: (await readBody(answer.answer, 1024 * 1024))?.toString() ?? '',
        };
      },
    });
  }

  /** Sends a call, with retries unless its body can be sent only once. */
  async send(call: Call): Promise<Answer> {
    if (call.stream || call.once) return await this.#once(call);
    return await this.#retrying(call, () => this.#once(call));
  }

  /** Sends a call nobody depends on, even after a cancellation: 2 s, one try, no errors. */
  async cleanUp(call: Call): Promise<void> {
    try {
      const origin = await this.origin();
      const target = typeof call.target === 'string' ? new URL(call.target, origin) : call.target;
      const used = target.origin === origin.origin ? await this.#auth.header(call.access) : undefined;
      const signal = AbortSignal.timeout(2000);
      const headers = { 'user-agent': 'modelcars', ...(used === undefined ? {} : { authorization: used }) };
      await discard(
        await this.#options.transport.send(target, {
          method: call.method,
          headers,
          signal,
          headersTimeout: 2000,
        }),
      );
    } catch {
      // The registry tidies up by itself in time.
    }
  }

  /** Waits before another try and says why; for those who cannot leave the retries to `send`. */
  async pause(attempt: number, failure: RequestFailure, signal: AbortSignal | undefined): Promise<void> {
    const delay = backoff(attempt, this.retry, failure.retryAfter);
    this.#options.onRetry(`${failure.message}; try ${attempt + 1} in ${Math.ceil(delay / 1000)} s`);
    await sleep(delay, this.signal(signal));
  }

  /** The client's signal and a call's, as one. */
  signal(signal: AbortSignal | undefined): AbortSignal | undefined {
    const signals = [this.#options.signal, signal].filter((one) => one !== undefined);
    return signals.length > 1 ? AbortSignal.any(signals) : signals[0];
  }

  /**
   * The URL of a Location header, which may be relative. One that names this registry's host without TLS, as a
   * registry behind a proxy may, gets this registry's origin; one elsewhere must be https or allowed plain http.
   */
  async locate(location: string | undefined, base: URL | undefined, what: string): Promise<URL> {
    const origin = await this.origin();
    const text = location ?? '';
    const url =
      text !== '' && URL.canParse(text, (base ?? origin).href) ? new URL(text, base ?? origin) : undefined;
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

  /** Where the registry's API is. Plain http for `insecure` hosts, and for loopback hosts that answer no TLS. */
  async origin(): Promise<URL> {
    this.#origin ??= this.#findOrigin();
    return await this.#origin;
  }

  async #findOrigin(): Promise<URL> {
    const host = this.#apiHost();
    const secure = new URL(`https://${host}`);
    if (this.#isInsecure(host)) return new URL(`http://${host}`);
    if (!isLoopback(secure.hostname)) return secure;
    try {
      // Nobody sits between us and a loopback host, so asking is safe, and saves an option either way.
      const request = {
        method: 'GET',
        headers: {},
        headersTimeout: 5000,
        signal: this.#options.signal,
      } as const;
      await discard(await this.#options.transport.send(new URL('/v2/', secure), request));
      return secure;
    } catch (error) {
      return isCertificateError(error) ? secure : new URL(`http://${host}`);
    }
  }

  #apiHost(): string {
    return this.registry === 'docker.io' ? 'registry-1.docker.io' : this.registry;
  }

  #isInsecure(host: string): boolean {
    return this.#options.insecure.some((one) => one === host || one === host.replace(/:\d+$/, ''));
  }

  /** Hosts the user named, and this machine's as long as the registry is here too. */
  #mayBePlain(url: URL): boolean {
    const local = isLoopback(url.hostname) && isLoopback(new URL(`https://${this.registry}`).hostname);
    return local || this.#isInsecure(url.host);
  }

  async #retrying<T>(
    call: { what: string; signal?: AbortSignal | undefined },
    task: () => Promise<T>,
  ): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await task();
      } catch (error) {
        if (!(error instanceof RequestFailure) || !error.retryable) throw error;
        // A host that never answered is more likely a typing error than one that restarts.
        const tries =
          isUnreachable(error) && !this.#answered ? Math.min(2, this.retry.tries) : this.retry.tries;
        if (attempt >= tries) throw error;
        await this.pause(attempt, error, call.signal);
      }
    }
  }

  async #once(call: Call): Promise<Answer> {
    const origin = await this.origin();
    const target = typeof call.target === 'string' ? new URL(call.target, origin) : call.target;
    const ours = target.origin === origin.origin;
    for (let attempt = 1; ; attempt++) {
      const used = ours ? await this.#auth.header(call.access) : undefined;
      const { answer, status, url } = await this.#transmit(target, call, used);
      if (call.expect.includes(status)) return answer;
      const refused = ours && status === 401 && url.origin === origin.origin;
      if (refused && (await this.#auth.learn(call.access, used, answer.headers['www-authenticate']))) {
        const again = used === undefined || attempt === 1;
        if (again && !call.stream) {
          await discard(answer);
          continue;
        }
        if (call.stream) {
          await discard(answer);
          throw new RequestFailure(`${call.what}: ${this.registry} wants a new token`, {
            code: 'auth',
            status,
            retryable: true,
            retryAfter: 0,
          });
        }
      }
      throw await this.#failure(call.what, answer, url);
    }
  }

  /** Sends one request and follows its redirects; Authorization goes to the first host only. */
  async #transmit(
    start: URL,
    call: Pick<Call, 'what' | 'method' | 'headers' | 'body' | 'stream' | 'signal' | 'headersTimeout'>,
    authorization: string | undefined,
  ): Promise<{ answer: Answer; status: number; url: URL }> {
    let url = start;
    const signal = this.signal(call.signal);
    for (let hops = 0; ; hops++) {
      const headers: Record<string, string> = { 'user-agent': 'modelcars', ...call.headers };
      if (authorization !== undefined && url.origin === start.origin) headers.authorization = authorization;
      if (url.origin !== start.origin) delete headers.authorization;
      let answer: Answer;
      try {
        const body = call.stream?.() ?? call.body;
        answer = await this.#options.transport.send(url, {
          method: call.method,
          headers,
          signal,
          headersTimeout: call.headersTimeout ?? 60_000,
          ...(body === undefined ? {} : { body }),
        });
      } catch (error) {
        if (signal?.aborted) throw cancelled(error);
        throw networkFailure(call.what, url.host, error);
      }
      this.#answered = true;
      const status = answer.statusCode;
      const location = [301, 302, 303, 307, 308].includes(status) ? headerOf(answer, 'location') : undefined;
      const follows = call.method === 'GET' || call.method === 'HEAD' || (status >= 307 && !call.stream);
      if (location === undefined || !follows) return { answer, status, url };
      await discard(answer);
      url = this.#redirect(call.what, url, location, hops);
    }
  }

  #redirect(what: string, from: URL, location: string, hops: number): URL {
    const to = URL.canParse(location, from.href) ? new URL(location, from) : undefined;
    const safe =
      to &&
      (to.protocol === 'https:' ||
        (to.protocol === 'http:' && (from.protocol === 'http:' || this.#mayBePlain(to))));
    if (safe && hops < redirects) return to;
    const why = safe
      ? `redirects more than ${redirects} times`
      : `redirects to ${to?.origin ?? 'no URL'}, which is not https`;
    throw new RequestFailure(`${what}: ${from.host} ${why}`, { code: 'registry' });
  }

  async #failure(what: string, answer: Answer, url: URL): Promise<RequestFailure> {
    const body = await readBody(answer, 64 * 1024).catch(() => undefined);
    const { codes, text } = readErrors(body?.toString('utf8') ?? '');
    const retryAfter = parseRetryAfter(answer.headers['retry-after']);
    const by = url.origin === (await this.origin()).origin ? undefined : url.host;
    const detail = { codes, text: this.#auth.mask(text), retryAfter, by };
    return statusFailure(what, this.registry, answer.statusCode, detail);
  }
}
