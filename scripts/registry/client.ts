import { defaultRetry, type RetryOptions } from '../http/retry.ts';
import { Transport } from '../http/transport.ts';
import { defaultCredentials } from './auth/credentials.ts';
import type { Action, Credentials } from './auth/types.ts';
import { parseReference, type Reference } from './reference.ts';
import type { Account } from './refusal.ts';
import { RegistryHttp } from './registry-http.ts';
import { Repository } from './repository.ts';
import { MountCandidates } from './transfer/mount-candidates.ts';

export interface RegistryOptions {
  /**
   * Hosts with plain http, with port (`registry.lan:5000`) or without (any port). Loopback hosts need not be listed:
   * they are probed for TLS. A public registry may point to these hosts even at a private address.
   */
  insecure?: string[];
  /** A PEM file of authorities to trust in addition to those of the system (and NODE_EXTRA_CA_CERTS, SSL_CERT_FILE). */
  caFile?: string;
  /** `defaultCredentials(env, own)` by default: environment, files and helpers of Docker and Podman. */
  credentials?: Credentials;
  /** Hosts of the user's own registries: they get credentials from the environment for pulls too. */
  own?: string[];
  /** Called before each retry with one line for the log. */
  onRetry?(message: string): void;
  /** Ends all requests of this client. */
  signal?: AbortSignal;
  /** Seven tries, 1 s before the second, by default. */
  retry?: Partial<RetryOptions>;
  /** The environment for proxies and credentials; process.env by default. */
  env?: NodeJS.ProcessEnv;
}

/** A client for registries: keeps their connections, tokens and known contents. Close it when done. */
export class RegistryClient implements AsyncDisposable {
  readonly #options: RegistryOptions;
  readonly #transport: Transport;
  readonly #credentials: Credentials;
  readonly #hosts = new Map<string, { host: RegistryHttp; holdings: MountCandidates }>();
  readonly #repositories = new Map<string, Repository>();

  constructor(options: RegistryOptions = {}) {
    const env = options.env ?? process.env;
    this.#options = options;
    this.#credentials = options.credentials ?? defaultCredentials(env, options.own, options.signal);
    this.#transport = new Transport({
      env,
      ...(options.caFile === undefined ? {} : { caFile: options.caFile }),
    });
  }

  /**
   * The repository of a reference; its tag and digest are ignored. `push` requests the right to push from the start, as
   * `has`, `write` and `tag` do anyway; pass it to resolve or list tags before pushing.
   */
  repository(reference: string | Reference, options: { push?: boolean } = {}): Repository {
    const parsed = typeof reference === 'string' ? parseReference(reference) : reference;
    const name = `${parsed.registry}/${parsed.repository}`;
    let repository = this.#repositories.get(name);
    if (!repository) {
      const { host, holdings } = this.#host(parsed.registry);
      repository = new Repository(host, parsed, holdings, 'pull');
      this.#repositories.set(name, repository);
    }
    if (options.push) repository.willPush();
    return repository;
  }

  /** Logs in for a reference's repository, and changes nothing; see RegistryHttp.logIn. */
  async logIn(
    { registry, repository }: Reference,
    action: Action,
  ): Promise<{ account: Account; challenged: boolean }> {
    return await this.#host(registry).host.logIn({ repository, action });
  }

  /** Closes all connections; pending requests fail. */
  async close(): Promise<void> {
    await this.#transport.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #host(registry: string): { host: RegistryHttp; holdings: MountCandidates } {
    const known = this.#hosts.get(registry);
    if (known) return known;
    const host = new RegistryHttp({
      registry,
      transport: this.#transport,
      credentials: this.#credentials,
      insecure: (this.#options.insecure ?? []).map((one) => one.toLowerCase()),
      retry: { ...defaultRetry, ...this.#options.retry },
      onRetry: (message) => this.#options.onRetry?.(message),
      signal: this.#options.signal,
    });
    const made = { host, holdings: new MountCandidates() };
    this.#hosts.set(registry, made);
    return made;
  }
}
