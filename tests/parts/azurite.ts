/** Azurite, Microsoft's emulator of Blob Storage, behind a proxy that records requests and injects faults. */
import { createHash, randomBytes } from 'node:crypto';
import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  AccountSASPermissions,
  AccountSASResourceTypes,
  AccountSASServices,
  BlobServiceClient,
  generateAccountSASQueryParameters,
  StorageSharedKeyCredential,
} from '@azure/storage-blob';
import { cached, PartMissing, partsRequired } from './parts.ts';
import { run } from './run.ts';
import { type Fault, type S3Request, startFaultProxy } from './s3faults.ts';
import { answering, freePort, startProcess } from './server-process.ts';

const pins = fileURLToPath(new URL('azurite/', import.meta.url));

export interface AzureServer extends AsyncDisposable {
  account: string;
  /** Variables with the account's key, or with a SAS that may read and list. */
  env(credential?: 'key' | 'sas' | 'none'): Record<string, string | undefined>;
  /** Puts a blob of these bytes. */
  put(
    container: string,
    name: string,
    content: string | Uint8Array,
    metadata?: Record<string, string>,
  ): Promise<void>;
  /** All requests so far, except those of `put`. */
  requests(): S3Request[];
  /** Adds a fault for requests to come; the returned function counts how often it occurred. */
  fault(fault: Fault): () => number;
  /** Removes all faults. */
  calm(): void;
}

/** The path of the program; installed first if needed. Throws PartMissing if that fails. */
async function azurite(): Promise<string> {
  const lock = await readFile(join(pins, 'package-lock.json'));
  const key = createHash('sha256').update(lock).digest('hex').slice(0, 12);
  return await cached(`azurite-${key}`, 'node_modules/azurite/dist/src/blob/main.js', async (made) => {
    for (const name of ['package.json', 'package-lock.json']) await cp(join(pins, name), join(made, name));
    const words = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
    await run('npm', words, { cwd: made, timeout: 600_000 }).catch((error: Error) => {
      throw new PartMissing(`azurite cannot be installed from npm: ${error.message}`);
    });
  });
}

/** The message with what to install if it is missing; throws it where parts are required. */
export async function missingAzurite(): Promise<string | undefined> {
  try {
    await azurite();
    return undefined;
  } catch (error) {
    if (!(error instanceof PartMissing) || partsRequired()) throw error;
    return error.message;
  }
}

/** Starts one with these private containers. Throws PartMissing if the machine cannot have it. */
export async function startAzure(containers: string[] = ['models']): Promise<AzureServer> {
  const program = await azurite();
  const port = await freePort();
  const account = 'testaccount';
  const key = randomBytes(64).toString('base64');
  const options = [
    '--blobPort',
    `${port}`,
    '--silent',
    '--inMemoryPersistence',
    '--skipApiVersionCheck',
    '--disableTelemetry',
  ];
  const server = startProcess(process.execPath, [program, ...options], {
    env: { AZURITE_ACCOUNTS: `${account}:${key}` },
  });
  const proxy = await startFaultProxy(port);
  const credential = new StorageSharedKeyCredential(account, key);
  const service = new BlobServiceClient(`${proxy.quietUrl}/${account}`, credential);
  await answering(server, 'azurite', async () => {
    await service.getProperties({ abortSignal: AbortSignal.timeout(2000) });
    return true;
  });
  for (const name of containers) await service.createContainer(name);
  const sas = generateAccountSASQueryParameters(
    {
      expiresOn: new Date(Date.now() + 3_600_000),
      permissions: AccountSASPermissions.parse('rl'),
      resourceTypes: AccountSASResourceTypes.parse('co').toString(),
      services: AccountSASServices.parse('b').toString(),
    },
    credential,
  ).toString();
  return {
    account,
    env: (which = 'key') => ({
      ...cleared,
      AZURE_STORAGE_SERVICE_ENDPOINT: `${proxy.url}/${account}`,
      ...(which === 'key' && { AZURE_STORAGE_KEY: key }),
      ...(which === 'sas' && { AZURE_STORAGE_SAS_TOKEN: `?${sas}` }),
    }),
    async put(container, name, content, metadata) {
      const bytes = Buffer.from(content);
      await service
        .getContainerClient(container)
        .uploadBlockBlob(name, bytes, bytes.length, metadata && { metadata });
    },
    requests: proxy.requests,
    fault: proxy.fault,
    calm: proxy.calm,
    async [Symbol.asyncDispose]() {
      await proxy.stop();
      await server.stop();
    },
  };
}

/** Variables that would name the developer's own account. */
const cleared = {
  AZURE_STORAGE_ACCOUNT: undefined,
  AZURE_STORAGE_KEY: undefined,
  AZURE_STORAGE_ACCESS_KEY: undefined,
  AZURE_STORAGE_SAS_TOKEN: undefined,
  AZURE_SAS_TOKEN: undefined,
};
