import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { ModelcarsError } from '../../errors.ts';
import { homeFolder } from '../../files/home.ts';
import { plain } from '../../text/format.ts';
import { askHelper, type HelperOptions } from './credential-helper.ts';
import type { Credential } from './types.ts';

const entrySchema = z.object({
  auth: z.string().optional(),
  username: z.string().optional(),
  password: z.string().optional(),
  identitytoken: z.string().optional(),
  registrytoken: z.string().optional(),
});

/** Docker's config.json and Podman's auth.json: one format (containers-auth.json(5), docker/cli configfile). */
const fileSchema = z.object({
  auths: z.record(z.string(), entrySchema).nullish(),
  credHelpers: z.record(z.string(), z.string()).nullish(),
  credsStore: z.string().nullish(),
});

export interface AuthFile {
  /** Path of the file, or the name of the variable with its content. */
  path: string;
  content: z.infer<typeof fileSchema>;
}

/**
 * Reads all sources of credentials: first DOCKER_AUTH_CONFIG (the content of a config.json, as in GitLab and Docker),
 * then files in Podman's order: Podman's of this login session, Podman's persistent one, Docker's. REGISTRY_AUTH_FILE
 * replaces all files and precedes that variable, because it is set for one job. Missing files are skipped; a broken one
 * is an `auth` error.
 */
export async function readAuthFiles(env: NodeJS.ProcessEnv): Promise<AuthFile[]> {
  const variable = env.DOCKER_AUTH_CONFIG?.trim()
    ? [parseAuth('DOCKER_AUTH_CONFIG', env.DOCKER_AUTH_CONFIG)]
    : [];
  if (env.REGISTRY_AUTH_FILE)
    return [await readAuthFile(env.REGISTRY_AUTH_FILE, true), ...variable].filter((file) => !!file);
  const home = homeFolder(env);
  const runtime = env.XDG_RUNTIME_DIR
    ? join(env.XDG_RUNTIME_DIR, 'containers')
    : `/run/containers/${process.getuid?.() ?? 0}`;
  const paths = [
    join(runtime, 'auth.json'),
    join(env.XDG_CONFIG_HOME || join(home, '.config'), 'containers', 'auth.json'),
    join(env.DOCKER_CONFIG || join(home, '.docker'), 'config.json'),
  ];
  const files = await Promise.all(paths.map((path) => readAuthFile(path, false)));
  return [...variable, ...files].filter((file) => file !== undefined);
}

/**
 * A file's credential for a repository: from the host's helper; if that has none, from the longest key that is the host
 * or a prefix of `host/repository`; otherwise from the file's credential store. `onMissing` is called for a helper that
 * is not installed.
 */
export async function findInFile(
  file: AuthFile,
  registry: string,
  repository: string,
  options: HelperOptions,
): Promise<Credential | undefined> {
  const { auths, credHelpers, credsStore } = file.content;
  const hosts = hostNames(registry);
  const helper = helperFor(credHelpers ?? {}, hosts);
  const helped = helper && (await askHelper(helper, serverName(registry), options));
  if (helped) return from(helped, helperOrigin(helper, file));
  for (const key of keysFor(hosts, repository)) {
    for (const [name, entry] of Object.entries(auths ?? {})) {
      const credential = normalizeKey(name) === key ? readEntry(file.path, name, entry) : undefined;
      if (credential) return from(credential, file.path);
    }
  }
  if (!credsStore || credsStore === helper) return undefined;
  return from(await askHelper(credsStore, serverName(registry), options), helperOrigin(credsStore, file));
}

/** Adds the origin that messages name. */
function from(credential: Credential | undefined, origin: string): Credential | undefined {
  return credential && { ...credential, origin };
}

function helperOrigin(name: string, file: AuthFile): string {
  return `docker-credential-${name}, which ${file.path} names`;
}

/** The helper of the first host that has one; keys may be old URLs, as in `auths`. */
function helperFor(credHelpers: Record<string, string>, hosts: string[]): string | undefined {
  const helpers = Object.entries(credHelpers).filter(([, name]) => name !== '');
  const found = hosts.map((host) => helpers.find(([key]) => normalizeKey(key) === host));
  return found.find((entry) => entry !== undefined)?.[1];
}

/** Docker Hub has four names, and Docker stores its credential under the oldest. */
function hostNames(registry: string): string[] {
  return registry === 'docker.io' ? ['docker.io', 'index.docker.io', 'registry-1.docker.io'] : [registry];
}

function serverName(host: string): string {
  return hostNames('docker.io').includes(host) ? 'https://index.docker.io/v1/' : host;
}

/** Keys to look up: `quay.io/me/iris`, `quay.io/me`, `quay.io`, the longest first. */
function keysFor(hosts: string[], repository: string): string[] {
  const parts = repository.split('/');
  const paths = parts.map((_, index) => `/${parts.slice(0, parts.length - index).join('/')}`);
  return [...paths, ''].flatMap((path) => hosts.map((host) => `${host}${path}`));
}

/** Old `docker login` wrote URLs; of those only the host counts. A key without a scheme may be a namespace. */
function normalizeKey(key: string): string {
  const plain = key.replace(/^https?:\/\//, '');
  return (plain === key ? plain.replace(/\/+$/, '') : plain.replace(/\/.*$/, '')).toLowerCase();
}

function readEntry(path: string, key: string, entry: z.infer<typeof entrySchema>): Credential | undefined {
  if (entry.registrytoken) return { kind: 'bearer', token: entry.registrytoken };
  if (entry.identitytoken) return { kind: 'identity', token: entry.identitytoken };
  if (entry.auth) {
    const decoded = Buffer.from(entry.auth, 'base64').toString('utf8').replace(/\0+$/, '');
    const colon = decoded.indexOf(':');
    if (colon > 0) {
      return { kind: 'basic', username: decoded.slice(0, colon), password: decoded.slice(colon + 1) };
    }
    throw new ModelcarsError(
      'auth',
      `read ${path}: "auth" of ${JSON.stringify(plain(key))} is not the base64 of USER:PASSWORD`,
      {
        next: `log in again: \`podman login ${normalizeKey(key)}\``,
      },
    );
  }
  // Docker leaves empty entries for credentials in its credential store.
  if (!entry.username || !entry.password) return undefined;
  return { kind: 'basic', username: entry.username, password: entry.password };
}

async function readAuthFile(path: string, required: boolean): Promise<AuthFile | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    // An unreadable file (another user's runtime folder, under sudo) counts as missing unless the user named it.
    if (!required) return undefined;
    throw new ModelcarsError('auth', `read ${path}: ${(cause as Error).message}`, {
      cause,
      next: 'correct REGISTRY_AUTH_FILE, or unset it',
    });
  }
  return parseAuth(path, text);
}

/** Parses a configuration. The error includes neither JSON's nor zod's error: they may quote the secrets. */
function parseAuth(path: string, text: string): AuthFile {
  const content = fileSchema.safeParse(parseJson(text || '{}'));
  if (content.success) return { path, content: content.data };
  throw new ModelcarsError('auth', `read ${path}: it is no registry configuration file (JSON with "auths")`, {
    next: 'mend the file, or log in again with `podman login`',
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
