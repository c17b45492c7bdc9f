import { ModelcarsError } from '../../errors.ts';
import { type EcrLogin, ecrLogin } from '../ecr/login.ts';
import { type AuthFile, findInFile, readAuthFiles } from './auth-file.ts';
import type { Credential, Credentials } from './types.ts';

/** One credential for one registry (its host as in references), and none for any other. */
export function credentialsFor(registry: string, credential: Credential): Credentials {
  return { find: async (host) => (host === registry ? credential : undefined) };
}

/**
 * The user's credentials: MODELCARS_REGISTRY_USERNAME with _PASSWORD, or _TOKEN (a bearer token), then the files and
 * helpers of Docker and Podman (see readAuthFiles), read once, then, for Amazon ECR, a login with AWS credentials. The
 * variables are for the registry in MODELCARS_REGISTRY_HOST; without it, for registries that are pushed to and those in
 * `own` (the catalog's, whose images are verified and inspected), so that the registry of a base image never gets them.
 */
export function defaultCredentials(
  env: NodeJS.ProcessEnv = process.env,
  own: readonly string[] = [],
  signal?: AbortSignal,
  amazon: EcrLogin = ecrLogin(signal),
): Credentials {
  let files: Promise<AuthFile[]> | undefined;
  const missing = new Map<string, string>();
  return {
    missing: (registry) => missing.get(registry),
    async find(registry, repository, action) {
      const fromEnv = readEnv(env, registry, action === 'push' || own.includes(registry));
      if (fromEnv) return fromEnv;
      files ??= readAuthFiles(env);
      for (const file of await files) {
        const credential = await findInFile(file, registry, repository, {
          env,
          signal,
          onMissing: (program) =>
            missing.set(registry, `${program}, which ${file.path} names for it, is not installed`),
        });
        if (credential) return credential;
      }
      return await amazon(registry, action);
    },
  };
}

const passwordVariables = 'MODELCARS_REGISTRY_USERNAME and MODELCARS_REGISTRY_PASSWORD';

function readEnv(env: NodeJS.ProcessEnv, registry: string, isOwn: boolean): Credential | undefined {
  const host = env.MODELCARS_REGISTRY_HOST?.trim().toLowerCase();
  if (host ? host !== registry : !isOwn) return undefined;
  const { MODELCARS_REGISTRY_USERNAME: username, MODELCARS_REGISTRY_PASSWORD: password } = env;
  if (username && password) return { kind: 'basic', username, password, origin: passwordVariables };
  if (username || password) {
    const missing = username ? 'MODELCARS_REGISTRY_PASSWORD' : 'MODELCARS_REGISTRY_USERNAME';
    throw new ModelcarsError('auth', `log in to ${registry}: ${missing} is not set`, {
      next: 'set both MODELCARS_REGISTRY_USERNAME and MODELCARS_REGISTRY_PASSWORD, or neither',
    });
  }
  const token = env.MODELCARS_REGISTRY_TOKEN;
  return token ? { kind: 'bearer', token, origin: 'MODELCARS_REGISTRY_TOKEN' } : undefined;
}
