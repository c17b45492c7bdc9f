import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Certificates, makeCertificates } from '../../tests/parts/certificates.ts';
import { startRaw } from '../../tests/support/http-server.ts';
import { speaksTls } from './tls-probe.ts';

const secure = (url: URL): URL => new URL(url.href.replace(/^http:/, 'https:'));

describe('speaksTls', () => {
  let folder: string;
  let tls: Certificates;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'speaks-'));
    tls = await makeCertificates(folder);
  });
  afterAll(() => rm(folder, { recursive: true }));

  test('is true for a server with any certificate, without sending it a request', async () => {
    await using server = await startRaw(() => undefined, { tls });
    expect(await speaksTls(server.url())).toBe(true);
    expect(await speaksTls(new URL(server.url().href.replace('localhost', '127.0.0.1')))).toBe(true);
    expect(server.requests).toEqual([]);
  });

  test('is false without TLS, and when nothing listens', async () => {
    const plain = createServer((socket) =>
      socket
        .on('error', () => {})
        .resume()
        .end('HTTP/1.1 400 Bad\r\n\r\n'),
    );
    await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve));
    const url = new URL(`https://127.0.0.1:${(plain.address() as AddressInfo).port}`);
    expect(await speaksTls(url)).toBe(false);
    await new Promise((resolve) => plain.close(resolve));
    expect(await speaksTls(url)).toBe(false);
  });

  test('is false for a silent server once the run is aborted', async () => {
    await using silent = await startRaw(() => undefined);
    const stop = new AbortController();
    const asked = speaksTls(secure(silent.url()), stop.signal);
    setTimeout(() => stop.abort(), 50);
    expect(await asked).toBe(false);
    expect(await speaksTls(secure(silent.url()), stop.signal)).toBe(false);
  });
});
