/** A private Sigstore on loopback: the certificate authority, logs and timestamps of @sigstore/mock behind HTTP. */
import { createHash, generateKeyPairSync } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import {
  fulcioHandler,
  type HandlerFn,
  initializeCA,
  initializeCTLog,
  initializeTLog,
  initializeTSA,
  rekorHandler,
  tsaHandler,
} from '@sigstore/mock';

/** One request that arrived. */
export interface SigstoreRequest {
  service: 'fulcio' | 'rekor' | 'timestamp';
  body: string;
}

export interface Sigstore extends AsyncDisposable {
  url: string;
  /** Path of the trusted root, JSON. */
  trustedRoot: string;
  requests: SigstoreRequest[];
  /** Sees each request first; returns true if it has answered it. */
  intercept?: (request: SigstoreRequest, response: ServerResponse) => boolean;
}

/** The issuer that @sigstore/mock writes into certificates whose token names none. */
export const issuer = 'https://token.example.com';

/** Starts one, with TLS by these certificates or without; writes its trusted root into `folder`. */
export async function startSigstore(folder: string, tls?: { cert: string; key: string }): Promise<Sigstore> {
  const requests: SigstoreRequest[] = [];
  const handlers = new Map<string, { service: SigstoreRequest['service']; fn: HandlerFn }>();
  const listener: RequestListener = async (request, response) => {
    const handler = handlers.get(request.url ?? '');
    if (request.method !== 'POST' || handler === undefined) {
      response.writeHead(404).end();
      return;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of request as IncomingMessage) chunks.push(chunk as Buffer);
    const seen = { service: handler.service, body: Buffer.concat(chunks).toString('utf8') };
    requests.push(seen);
    if (sigstore.intercept?.(seen, response)) return;
    const body = seen.service === 'rekor' ? canonicalEntry(seen.body) : seen.body;
    const answer = await handler.fn(body);
    response.writeHead(answer.statusCode, { 'content-type': answer.contentType ?? 'text/plain' });
    response.end(answer.response);
  };
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const ctLog = await initializeCTLog(keyPair());
  const authority = await initializeCA(keyPair(), ctLog);
  const log = await initializeTLog(url, keyPair());
  const timestamps = await initializeTSA(keyPair());
  // Whole seconds, as Sigstore's own authority has them: verifiers refuse the mock's `.5Z` for 500 milliseconds.
  Object.assign(timestamps, { getCurrentTime: () => new Date(Math.floor(Date.now() / 1000) * 1000) });
  const add = (service: SigstoreRequest['service'], { path, fn }: { path: string; fn: HandlerFn }) =>
    handlers.set(path, { service, fn });
  add('fulcio', fulcioHandler(authority, { strict: true }));
  add('rekor', rekorHandler(log, { strict: true }));
  add('timestamp', tsaHandler(timestamps, { strict: true }));

  const validFor = { start: '2020-01-01T00:00:00Z' };
  const chainOf = (...certificates: ArrayBufferView[]) => ({
    certificates: certificates.map((one) => ({ rawBytes: bytesOf(one).toString('base64') })),
  });
  const logOf = (baseUrl: string, publicKey: Buffer, keyId: Buffer) => ({
    baseUrl,
    hashAlgorithm: 'SHA2_256',
    publicKey: {
      rawBytes: publicKey.toString('base64'),
      keyDetails: 'PKIX_ECDSA_P256_SHA_256',
      validFor,
    },
    logId: { keyId: keyId.toString('base64') },
  });
  const root = {
    mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
    tlogs: [logOf(url, log.publicKey, createHash('sha256').update(log.publicKey).digest())],
    certificateAuthorities: [
      {
        subject: { organization: 'sigstore.mock', commonName: 'sigstore' },
        uri: url,
        certChain: chainOf(authority.rootCertificate),
        validFor,
      },
    ],
    ctlogs: [logOf(url, ctLog.publicKey, bytesOf(ctLog.logID))],
    timestampAuthorities: [
      {
        subject: { organization: 'sigstore.mock', commonName: 'tsa' },
        uri: url,
        certChain: chainOf(timestamps.intCertificate, timestamps.rootCertificate),
        validFor,
      },
    ],
  };
  const trustedRoot = join(folder, 'trusted_root.json');
  await writeFile(trustedRoot, JSON.stringify(root));
  const sigstore: Sigstore = {
    url,
    trustedRoot,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return sigstore;
}

/**
 * A proposed entry as Rekor stores it: of a DSSE envelope only hashes and signatures (github.com/sigstore/rekor,
 * pkg/types/dsse/v0.0.1/entry.go, Canonicalize). The mock stores what is proposed, which verifiers refuse.
 */
function canonicalEntry(proposed: string): string {
  const { kind, apiVersion, spec } = JSON.parse(proposed);
  if (kind !== 'dsse') return proposed;
  const { envelope, verifiers } = spec.proposedContent;
  const { payload, signatures } = JSON.parse(envelope);
  const hashOf = (bytes: Buffer) => ({
    algorithm: 'sha256',
    value: createHash('sha256').update(bytes).digest('hex'),
  });
  return JSON.stringify({
    kind,
    apiVersion,
    spec: {
      envelopeHash: hashOf(Buffer.from(envelope)),
      payloadHash: hashOf(Buffer.from(payload, 'base64')),
      signatures: signatures.map(({ sig }: { sig: string }) => ({ signature: sig, verifier: verifiers[0] })),
    },
  });
}

function keyPair() {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

/** The library's types say views; some are plain ArrayBuffers. */
function bytesOf(value: ArrayBufferView | ArrayBuffer): Buffer {
  return value instanceof ArrayBuffer
    ? Buffer.from(value)
    : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}

/** An identity token as a CI system issues it; @sigstore/mock does not check its signature. */
export function identityToken(claims: Record<string, unknown> = {}): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const now = Math.floor(Date.now() / 1000);
  const usual = { iss: issuer, aud: 'sigstore', iat: now, exp: now + 600, sub: 'job@example.com' };
  return `${part({ alg: 'RS256' })}.${part({ ...usual, ...claims })}.c2lnbmF0dXJl`;
}
