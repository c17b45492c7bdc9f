/** What proves who we are. Never part of an error or a log line, but for its origin. */
export type Credential = {
  /** Where it comes from, for messages: "MODELCARS_REGISTRY_TOKEN", the path of a file, the name of a helper. */
  origin?: string;
} & (
  | { kind: 'basic'; username: string; password: string }
  /** An OAuth2 refresh token, exchanged at the registry's token server (`identitytoken`; Azure's helpers). */
  | { kind: 'identity'; token: string }
  /** Sent to the registry as it is (`registrytoken`). */
  | { kind: 'bearer'; token: string }
);

/** What a request wants to do in a repository. */
export type Action = 'pull' | 'push';

/** Where credentials come from. */
export interface Credentials {
  /** The credential for a repository of a registry (`quay.io`, `me/iris`); undefined is: go on without. */
  find(registry: string, repository: string, action: Action): Promise<Credential | undefined>;
  /** Why there is none for a registry though the user asked for one: a helper that is not installed. Ends "verb object: cause; …". */
  missing?(registry: string): string | undefined;
}
