import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Certificates, makeCertificates } from '../../tests/parts/certificates.ts';
import { readCertificates } from './certificates.ts';
import { Transport } from './transport.ts';

let folder: string;
let made: Certificates;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelcars-certificates-'));
  made = await makeCertificates(folder);
});
afterAll(async () => await rm(folder, { recursive: true }));

async function write(name: string, content: string | Uint8Array): Promise<string> {
  await writeFile(join(folder, name), content);
  return join(folder, name);
}

test('reads each certificate of a bundle, and ignores other text', async () => {
  const [one, two] = await Promise.all([
    readFile(made.caFile, 'utf8'),
    readFile(made.certificateFile, 'utf8'),
  ]);
  const bundle = await write('bundle.pem', `# ours\r\n${one}\n# theirs\n${two}`);
  expect(readCertificates(bundle)).toEqual([one.trim(), two.trim()]);
});

test('reads a file only once, because it can be a pipe', async () => {
  const file = await write('once.pem', await readFile(made.caFile));
  const before = readCertificates(file);
  await rm(file);
  expect(readCertificates(file)).toEqual(before);
});

test.each([
  ['missing', async () => join(folder, 'none.pem'), 'no such file'],
  ['a folder', async () => folder, 'it is a folder'],
  ['below a file', async () => `${made.caFile}/x`, 'a part of the path is a file'],
  ['empty', () => write('empty.pem', ''), 'it is empty'],
  [
    'junk',
    () => write('junk.pem', Buffer.from(Array.from({ length: 999 }, (_, at) => at % 251))),
    'no PEM certificate',
  ],
  ['a key', async () => made.keyFile, 'it holds a private key, no certificate'],
  ['endless', async () => '/dev/zero', 'larger than 16 MiB'],
  ['cut off', async () => write('cut.pem', (await readFile(made.caFile)).subarray(0, 300)), 'has no end'],
  [
    'broken in its second certificate',
    async () => {
      const pem = await readFile(made.caFile, 'utf8');
      return write('broken.pem', `${pem}${pem.replace(/\n[A-Za-z0-9+/]{64}\n/, '\n')}`);
    },
    'certificate 2 of 2 in it cannot be read',
  ],
  [
    'DER',
    async () => {
      const der = join(folder, 'ca.der');
      await promisify(execFile)('openssl', ['x509', '-in', made.caFile, '-outform', 'der', '-out', der]);
      return der;
    },
    'it is DER, not PEM',
  ],
])('a file that is %s is wrong usage, before any request', async (_, prepare, problem) => {
  const caFile = await prepare();
  const error = (() => {
    try {
      return new Transport({ env: {}, caFile });
    } catch (reason) {
      return reason;
    }
  })();
  expect(error).toMatchObject({
    code: 'usage',
    message: expect.stringContaining(`read certificates ${caFile}: `),
    next: expect.any(String),
  });
  expect((error as Error).message).toContain(problem);
});
