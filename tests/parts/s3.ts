/** A real S3 server for tests: versitygw over a folder, behind a proxy that records requests and injects faults. */
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { S3 } from '@aws-sdk/client-s3';
import { part } from './parts.ts';
import { run } from './run.ts';
import { type Fault, type S3Request, startFaultProxy } from './s3faults.ts';
import { answering, startProcess } from './server-process.ts';

export interface S3Server extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`, without a trailing slash. */
  endpoint: string;
  accessKey: string;
  secretKey: string;
  /** An account without rights in the other account's buckets. */
  stranger: { accessKey: string; secretKey: string };
  /** The variables for a program to use it; removes those of the developer's own account. */
  env(account?: { accessKey: string; secretKey: string }): Record<string, string | undefined>;
  /** A client with the owner's account for setup and checks: neither recorded nor subject to faults. */
  client: S3;
  /** Puts an object of these bytes, in one request. */
  put(bucket: string, key: string, content: string | Uint8Array): Promise<void>;
  /** Keys of all objects of a bucket, sorted. */
  keys(bucket: string): Promise<string[]>;
  /** All requests so far, except those of `client`. */
  requests(): S3Request[];
  /** Adds a fault for requests to come; the returned function counts how often it occurred. */
  fault(fault: Fault): () => number;
  /** Removes all faults. */
  calm(): void;
  /** All output of the server. */
  log(): string;
  stop(): Promise<void>;
}

/** Starts one with these buckets. Throws PartMissing if the machine cannot have it. */
export async function startS3(buckets: string[] = ['models']): Promise<S3Server> {
  const program = await part('versitygw');
  // Short, because a socket's path has at most 107 bytes.
  const folder = await mkdtemp(join(tmpdir(), 'mc-s3-'));
  const [root, sidecar, accounts] = [join(folder, 'root'), join(folder, 'meta'), join(folder, 'iam')];
  for (const path of [root, sidecar, accounts]) await mkdir(path);
  const owner = account();
  const stranger = account();
  const socket = join(folder, 'sock');
  const logFile = join(folder, 'log');
  const log = openSync(logFile, 'a');
  // Metadata has a separate folder, because not every file system keeps extended attributes.
  const options = ['--quiet', '--keep-alive', '--port', socket, '--health', '/health', '--iam-dir', accounts];
  const server = startProcess(program, [...options, 'posix', '--sidecar', sidecar, root], {
    stdio: ['ignore', log, log],
    env: { ROOT_ACCESS_KEY: owner.accessKey, ROOT_SECRET_KEY: owner.secretKey },
  });
  closeSync(log);
  const proxy = await startFaultProxy(socket);
  const client = new S3({
    endpoint: proxy.quietUrl,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: owner.accessKey, secretAccessKey: owner.secretKey },
  });
  const dispose = async (): Promise<void> => {
    client.destroy();
    await proxy.stop();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await answering(server, 'S3 server', isHealthy(socket), () => readFileSync(logFile, 'utf8'));
    for (const bucket of buckets) await client.createBucket({ Bucket: bucket });
    const user = ['--access', stranger.accessKey, '--secret', stranger.secretKey, '--role', 'user'];
    await run(program, ['admin', '--endpoint-url', proxy.quietUrl, 'create-user', ...user], {
      env: { ADMIN_ACCESS_KEY_ID: owner.accessKey, ADMIN_SECRET_ACCESS_KEY: owner.secretKey },
    });
  } catch (error) {
    await dispose();
    throw error;
  }
  return {
    endpoint: proxy.url,
    ...owner,
    stranger,
    client,
    env: ({ accessKey, secretKey } = owner) => ({
      ...cleared,
      AWS_ACCESS_KEY_ID: accessKey,
      AWS_SECRET_ACCESS_KEY: secretKey,
      S3_ENDPOINT_URL: proxy.url,
    }),
    put: async (bucket, key, content) => {
      const ContentLength = Buffer.byteLength(content);
      await client.putObject({ Bucket: bucket, Key: key, Body: content, ContentLength });
    },
    keys: async (bucket) => {
      const { Contents = [] } = await client.listObjectsV2({ Bucket: bucket });
      return Contents.map(({ Key = '' }) => Key).sort();
    },
    requests: proxy.requests,
    fault: proxy.fault,
    calm: proxy.calm,
    log: () => readFileSync(logFile, 'utf8'),
    stop: dispose,
    [Symbol.asyncDispose]: dispose,
  };
}

/** Variables that would direct the SDK to an account, endpoint or region other than the test's. */
const cleared = {
  AWS_PROFILE: undefined,
  AWS_SESSION_TOKEN: undefined,
  AWS_REGION: undefined,
  AWS_DEFAULT_REGION: undefined,
  AWS_ENDPOINT_URL: undefined,
  AWS_ENDPOINT_URL_S3: undefined,
  AWS_S3_FORCE_PATH_STYLE: undefined,
  AWS_WEB_IDENTITY_TOKEN_FILE: undefined,
  AWS_CONFIG_FILE: '/nonexistent',
  AWS_SHARED_CREDENTIALS_FILE: '/nonexistent',
  AWS_EC2_METADATA_DISABLED: 'true',
  S3_BUCKET: undefined,
  S3_PREFIX: undefined,
  MODEL_NAME: undefined,
  DOWNLOAD_DIR: undefined,
};

function account(): { accessKey: string; secretKey: string } {
  const accessKey = `AKIA${randomBytes(8).toString('hex').toUpperCase()}`;
  return { accessKey, secretKey: randomBytes(30).toString('base64') };
}

/** Asks the server's health check. */
function isHealthy(socketPath: string): () => Promise<boolean> {
  return () =>
    new Promise((resolve) => {
      request({ socketPath, path: '/health' }, (answer) => {
        answer.resume();
        resolve(answer.statusCode === 200);
      })
        .on('error', () => resolve(false))
        .end();
    });
}
