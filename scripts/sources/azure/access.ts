import type { ContainerClient, StoragePipelineOptions } from '@azure/storage-blob';
import { ModelcarsError } from '../../errors.ts';
import { isLoopback } from '../../http/transport.ts';
import { plain } from '../../text/format.ts';
import { learnSecret } from '../../text/mask.ts';
import type { AzureLocation } from './uri.ts';

/** A client of a container, and the account that it uses, for messages: `the key in AZURE_STORAGE_KEY`. */
export interface AzureAccess {
  client: ContainerClient;
  host: string;
  /** Undefined without any. */
  credential: string | undefined;
}

/** The names that the Azure CLI and KServe's storage initializer read. */
const keyVariables = ['AZURE_STORAGE_KEY', 'AZURE_STORAGE_ACCESS_KEY'];
const sasVariables = ['AZURE_STORAGE_SAS_TOKEN', 'AZURE_SAS_TOKEN'];
const scope = 'https://storage.azure.com/.default';
const pipeline: StoragePipelineOptions = {
  // parallelRanges tries again, too.
  retryOptions: { maxTries: 4, retryDelayInMs: 500, maxRetryDelayInMs: 8000 },
  userAgentOptions: { userAgentPrefix: 'modelcars' },
};

/**
 * Opens a container with the first of these that there is: a SAS or a key in the environment, if AZURE_STORAGE_ACCOUNT is
 * this account or not set; what DefaultAzureCredential finds (a service principal in AZURE_…, workload identity, a managed
 * identity, `az login`); nothing, as for public containers. Fails with code `auth` when credentials cannot be used, and with
 * `usage` when a variable is wrong.
 */
export async function openContainer(location: AzureLocation, env: NodeJS.ProcessEnv): Promise<AzureAccess> {
  // Loaded on demand: the SDK is large, and most runs do not use it.
  const { ContainerClient, StorageSharedKeyCredential } = await import('@azure/storage-blob');
  const endpoint = endpointOf(location.account, env);
  const url = `${endpoint.href.replace(/\/$/, '')}/${location.container}`;
  const { host } = endpoint;
  const isMine = !env.AZURE_STORAGE_ACCOUNT || env.AZURE_STORAGE_ACCOUNT === location.account;
  const first = (names: string[]) => (isMine ? names.find((name) => env[name]?.trim()) : undefined);
  const sas = first(sasVariables);
  if (sas !== undefined) {
    const query = (env[sas] ?? '').trim().replace(/^\?/, '');
    learnSecret(query);
    learnSecret(new URLSearchParams(query).get('sig') ?? '');
    return {
      client: new ContainerClient(`${url}?${query}`, undefined, pipeline),
      host,
      credential: `the SAS in ${sas}`,
    };
  }
  const key = first(keyVariables);
  if (key !== undefined) {
    const secret = (env[key] ?? '').trim();
    learnSecret(secret);
    if (!/^[A-Za-z0-9+/]+=*$/.test(secret))
      throw new ModelcarsError('usage', `read ${key}: expected a key in Base64`, {
        next: `copy the key of account ${location.account} from "Access keys" in the portal into ${key}`,
      });
    const credential = new StorageSharedKeyCredential(location.account, secret);
    return { client: new ContainerClient(url, credential, pipeline), host, credential: `the key in ${key}` };
  }
  // An emulator without TLS gets no token.
  const token = endpoint.protocol === 'https:' ? await defaultCredential() : undefined;
  if (token === undefined)
    return { client: new ContainerClient(url, undefined, pipeline), host, credential: undefined };
  return {
    client: new ContainerClient(url, token, pipeline),
    host,
    credential: 'the identity that was found',
  };
}

/** What DefaultAzureCredential finds; undefined where it finds nothing. */
async function defaultCredential() {
  const { DefaultAzureCredential } = await import('@azure/identity');
  const credential = new DefaultAzureCredential();
  try {
    learnSecret((await credential.getToken(scope)).token);
    return credential;
  } catch (error) {
    if (isUnavailable(error)) return undefined;
    const text = (error instanceof Error ? error.message : String(error)).replaceAll(/\s+/g, ' ');
    throw new ModelcarsError('auth', `log in to Azure: ${plain(text, 300)}`, {
      next: 'correct AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or run `az login`',
      cause: error,
    });
  }
}

/** Whether there are no credentials at all, rather than wrong ones. */
function isUnavailable(error: unknown): boolean {
  const { name, errors } = (error ?? {}) as { name?: string; errors?: unknown[] };
  if (name === 'AggregateAuthenticationError') return (errors ?? []).every(isUnavailable);
  return name === 'CredentialUnavailableError';
}

/** The account's server, or the one that AZURE_STORAGE_SERVICE_ENDPOINT names (another cloud, an emulator). */
function endpointOf(account: string, env: NodeJS.ProcessEnv): URL {
  const name = 'AZURE_STORAGE_SERVICE_ENDPOINT';
  const text = env[name]?.trim();
  if (!text) return new URL(`https://${account}.blob.core.windows.net`);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname));
  if (url !== undefined && isSafe && url.username === '' && url.search === '') return url;
  throw new ModelcarsError('usage', `read ${name}: expected a URL with https://`, {
    next: `set ${name} to the blob endpoint of the account, such as https://account.blob.core.usgovcloudapi.net`,
  });
}
