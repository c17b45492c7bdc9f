import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';

/** A key and a certificate for it, as PEM. */
export interface Certificate {
  key: string;
  certificate: string;
}

/** DER (ITU-T X.690): a tag, a length, the content. */
function der(tag: number, ...parts: (Buffer | Uint8Array)[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

const sequence = (...parts: Buffer[]) => der(0x30, ...parts);
const octets = (content: Buffer) => der(0x04, content);
const bits = (content: Buffer) => der(0x03, Buffer.from([0]), content);
const truth = der(0x01, Buffer.from([0xff]));

function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const part of rest) {
    const digits = [part & 0x7f];
    for (let left = part >> 7; left > 0; left >>= 7) digits.unshift((left & 0x7f) | 0x80);
    bytes.push(...digits);
  }
  return der(0x06, Buffer.from(bytes));
}

/** UTCTime: valid until 2049 (RFC 5280 section 4.1.2.5.1). */
function time(date: Date): Buffer {
  const digits = date.toISOString().replace(/[-:T]/g, '').slice(2, 14);
  return der(0x17, Buffer.from(`${digits}Z`));
}

const extension = (id: string, critical: boolean, value: Buffer) =>
  sequence(oid(id), ...(critical ? [truth] : []), octets(value));

/**
 * A self-signed certificate for the DNS names, valid for `days` from an hour ago. It serves KServe's webhooks in a
 * short-lived cluster, in place of cert-manager. ECDSA with P-256; RFC 5280 section 4.1. Written by hand since Node's
 * crypto creates keys but no certificates.
 */
export function selfSigned(dnsNames: readonly string[], days = 30): Certificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const algorithm = sequence(oid('1.2.840.10045.4.3.2')); // ecdsa-with-SHA256
  const name = sequence(
    der(0x31, sequence(oid('2.5.4.3'), der(0x0c, Buffer.from(dnsNames[0]?.slice(0, 64) ?? 'modelcars')))),
  );
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const from = new Date(Date.now() - 3_600_000);
  const until = new Date(from.getTime() + days * 86_400_000);
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40; // positive, at full length
  const alternatives = sequence(...dnsNames.map((one) => der(0x82, Buffer.from(one))));
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))), // version 3
    der(0x02, serial),
    algorithm,
    name,
    sequence(time(from), time(until)),
    name,
    spki,
    der(
      0xa3,
      sequence(
        extension('2.5.29.19', true, sequence(truth)), // basicConstraints: a CA, since it signs itself
        extension('2.5.29.15', true, der(0x03, Buffer.from([2, 0x84]))), // keyUsage: digitalSignature, keyCertSign
        extension('2.5.29.37', false, sequence(oid('1.3.6.1.5.5.7.3.1'))), // extKeyUsage: serverAuth
        extension('2.5.29.17', false, alternatives),
        extension('2.5.29.14', false, octets(createHash('sha1').update(spki).digest())),
      ),
    ),
  );
  const whole = sequence(body, algorithm, bits(sign('sha256', body, privateKey)));
  const lines = whole.toString('base64').match(/.{1,64}/g) ?? [];
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    certificate: `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`,
  };
}
