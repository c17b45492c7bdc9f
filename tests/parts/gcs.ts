/** A Cloud Storage server for tests: fake-gcs-server in memory, behind a proxy that records requests and injects faults. */
import { part } from './parts.ts';
import { type Fault, type S3Request, startFaultProxy } from './s3faults.ts';
import { answering, freePort, startProcess } from './server-process.ts';

export interface GcsServer extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`, for STORAGE_EMULATOR_HOST. */
  url: string;
  /** Puts an object of these bytes, in one request. */
  put(bucket: string, name: string, content: string | Uint8Array): Promise<void>;
  /** All requests so far, except those of `put`. */
  requests(): S3Request[];
  /** Adds a fault for requests to come; the returned function counts how often it occurred. */
  fault(fault: Fault): () => number;
  /** Removes all faults. */
  calm(): void;
}

/** Starts one with these buckets. Throws PartMissing if the machine cannot have it. */
export async function startGcs(buckets: string[] = ['models']): Promise<GcsServer> {
  const program = await part('fake-gcs-server');
  const port = await freePort();
  const options = ['-backend', 'memory', '-scheme', 'http', '-host', '127.0.0.1', '-port', `${port}`];
  const server = startProcess(program, [...options, '-log-level', 'error']);
  const proxy = await startFaultProxy(port);
  const post = async (path: string, body: string | Uint8Array, type: string): Promise<void> => {
    const response = await fetch(`${proxy.quietUrl}${path}`, {
      method: 'POST',
      headers: { 'content-type': type },
      body: Buffer.from(body),
    });
    if (!response.ok) throw new Error(`POST ${path}: ${response.status} ${await response.text()}`);
  };
  await answering(
    server,
    'fake-gcs-server',
    async () => (await fetch(`${proxy.quietUrl}/storage/v1/b?project=p`)).ok,
  );
  for (const name of buckets)
    await post('/storage/v1/b?project=p', JSON.stringify({ name }), 'application/json');
  return {
    url: proxy.url,
    put: (bucket, name, content) =>
      post(
        `/upload/storage/v1/b/${bucket}/o?uploadType=media&name=${encodeURIComponent(name)}`,
        content,
        'application/octet-stream',
      ),
    requests: proxy.requests,
    fault: proxy.fault,
    calm: proxy.calm,
    async [Symbol.asyncDispose]() {
      await proxy.stop();
      await server.stop();
    },
  };
}
