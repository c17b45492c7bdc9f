/** `--ca-file` with a file that contains no certificates: a usage error, reported immediately by every command. */

import { X509Certificate } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer as createSecureServer } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { type Certificates, makeCertificates } from '../parts/certificates.ts';
import { makeCatalog, tryModelcars } from '../parts/cli.ts';

let folder: string;
let made: Certificates;
let port: number;
let connections = 0;
const server = createServer((socket) => {
  connections++;
  socket.destroy();
});

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelcars-ca-file-'));
  made = await makeCertificates(folder);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as { port: number }).port;
  await makeCatalog(folder, [{ name: 'iris', framework: 'sklearn', files: { 'model.joblib': 'model' } }]);
  const source = `https://127.0.0.1:${port}/model.onnx`;
  const models = [{ name: 'm', framework: 'onnx', source, base: 'embedded', version: 'v1.0.0' }];
  await writeFile(join(folder, 'https.yaml'), stringify({ models }));
  await writeFile(join(folder, 'ca.der'), new X509Certificate(await readFile(made.caFile)).raw);
  await writeFile(join(folder, 'junk.pem'), 'not a certificate\n');
  await writeFile(join(folder, 'empty.pem'), '');
  await writeFile(join(folder, 'cut.pem'), (await readFile(made.caFile)).subarray(0, 200));
  await mkdir(join(folder, 'certs'));
});
afterAll(async () => {
  server.close();
  if (folder) await rm(folder, { recursive: true, force: true });
});

const run = (args: string[], caFile: string) =>
  tryModelcars([...args, '--ca-file', caFile], { cwd: folder, timeout: 60_000 });
const commands = (): [string, string[]][] => [
  ['inspect', ['inspect', `127.0.0.1:${port}/me/iris:v1`]],
  ['push', ['push', '--registry', `127.0.0.1:${port}/me`, '--base', 'embedded']],
  ['lock', ['lock', '--file', 'https.yaml']],
  ['build', ['build', '--base', 'embedded']],
  ['verify --remote', ['verify', '--remote', '--registry', `127.0.0.1:${port}/me`]],
];

describe('--ca-file', () => {
  test.each([
    ['none.pem', 'no such file'],
    ['certs', 'it is a folder'],
    ['empty.pem', 'it is empty'],
    ['junk.pem', 'it holds no PEM certificate'],
    ['ca.der', 'it is DER, not PEM'],
    ['server.key', 'it holds a private key, no certificate'],
    ['cut.pem', 'its certificate has no end'],
    ['/dev/zero', 'it is larger than 16 MiB'],
  ])('%s: %s', async (caFile, problem) => {
    const [, inspect = []] = commands()[0] ?? [];
    const { code, stderr } = await run(inspect, caFile);
    expect(stderr).toMatch(/^error: read certificates /);
    expect(stderr).toContain(`${caFile}: ${problem}`);
    expect(stderr).toContain('next: ');
    expect(stderr).not.toMatch(/no answer|try \d/);
    expect(code).toBe(2);
    expect(connections).toBe(0);
  });

  test('is refused by every command that accepts it, before any request', async () => {
    for (const [name, args] of commands()) {
      const { code, stderr } = await run(args, 'ca.der');
      expect([name, stderr]).toEqual([name, expect.stringContaining('ca.der: it is DER, not PEM')]);
      expect([name, code]).toEqual([name, 2]);
    }
    expect(connections).toBe(0);
  });

  test('that is valid is used, and one of another authority is not reported as invalid', async () => {
    const [key, cert] = await Promise.all([readFile(made.keyFile), readFile(made.certificateFile)]);
    const secure = createSecureServer({ key, cert }, (_, response) => response.writeHead(404).end());
    await new Promise<void>((resolve) => secure.listen(0, '127.0.0.1', resolve));
    const other = await mkdtemp(join(folder, 'other-'));
    const { caFile } = await makeCertificates(other);
    const inspect = ['inspect', `127.0.0.1:${(secure.address() as { port: number }).port}/me/iris:v1`];
    const good = await run(inspect, made.caFile);
    expect(good.stderr).not.toContain('certificate');
    const bad = await run(inspect, caFile);
    expect(bad.stderr).toContain('shows a certificate that is not trusted');
    expect([good.code, bad.code]).toEqual([1, 1]);
    secure.closeAllConnections();
    secure.close();
  });
});
