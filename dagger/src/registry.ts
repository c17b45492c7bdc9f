import type { Container, File, Secret, Service } from '@dagger.io/dagger';
import { flags } from './program.ts';

/** How sources, base images and registries are reached. Secrets go in as secrets only. */
export interface Access {
  hfToken?: Secret;
  awsAccessKeyId?: Secret;
  awsSecretAccessKey?: Secret;
  awsSessionToken?: Secret;
  awsRegion?: string;
  s3Endpoint?: string;
  dockerConfig?: Secret;
  caFile?: File;
  plainHttp?: string[];
}

/** What a push may need besides. */
export interface RegistryAccess {
  registry?: string;
  username?: string;
  password?: Secret;
  service?: Service;
  insecure?: string[];
}

const dockerConfigPath = '/run/secrets/registry/config.json';
const caPath = '/run/ca/ca.pem';

/** With credentials as secret variables and files; no value of one is part of a cache key, a layer or a log. */
export function withAccess(container: Container, access: Access): Container {
  const secrets: [string, Secret | undefined][] = [
    ['HF_TOKEN', access.hfToken],
    ['AWS_ACCESS_KEY_ID', access.awsAccessKeyId],
    ['AWS_SECRET_ACCESS_KEY', access.awsSecretAccessKey],
    ['AWS_SESSION_TOKEN', access.awsSessionToken],
  ];
  const words: [string, string | undefined][] = [
    ['AWS_REGION', access.awsRegion],
    ['S3_ENDPOINT_URL', access.s3Endpoint],
  ];
  let ready = container;
  for (const [name, secret] of secrets) if (secret) ready = ready.withSecretVariable(name, secret);
  for (const [name, word] of words) if (word) ready = ready.withEnvVariable(name, word);
  if (access.dockerConfig) {
    ready = ready
      .withMountedSecret(dockerConfigPath, access.dockerConfig)
      .withEnvVariable('REGISTRY_AUTH_FILE', dockerConfigPath);
  }
  return access.caFile ? ready.withMountedFile(caPath, access.caFile) : ready;
}

/** The flags that go with it. */
export function accessFlags({ caFile, plainHttp }: Access): string[] {
  return flags({ 'ca-file': caFile && caPath, insecure: plainHttp });
}

/** With the registry's own credentials and, when it is a service, a way to it under its name. */
export function withRegistry(container: Container, access: RegistryAccess): Container {
  const { username, password, service, registry } = access;
  if ((username === undefined || username === '') !== (password === undefined))
    throw new Error('--username and --password go together\nnext: give both, or --docker-config');
  let ready = container;
  if (username && password) {
    ready = ready
      .withEnvVariable('MODELCARS_REGISTRY_USERNAME', username)
      .withSecretVariable('MODELCARS_REGISTRY_PASSWORD', password);
  }
  return service ? ready.withServiceBinding(serviceName(registry), service) : ready;
}

/** A service of Dagger speaks plain http by default. */
export function registryFlags({ registry, service, insecure = [] }: RegistryAccess): string[] {
  const own = service && registry ? [registry.split('/')[0] ?? ''] : [];
  return flags({ registry, insecure: [...insecure, ...own] });
}

/** The host that `--registry` names: what the service is called in the container. */
function serviceName(registry: string | undefined): string {
  const host = registry?.split('/')[0]?.replace(/:\d+$/, '') ?? '';
  const isName = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(host);
  if (isName && host !== 'localhost' && !/^[\d.]+$/.test(host)) return host;
  throw new Error(
    `--registry-service needs a registry with a name, got ${JSON.stringify(host)}\n` +
      'next: pass --registry registry:5000/me, with the port of the service: within the container it is called so',
  );
}
