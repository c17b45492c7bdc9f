/** Bulk connections over TLS, and what they leave behind. */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createSecureContext, type TLSSocket } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it, test, vi } from 'vitest';
import { type Certificates, makeCertificates } from '../../../tests/parts/certificates.ts';
import { giveRoom, ok, startRaw, until, want } from '../../../tests/support/http-server.ts';
import { BulkPool } from './pool.ts';

const made: BulkPool[] = [];
const newPool = (ca?: string): BulkPool => {
  const pool = new BulkPool(() => createSecureContext(ca === undefined ? {} : { ca }));
  made.push(pool);
  return pool;
};
afterEach(() => {
  for (const pool of made.splice(0)) pool.close();
});

describe('BulkPool with TLS', () => {
  let folder: string;
  let tls: Certificates;
  let ca: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pool-'));
    tls = await makeCertificates(folder);
    ca = await readFile(tls.caFile, 'utf8');
  });
  afterAll(() => rm(folder, { recursive: true }));
  const large = Buffer.from(Array.from({ length: 2_000_000 }, (_, at) => (at * 7 + (at >> 9)) & 255));

  it('connects to servers with a trusted certificate for their name', async () => {
    const names: unknown[] = [];
    await using server = await startRaw(
      (socket) => {
        names.push((socket as TLSSocket).servername);
        return ok(large);
      },
      { tls },
    );
    const pool = newPool(ca);
    for (const host of ['localhost', '127.0.0.1']) {
      const request = want(new URL(server.url().href.replace('localhost', host)));
      for (const _ of [1, 2]) await pool.get(request);
      expect(Buffer.concat(request.chunks).equals(Buffer.concat([large, large]))).toBe(true);
    }
    expect(names).toEqual(['localhost', 'localhost', false, false]);
    await using six = await startRaw(() => ok('six'), { tls, host: '::1' });
    await pool.get(want(new URL(`https://[::1]:${six.url().port}/`)));
    expect([server.connections, six.connections]).toEqual([2, 1]);
  });

  test.each([
    ['a server with an unknown authority', undefined, 'localhost', /CERT|VERIFY|SELF_SIGNED/],
    ['a server with another name', 'ours', '127.0.0.2', /^ERR_TLS_CERT_ALTNAME_INVALID$/],
  ])('sends nothing to %s', async (_, trusted, host, code) => {
    const at = host === 'localhost' ? {} : { host };
    await using server = await startRaw(() => ok('hello'), { tls, ...at });
    const url = new URL(`https://${host}:${server.url().port}/`);
    const got = newPool(trusted && ca).get(want(url, { headers: { authorization: 'Bearer secret' } }));
    await expect(got).rejects.toMatchObject({
      answered: false,
      cause: { code: expect.stringMatching(code) },
    });
    await sleep(30);
    expect(server.requests).toEqual([]);
  });

  it('passes no decrypted bytes to a `take` that waits', async () => {
    // With and without an end of the connection that arrives meanwhile.
    await using server = await startRaw(
      (socket, { nth }) => {
        if (nth === 1) socket.write(ok(large));
        else socket.end(ok(large.subarray(0, 50_000), 'Connection: close'));
      },
      { tls },
    );
    const pool = newPool(ca);
    for (const size of [large.length, 50_000]) {
      let waiting = 0;
      let most = 0;
      const chunks: Buffer[] = [];
      const take = async (chunk: Uint8Array) => {
        most = Math.max(most, ++waiting);
        chunks.push(Buffer.from(chunk));
        await sleep(3);
        waiting--;
      };
      await pool.get(want(server.url(), { take }));
      expect(most).toBe(1);
      expect(Buffer.concat(chunks).equals(large.subarray(0, size))).toBe(true);
    }
  });

  it('writes nothing into the room of a `take` that waits', async () => {
    await using server = await startRaw(() => ok(large), { tls });
    const { take, whole, filled } = giveRoom(large.length, [70_000, 3, 9000], () => sleep(1));
    await newPool(ca).get(want(server.url(), { take }));
    expect(filled()).toBe(large.length);
    expect(whole.equals(large)).toBe(true);
  });

  it('passes nothing more to a waiting `take` after an abort', async () => {
    await using server = await startRaw(() => ok(large), { tls });
    const stop = new AbortController();
    const waiting = Promise.withResolvers<void>();
    const take = vi.fn(() => waiting.promise);
    const got = newPool(ca).get(want(server.url(), { take, signal: stop.signal }));
    await until(() => expect(take).toHaveBeenCalled());
    await sleep(20);
    stop.abort();
    await expect(got).rejects.toMatchObject({ answered: true });
    waiting.resolve();
    await sleep(20);
    expect(take).toHaveBeenCalledOnce();
  });

  it('reports excess and missing bytes although `take` waited', async () => {
    await using server = await startRaw(
      (socket, { nth }) =>
        nth === 1
          ? socket.write(Buffer.concat([ok(large.subarray(0, 50_000)), Buffer.from('more')]))
          : socket.end(ok(large.subarray(0, 50_000)).subarray(0, -1)),
      { tls },
    );
    for (const message of ['it sent more than its Content-Length', 'other side closed']) {
      const pool = newPool(ca);
      await expect(pool.get(want(server.url(), { take: () => sleep(3) }))).rejects.toMatchObject({
        cause: { message },
      });
    }
  });

  it.each(['http', 'https'])('does not keep an idle process alive (%s)', async (protocol) => {
    await using server = await startRaw(() => ok('hello'), protocol === 'https' ? { tls } : {});
    const program = `
      import { readFileSync } from 'node:fs';
      import { createSecureContext } from 'node:tls';
      import { BulkPool } from ${JSON.stringify(fileURLToPath(new URL('./pool.ts', import.meta.url)))};
      const pool = new BulkPool(() => createSecureContext({ ca: readFileSync(${JSON.stringify(tls.caFile)}) }));
      const url = new URL(${JSON.stringify(server.url().href)});
      for (const turn of [1, 2]) {
        await pool.get({ url, headers: {}, expect: [200], look() {}, take: (chunk) => void process.stdout.write(chunk) });
      }
      const began = performance.now();
      process.on('exit', () => process.stdout.write(performance.now() - began < 3000 ? ' soon' : ' late'));`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program]);
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += chunk;
    });
    child.stderr.pipe(process.stderr);
    await new Promise((resolve) => child.once('close', resolve));
    expect(text).toBe('hellohello soon');
    expect(server.connections).toBe(1);
  });
});
