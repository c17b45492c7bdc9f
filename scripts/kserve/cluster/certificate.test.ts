import { X509Certificate } from 'node:crypto';
import { createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { selfSigned } from './certificate.ts';

const names = ['kserve-webhook-server-service.kserve.svc', 'other.kserve.svc'];

it('is valid for Node, with the requested names and days', () => {
  const { certificate } = selfSigned(names, 30);
  const read = new X509Certificate(certificate);
  expect(read.subjectAltName).toBe(names.map((name) => `DNS:${name}`).join(', '));
  expect(read.ca).toBe(true);
  expect(read.checkHost(names[1] ?? '')).toBe(names[1]);
  expect(read.verify(read.publicKey)).toBe(true);
  const days = (Date.parse(read.validTo) - Date.parse(read.validFrom)) / 86_400_000;
  expect(days).toBeCloseTo(30, 3);
  expect(Date.parse(read.validFrom)).toBeLessThan(Date.now() - 3_500_000);
});

it('is trusted in a TLS handshake only by a client that has it as an authority', async () => {
  const { key, certificate: cert } = selfSigned(names);
  const server = createServer({ key, cert }, (_, response) => response.end('fine'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const ask = (ca?: string) =>
    new Promise((resolve) => {
      request({ host: '127.0.0.1', port, servername: names[0], ...(ca && { ca }) }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      })
        .on('error', (error: NodeJS.ErrnoException) => resolve(error.code))
        .end();
    });
  expect(await ask(cert)).toBe(200);
  expect(await ask()).toBe('DEPTH_ZERO_SELF_SIGNED_CERT');
  expect(await ask(selfSigned(names).certificate)).toMatch(/CERT|SELF_SIGNED|UNABLE/);
  server.close();
});
