/** A test certificate authority and a server certificate issued by it: for TLS, and for signing registry tokens. */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const exec = promisify(execFile);

export interface Certificates {
  /** PEM files. */
  caFile: string;
  certificateFile: string;
  keyFile: string;
}

/**
 * Creates both with openssl in `folder`; the server certificate is for localhost, 127.0.0.1, ::1 and `names`, for one
 * day.
 */
export async function makeCertificates(folder: string, names: string[] = []): Promise<Certificates> {
  const file = (name: string): string => join(folder, name);
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1'];
  const openssl = async (...args: string[]): Promise<void> => {
    await exec('openssl', args);
  };
  const alternatives = [
    'DNS:localhost',
    'IP:127.0.0.1',
    'IP:::1',
    ...names.map((name) => `DNS:${name}`),
  ].join();
  await writeFile(
    file('server.cnf'),
    `subjectAltName=${alternatives}\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n`,
  );
  const ca = ['-subj', '/CN=modelcars test authority', '-keyout', file('ca.key'), '-out', file('ca.pem')];
  await openssl('req', '-x509', ...key, ...ca);
  const request = ['-subj', '/CN=localhost', '-keyout', file('server.key'), '-out', file('server.csr')];
  await openssl('req', '-new', ...key.slice(0, 5), ...request);
  const issuer = ['-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-CAcreateserial', '-days', '1'];
  const leaf = ['-extfile', file('server.cnf'), '-in', file('server.csr'), '-out', file('server.pem')];
  await openssl('x509', '-req', ...issuer, ...leaf);
  return { caFile: file('ca.pem'), certificateFile: file('server.pem'), keyFile: file('server.key') };
}

/** A self-signed RSA certificate and its key; a registry with it as `rootcertbundle` accepts tokens signed by it. */
export async function makeSigner(folder: string): Promise<{ certificateFile: string; keyFile: string }> {
  const certificateFile = join(folder, 'tokens.pem');
  const keyFile = join(folder, 'tokens.key');
  const files = ['-keyout', keyFile, '-out', certificateFile];
  const subject = ['-subj', '/CN=modelcars test tokens'];
  await exec('openssl', [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '1',
    ...subject,
    ...files,
  ]);
  return { certificateFile, keyFile };
}
