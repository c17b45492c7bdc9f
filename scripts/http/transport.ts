import { BlockList, isIP } from 'node:net';
import type { Readable } from 'node:stream';
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';
import type { Agent, buildConnector, Dispatcher } from 'undici';
import { BulkPool } from './bulk/pool.ts';
import { readCertificates } from './certificates.ts';
import { isPrivateAddress, PrivateTarget, publicLookup } from './private-targets.ts';

/** A response; its receiver reads or dumps the body. */
export type HttpResponse = Dispatcher.ResponseData;

/** One HTTP request, without redirects, credentials or retries. */
export interface HttpRequest {
  method: Dispatcher.HttpMethod;
  headers: Record<string, string>;
  body?: Uint8Array | Readable;
  signal?: AbortSignal | undefined;
  /**
   * The URL that pointed here, by a redirect or a Location, when the user did not name this URL. If it is at a public
   * host, a request to a private address fails with a PrivateTarget before anything is sent. Behind a proxy, which
   * resolves names itself, only literal addresses are checked.
   */
  sender?: URL | undefined;
  /** Milliseconds without progress until the head of the response has arrived. */
  headersTimeout: number;
}

export interface TransportOptions {
  caFile?: string;
  env: NodeJS.ProcessEnv;
}

type Undici = typeof import('undici');

// More than 8: a HEAD must not queue behind eight uploads of an hour each.
const connections = 16;

/**
 * The connections of one client: TLS with the roots of the system and of `caFile`, proxies from the environment
 * (loopback is never proxied). HTTP/1.1 only: each upload has its own connection, so that one broken connection does
 * not break the others.
 */
export class Transport {
  readonly #options: TransportOptions;
  readonly #dispatchers = new Map<string, Dispatcher>();
  readonly #bulkPool = new BulkPool(() => this.#context());
  /** By the host that points there. */
  readonly #publicPools = new Map<string, BulkPool>();
  readonly #certificates: readonly string[];
  /** Hosts connected to, and whether all their addresses so far are private. */
  readonly #private = new Map<string, boolean>();
  #secureContext: SecureContext | undefined;

  /** Fails with code `usage` when `caFile` is not a file of certificates. */
  constructor(options: TransportOptions) {
    this.#certificates = options.caFile === undefined ? [] : readCertificates(options.caFile);
    // process.env queries the system on each access, and each range of a file accesses six names.
    this.#options = { ...options, env: { ...options.env } };
  }

  async send(url: URL, request: HttpRequest): Promise<HttpResponse> {
    const { signal, body, sender, ...rest } = request;
    // Loaded with the first request: many commands send none.
    const undici = await import('undici');
    return await this.#dispatcher(undici, url, this.#wary(url, sender)).request({
      ...rest,
      origin: url.origin,
      path: `${url.pathname}${url.search}`,
      body: body ?? null,
      bodyTimeout: 60_000,
      signal: signal ?? null,
    });
  }

  /**
   * Connections for large bodies; undefined behind a proxy, or when the host sends bodies in a form that they cannot
   * read. `sender` as in `send`.
   */
  bulkPool(url: URL, sender?: URL): BulkPool | undefined {
    if (this.#proxyFor(url) !== undefined) return undefined;
    const pool = this.#poolFor(this.#wary(url, sender));
    return pool.fits(url) ? pool : undefined;
  }

  async close(): Promise<void> {
    for (const pool of [this.#bulkPool, ...this.#publicPools.values()]) pool.close();
    await Promise.all([...this.#dispatchers.values()].map((dispatcher) => dispatcher.destroy()));
    this.#dispatchers.clear();
  }

  /**
   * The host of `sender` if it is public, so that only public addresses are allowed; throws a PrivateTarget when the
   * URL has a private one.
   */
  #wary(url: URL, sender: URL | undefined): string | undefined {
    if (sender === undefined || sender.host === url.host || this.#isPrivate(sender)) return undefined;
    if (isPrivateAddress(url.hostname)) throw new PrivateTarget(sender.host, url.hostname);
    return sender.host;
  }

  #isPrivate({ hostname }: URL): boolean {
    return isPrivateAddress(hostname) || this.#private.get(hostname) === true;
  }

  #poolFor(sender: string | undefined): BulkPool {
    if (sender === undefined) return this.#bulkPool;
    const pool = this.#publicPools.get(sender) ?? new BulkPool(() => this.#context(), publicLookup(sender));
    this.#publicPools.set(sender, pool);
    return pool;
  }

  /** The proxy that may apply to a URL; undici decides whether NO_PROXY names its host. */
  #proxyFor(url: URL): { proxy: string; noProxy: string } | undefined {
    const { env } = this.#options;
    const secure = url.protocol === 'https:';
    const proxy = secure ? (env.https_proxy ?? env.HTTPS_PROXY) : (env.http_proxy ?? env.HTTP_PROXY);
    const noProxy = env.no_proxy ?? env.NO_PROXY ?? '';
    return !proxy || isLoopback(url.hostname) || inRange(url.hostname, noProxy)
      ? undefined
      : { proxy, noProxy };
  }

  #dispatcher(undici: Undici, url: URL, sender: string | undefined): Dispatcher {
    const proxied = this.#proxyFor(url);
    const secure = url.protocol === 'https:';
    const key = `${proxied ? 'proxy' : 'direct'} ${url.protocol} ${sender ?? ''}`;
    const known = this.#dispatchers.get(key);
    if (known) return known;
    const tls = secure ? { secureContext: this.#context() } : {};
    const options: Agent.Options = {
      connections,
      allowH2: false,
      connectTimeout: 30_000,
      keepAliveTimeout: 10_000,
      connect: this.#connector(undici, {
        ...tls,
        ...(sender !== undefined && { lookup: publicLookup(sender) }),
      }),
    };
    const made = proxied
      ? new undici.EnvHttpProxyAgent({
          ...options,
          requestTls: tls,
          proxyTls: tls,
          httpProxy: proxied.proxy,
          httpsProxy: proxied.proxy,
          noProxy: proxied.noProxy,
        })
      : new undici.Agent(options);
    this.#dispatchers.set(key, made);
    return made;
  }

  /** Connects, and remembers whether a host has a private address: such a host may point to another one. */
  #connector(undici: Undici, options: buildConnector.BuildOptions): buildConnector.connector {
    const connect = undici.buildConnector({ allowH2: false, timeout: 30_000, ...options });
    return (to, callback) =>
      connect(to, (...result) => {
        const address = result[1]?.remoteAddress;
        if (address !== undefined) {
          const before = this.#private.get(to.hostname) ?? true;
          this.#private.set(to.hostname, before && isPrivateAddress(address));
        }
        callback(...result);
      });
  }

  /** Created once: loading about 500 roots per connection would cost more than the handshake. */
  #context(): SecureContext {
    if (this.#secureContext) return this.#secureContext;
    // `default` includes NODE_EXTRA_CA_CERTS, `system` honours SSL_CERT_FILE and SSL_CERT_DIR.
    const ca = new Set([...getCACertificates('default'), ...getCACertificates('system')]);
    this.#secureContext = createSecureContext({ ca: [...ca, ...this.#certificates] });
    return this.#secureContext;
  }
}

/** Whether a URL's host name is this machine: `localhost`, `*.localhost`, 127.0.0.0/8 or ::1. */
export function isLoopback(hostname: string): boolean {
  return /^(?:(?:.+\.)?localhost\.?|127(?:\.\d+){3}|\[::1\])$/.test(hostname);
}

/**
 * Whether NO_PROXY has an address range (OpenShift sets `10.128.0.0/14`) with this host; undici does not support
 * ranges.
 */
function inRange(hostname: string, noProxy: string): boolean {
  const address = hostname.replace(/^\[|\]$/g, '');
  const family = isIP(address);
  if (family === 0) return false;
  const list = new BlockList();
  for (const entry of noProxy.split(/[,\s]+/)) {
    const [network = '', prefix = ''] = entry.split('/');
    const bits = Number(prefix);
    const version = isIP(network);
    if (version === 0 || !/^\d{1,3}$/.test(prefix) || bits > (version === 4 ? 32 : 128)) continue;
    list.addSubnet(network, bits, version === 4 ? 'ipv4' : 'ipv6');
  }
  return list.check(address, family === 4 ? 'ipv4' : 'ipv6');
}
