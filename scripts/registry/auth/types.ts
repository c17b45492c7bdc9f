/** A credential for a registry. Never part of an error or a log line, except its origin. */
export type Credential = {
  /** Where it comes from, for messages: "MODELCARS_REGISTRY_TOKEN", the path of a file, the name of a helper. */
  origin?: string;
  /** A time of performance.now(), after which it has to be found again. */
  expires?: number;
} & (
  | { kind: 'basic'; username: string; password: string }
  /** An OAuth2 refresh token, exchanged at the registry's token server (`identitytoken`; Azure's helpers). */
  | { kind: 'identity'; token: string }
  /** Sent to the registry unchanged (`registrytoken`). */
  | { kind: 'bearer'; token: string }
);

/** Whether a credential has to be found again. */
export function isOver(credential: Credential | undefined): boolean {
  return credential?.expires !== undefined && credential.expires <= performance.now();
}

/** The action of a request in a repository. */
export type Action = 'pull' | 'push';

/** A source of credentials. */
export interface Credentials {
  /** The credential for a repository of a registry (`quay.io`, `me/iris`); undefined: continue without. */
  find(registry: string, repository: string, action: Action): Promise<Credential | undefined>;
  /**
   * Why a registry has none although the user configured one: a helper that is not installed. Ends "verb object: cause;
   * …".
   */
  missing?(registry: string): string | undefined;
}
