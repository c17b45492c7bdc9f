import { X509Certificate } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { ModelcarsError } from '../errors.ts';

/** Bytes. A system bundle of all authorities has about 250 KB. */
const largest = 16 * 1024 ** 2;

/** Certificates read, by path: a shell's `<(command)` can be read only once. */
const known = new Map<string, string[]>();

/**
 * Reads the certificates of a PEM file (RFC 7468), one string each, once per process. Fails with code `usage` when the
 * file cannot be read, is DER, holds no certificate or only a private key, or when one of its certificates is broken.
 */
export function readCertificates(file: string): string[] {
  const certificates = known.get(file) ?? parseCertificates(file, read(file));
  known.set(file, certificates);
  return certificates;
}

/**
 * Lets TLS clients of libraries trust what `Transport` trusts: Node's roots, the system's (SSL_CERT_FILE, SSL_CERT_DIR),
 * and those of `caFile`. For the SDKs of clouds, which take no certificates, or not for every request that they make. It
 * applies to connections to come, of this whole process. Fails as `readCertificates`.
 */
export function trustInProcess(caFile: string | undefined): void {
  const own = caFile === undefined ? [] : readCertificates(caFile);
  const before = getCACertificates('default');
  const all = new Set([...before, ...getCACertificates('system'), ...own]);
  if (all.size > new Set(before).size) setDefaultCACertificates([...all]);
}

function parseCertificates(file: string, bytes: Buffer): string[] {
  const text = bytes.toString('latin1');
  const blocks = text.match(
    /-----BEGIN (?:TRUSTED )?CERTIFICATE-----.*?-----END (?:TRUSTED )?CERTIFICATE-----/gs,
  );
  if (blocks === null) throw noCertificate(file, bytes, text);
  for (const [index, block] of blocks.entries()) {
    if (isCertificate(block)) continue;
    throw certificateError(file, `certificate ${index + 1} of ${blocks.length} in it cannot be read`, {
      next: 'get the file again; `openssl x509 -in FILE -noout -text` shows what is wrong',
    });
  }
  return blocks;
}

/** Explains why a file holds no PEM certificate. */
function noCertificate(file: string, bytes: Buffer, text: string): ModelcarsError {
  if (bytes.length === 0) {
    return certificateError(file, 'it is empty', { next: 'get the certificate of the authority again' });
  }
  if (/-----BEGIN (?:TRUSTED )?CERTIFICATE-----/.test(text)) {
    return certificateError(file, 'its certificate has no end', {
      next: 'get the file again: it was cut off',
    });
  }
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) {
    return certificateError(file, 'it holds a private key, no certificate', {
      next: 'pass the certificate of the authority with `--ca-file`; never pass its private key',
    });
  }
  if (isCertificate(bytes)) {
    return certificateError(file, 'it is DER, not PEM', {
      next: `convert it: \`openssl x509 -inform der -in ${file} -out ${file}.pem\``,
    });
  }
  return certificateError(file, 'it holds no PEM certificate', {
    next: 'pass a PEM file (`-----BEGIN CERTIFICATE-----`) with `--ca-file`',
  });
}

function isCertificate(data: string | Buffer): boolean {
  try {
    new X509Certificate(data);
    return true;
  } catch {
    return false;
  }
}

/** Reads a file, which may be a pipe. Reads little more than `largest` bytes, because a device has no end. */
function read(file: string): Buffer {
  const buffer = Buffer.alloc(64 * 1024);
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    const descriptor = openSync(file, 'r');
    try {
      for (let count = readSync(descriptor, buffer); count > 0; count = readSync(descriptor, buffer)) {
        chunks.push(Buffer.from(buffer.subarray(0, count)));
        size += count;
        if (size > largest) break;
      }
    } finally {
      closeSync(descriptor);
    }
  } catch (cause) {
    throw certificateError(file, readProblem(cause), {
      cause,
      next: 'pass the path of a PEM file with `--ca-file`',
    });
  }
  if (size <= largest) return Buffer.concat(chunks, size);
  throw certificateError(file, 'it is larger than 16 MiB', {
    next: 'pass the path of a PEM file with `--ca-file`',
  });
}

function readProblem(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const words: Record<string, string> = {
    ENOENT: 'no such file',
    EISDIR: 'it is a folder',
    EACCES: 'permission denied',
    ENOTDIR: 'a part of the path is a file, not a folder',
  };
  return words[code ?? ''] ?? message;
}

function certificateError(
  file: string,
  problem: string,
  options: { next: string; cause?: unknown },
): ModelcarsError {
  return new ModelcarsError('usage', `read certificates ${file}: ${problem}`, options);
}
