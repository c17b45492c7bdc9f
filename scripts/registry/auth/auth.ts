import { ModelcarsError } from '../../errors.ts';
import { learnSecret, Masker } from '../../text/mask.ts';
import type { Account } from '../refusal.ts';
import { type Challenge, parseChallenges } from './challenge.ts';
import { fetchToken, type Token, type TokenRequest } from './token.ts';
import { type Action, type Credential, type Credentials, isOver } from './types.ts';

/**
 * The access that a request needs: an action in a repository, and perhaps reading another one (cross-repository mount).
 */
export interface Access {
  repository: string;
  action: Action;
  from?: string;
}

export interface AuthOptions {
  /** As in references: `quay.io`. */
  registry: string;
  credentials: Credentials;
  /** Sends a request to the realm's server, after `checkRealm` has accepted it. */
  request: TokenRequest['request'];
  /** Whether a realm is allowed: https, or plain http where the registry itself uses it. */
  checkRealm(realm: URL): boolean;
}

/**
 * Authentication at one registry, learnt from its first 401 (distribution's "Token authentication specification"; RFC
 * 7617 for Basic). Tokens are kept per scope until they expire; concurrent requests that need one share one token
 * request.
 */
export class Auth {
  readonly #options: AuthOptions;
  readonly #credentials = new Map<string, Promise<Credential | undefined>>();
  readonly #tokens = new Map<string, Promise<Token>>();
  readonly #extraScopes = new Map<string, Set<string>>();
  readonly #masker = new Masker();
  #challenge: Challenge | undefined;

  constructor(options: AuthOptions) {
    this.#options = options;
  }

  /** The Authorization header for a request; undefined while the registry has not asked for one. */
  async header(access: Access): Promise<string | undefined> {
    const challenge = this.#challenge;
    if (challenge === undefined) return undefined;
    const credential = await this.#credential(access);
    if (challenge.scheme === 'basic')
      return credential?.kind === 'basic' ? this.#basic(credential) : undefined;
    if (credential?.kind === 'bearer') return `Bearer ${this.#secret(credential.token)}`;
    const scopes = this.#scopes(access);
    const key = scopes.join(' ');
    const known = this.#tokens.get(key);
    if (known && (await known).expires < performance.now()) this.#forget(key, known);
    const token = this.#tokens.get(key) ?? this.#fetch(challenge, scopes, credential);
    this.#tokens.set(key, token);
    token.catch(() => this.#forget(key, token));
    return `Bearer ${(await token).text}`;
  }

  /**
   * Learns from a 401: the scheme, an additional scope that the registry requires, or that the token `used` is no
   * longer valid. False when there is nothing new to try.
   */
  async learn(
    access: Access,
    used: string | undefined,
    header: string | string[] | undefined,
  ): Promise<boolean> {
    const challenges = parseChallenges(header);
    const bearer = challenges.find((one) => one.scheme === 'bearer' && one.parameters.realm);
    const challenge = bearer ?? challenges.find((one) => one.scheme === 'basic');
    if (challenge === undefined) return false;
    this.#challenge = challenge;
    if (challenge.scheme === 'basic') {
      return used === undefined && (await this.#credential(access))?.kind === 'basic';
    }
    const before = this.#scopes(access).join(' ');
    for (const scope of challenge.parameters.scope?.split(' ') ?? []) this.#addScope(access, scope);
    const known = this.#tokens.get(before);
    const token = await known?.catch(() => undefined);
    // Another request may have renewed it meanwhile: only the refused token is dropped.
    if (known && token && `Bearer ${token.text}` === used) this.#forget(before, known);
    return used === undefined || (await this.#credential(access))?.kind !== 'bearer';
  }

  /** The account that a request was sent with, for the message when the registry refuses it. Never fails. */
  async account(access: Access): Promise<Account> {
    if (this.#challenge === undefined) return { kind: 'none' };
    const credential = await this.#credential(access).catch(() => undefined);
    if (credential === undefined) return { kind: 'none' };
    const proven = this.#challenge.scheme === 'bearer' && credential.kind !== 'bearer';
    return { kind: proven ? 'proven' : 'unproven', origin: credential.origin };
  }

  /** Whether the registry has asked for a login. */
  get challenged(): boolean {
    return this.#challenge !== undefined;
  }

  /** Masks every secret this client has used. */
  mask(text: string): string {
    return this.#masker.mask(text);
  }

  #forget(key: string, token: Promise<Token>): void {
    if (this.#tokens.get(key) === token) this.#tokens.delete(key);
  }

  /** The scopes of a request, sorted, as sent to the token server. Push includes pull: clients ask for both. */
  #scopes(access: Access): string[] {
    const own = ownScope(access);
    const from = access.from === undefined ? [] : [`repository:${access.from}:pull`];
    return [own, ...from, ...(this.#extraScopes.get(own) ?? [])].sort();
  }

  /** Adds a scope that the registry requires, as a mirror with other internal names does. */
  #addScope(access: Access, scope: string): void {
    const names = [access.repository, access.from];
    if (scope.length > 512 || names.some((name) => scope.startsWith(`repository:${name}:`))) return;
    const own = ownScope(access);
    const extra = this.#extraScopes.get(own) ?? new Set();
    if (extra.size < 4) this.#extraScopes.set(own, extra.add(scope));
  }

  async #fetch(challenge: Challenge, scopes: string[], credential: Credential | undefined): Promise<Token> {
    const { registry, request, checkRealm } = this.#options;
    const text = challenge.parameters.realm ?? '';
    const realm = URL.canParse(text) ? new URL(text) : undefined;
    if (!realm || !/^https?:$/.test(realm.protocol) || !checkRealm(realm)) {
      throw new ModelcarsError(
        'auth',
        `log in to ${registry}: its token server ${realm?.origin ?? 'has no URL and'} is not https`,
        {
          next: 'if that is wanted, pass `--insecure` with the host of the registry',
        },
      );
    }
    realm.username = '';
    realm.password = '';
    const service = challenge.parameters.service;
    const token = await fetchToken({ registry, realm, service, scopes, credential, request });
    this.#secret(token.text);
    return token;
  }

  async #credential({ repository, action }: Access): Promise<Credential | undefined> {
    const key = `${action} ${repository}`;
    let found = this.#credentials.get(key);
    if (!found || isOver(await found)) {
      found = this.#options.credentials.find(this.#options.registry, repository, action);
      this.#credentials.set(key, found);
      found.then(
        (credential) => {
          if (credential) this.#secret(credential.kind === 'basic' ? credential.password : credential.token);
        },
        () => {},
      );
    }
    return found;
  }

  #basic({ username, password }: { username: string; password: string }): string {
    return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  }

  #secret(text: string): string {
    this.#masker.add(text, 4);
    learnSecret(text);
    return text;
  }
}

function ownScope({ repository, action }: Access): string {
  return `repository:${repository}:${action === 'push' ? 'pull,push' : 'pull'}`;
}
