/** An S3 with models, for KServe's storage initializer: versitygw, which sends files by itself and not through a proxy. */
import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { S3 } from '@aws-sdk/client-s3';
import { answering, freePort, startProcess } from '../tests/parts/server-process.ts';
import { toolPath } from './tools.ts';
import type { BenchModel, Job } from './types.ts';

export interface BenchS3 extends NonNullable<Job['s3']>, AsyncDisposable {
  pid: number | undefined;
  /** `ADDRESS:PORT` */
  host: string;
}

/** Starts one that keeps objects below `folder`, with each model's files as `s3://models/NAME/…`, on `address`. */
export async function startBenchS3(
  folder: string,
  models: readonly Pick<BenchModel, 'name' | 'folder' | 'files'>[],
  address = '127.0.0.1',
): Promise<BenchS3> {
  const host = `${address}:${await freePort()}`;
  const [root, sidecar] = [join(folder, 'root'), join(folder, 'meta')];
  for (const path of [root, sidecar]) await mkdir(path, { recursive: true });
  const [accessKey, secretKey] = [randomBytes(10).toString('hex'), randomBytes(30).toString('hex')];
  const args = ['--quiet', '--keep-alive', '--port', host, '--health', '/health'];
  const server = startProcess(await toolPath('versitygw'), [...args, 'posix', '--sidecar', sidecar, root], {
    env: { ROOT_ACCESS_KEY: accessKey, ROOT_SECRET_KEY: secretKey },
  });
  const endpoint = `http://${host}`;
  const dispose = async (): Promise<void> => await server.stop();
  try {
    await answering(server, 'S3 server', async () => (await fetch(`${endpoint}/health`)).ok);
    const client = new S3({
      endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: { accessKeyId: accessKey, secretAccessKey: secretKey },
    });
    await client.createBucket({ Bucket: 'models' });
    for (const { name, folder: from, files } of models)
      for (const file of files) await upload(client, `${name}/${file}`, join(from, file));
    client.destroy();
  } catch (error) {
    await dispose();
    throw error;
  }
  return { host, endpoint, accessKey, secretKey, pid: server.child.pid, [Symbol.asyncDispose]: dispose };
}

/** Uploads a file. On a busy machine the server now and then refuses a request, and the client repeats no stream. */
async function upload(client: S3, key: string, path: string): Promise<void> {
  const { size } = await stat(path);
  for (let left = 4; ; left--) {
    try {
      const Body = createReadStream(path);
      await client.putObject({ Bucket: 'models', Key: key, Body, ContentLength: size });
      return;
    } catch (error) {
      if (left === 0) throw error;
    }
  }
}
